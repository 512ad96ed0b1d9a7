package handlers

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// slowly lets every caller start so many tasks at once, and one a second after that. The clock stands still.
func slowly(burst int, now *time.Time) func(*Config) {
	return func(c *Config) {
		c.Rate, c.Now = Rate{PerSecond: 1, Burst: burst}, func() time.Time { return *now }
	}
}

func TestACallerStartsOnlySoManyTasks(t *testing.T) {
	now := noon
	w := newWorld(t, slowly(2, &now))
	w.must(202, "POST /v1/tasks", with(`"id":"a"`))
	w.must(202, "POST /v1/tasks", demo)
	a := w.must(429, "POST /v1/tasks", demo)
	if a.slug() != "too-many-requests" || a.Header().Get("Retry-After") != "1" || w.fake.starts != 2 {
		t.Errorf("got %s after %s s, and %d starts", a.slug(), a.Header().Get("Retry-After"), w.fake.starts)
	}
	now = now.Add(time.Second)
	w.must(202, "POST /v1/tasks", demo)
	w.must(429, "POST /v1/tasks", demo)
}

func TestRetryAfterIsWhenThereIsATokenAgain(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Rate, c.Now = Rate{PerSecond: 0.1, Burst: 1}, func() time.Time { return noon } })
	w.must(202, "POST /v1/tasks", demo)
	if got := w.must(429, "POST /v1/tasks", demo).Header().Get("Retry-After"); got != "10" {
		t.Errorf("Retry-After %q, want 10", got)
	}
}

func TestEachCallerHasABucketOfItsOwn(t *testing.T) {
	now := noon
	w := newWorld(t, slowly(1, &now), func(c *Config) {
		c.Auth = Keys{keyOf(t, "one", "starter"), keyOf(t, "two", "starter")}
	})
	for _, name := range []string{"one", "two"} {
		w.must(202, "POST /v1/tasks", demo, "Authorization: Bearer osp_"+name)
		w.must(429, "POST /v1/tasks", demo, "Authorization: Bearer osp_"+name)
	}
}

func keyOf(t *testing.T, name, role string) Key {
	t.Helper()
	keys, err := ParseKeys(name + ":" + role + ":" + hashOf("osp_"+name))
	if err != nil {
		t.Fatal(err)
	}
	return keys[0]
}

func TestABatchCountsEachTask(t *testing.T) {
	now := noon
	w := newWorld(t, slowly(3, &now))
	a := w.must(207, "POST /v1/tasks/batch", batchOf(demo, demo, demo, demo, demo))
	got := a.json("accepted") + " " + a.json("refused")
	for i := range 5 {
		got += " " + a.json(fmt.Sprintf("items.%d.status", i))
	}
	if want := "3 2 202 202 202 429 429"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := a.json("items.4.problem.type") + " " + a.json("items.4.problem.errors.0.pointer"); got != "/problems/too-many-requests /tasks/4" {
		t.Errorf("the problem is %s", got)
	}
	w.must(429, "POST /v1/tasks/batch", batchOf(demo, demo))
}

func TestARetryIsAStart(t *testing.T) {
	now := noon
	w := newWorld(t, slowly(1, &now))
	w.must(202, "POST /v1/tasks", with(`"id":"a"`))
	w.must(429, "POST /v1/tasks/a/retry", "")
}

// full is a load that is over a mark.
type full string

func (f full) Overloaded() string { return string(f) }

func TestWithTooMuchToDoOnlyNewTasksAreRefused(t *testing.T) {
	now := noon
	w := newWorld(t, slowly(2, &now), func(c *Config) { c.Load = full("There are 7 tasks.") })
	for _, line := range []string{"POST /v1/tasks", "POST /v1/tasks/batch", "POST /v1/tasks/a/retry"} {
		a := w.must(503, line, "{}")
		if a.slug() != "overloaded" || a.json("detail") != "There are 7 tasks." || a.Header().Get("Retry-After") != "10" {
			t.Errorf("%s: %s, %q, Retry-After %q", line, a.slug(), a.json("detail"), a.Header().Get("Retry-After"))
		}
	}
	if w.fake.starts != 0 {
		t.Errorf("%d tasks were started", w.fake.starts)
	}
	w.api.load = full("")
	w.must(202, "POST /v1/tasks", with(`"id":"a"`))
	w.must(202, "POST /v1/tasks", with(`"id":"b"`)) // what is refused as overload takes no token
	w.api.load = full("There are 7 tasks.")
	w.must(202, "POST /v1/tasks/a/signals/go", "1")
	w.must(202, "POST /v1/tasks/a/cancel", "")
	w.must(200, "GET /v1/tasks/a", "")
	w.must(200, "GET /v1/tasks", "")
	w.must(409, "POST /v1/tasks/a/resolve", `{"step":"s","action":"skip","reason":"r"}`)
}

func TestCallersWhoPausedAreForgotten(t *testing.T) {
	now := noon
	r := newRates(Rate{PerSecond: 1, Burst: 1}, func() time.Time { return now })
	take := func(n int, prefix string) {
		for i := range n {
			ctx := WithPrincipal(t.Context(), Principal{Name: fmt.Sprint(prefix, i)})
			if err := r.one(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	take(maxBuckets, "old")
	now = now.Add(time.Minute)
	take(1, "new")
	if len(r.buckets) != 1 || !strings.HasPrefix(fmt.Sprint(r.buckets), "map[new0:") {
		t.Errorf("%d callers are remembered", len(r.buckets))
	}
}
