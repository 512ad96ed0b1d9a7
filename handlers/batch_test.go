package handlers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

func batchOf(items ...string) string { return `{"tasks":[` + strings.Join(items, ",") + `]}` }

func TestBatch(t *testing.T) {
	w := newWorld(t)
	w.must(202, "POST /v1/tasks", with(`"id":"there"`))
	a := w.must(207, "POST /v1/tasks/batch", batchOf(
		with(`"id":"new"`),
		with(`"id":"there"`),
		`{"type":"demo","id":"there","input":1}`,
		with(`"id":"a/b","x":1`),
		`{"type":"demo","input":{"name":7}}`,
		`{"type":"nope","input":{}}`,
		`7`,
		`{"type":"broken","input":{}}`,
	))
	got := []string{a.json("accepted"), a.json("existing"), a.json("refused")}
	for i := range 8 {
		item := fmt.Sprintf("items.%d.", i)
		got = append(got, strings.TrimSpace(a.json(item+"status")+" "+a.json(item+"location")+" "+
			strings.TrimPrefix(a.json(item+"problem.type"), problemBase)+" "+a.json(item+"problem.errors.0.pointer")))
	}
	want := []string{
		"1", "1", "6",
		"202 /v1/tasks/new", "200 /v1/tasks/there", "409  conflict /tasks/2", "422  invalid /tasks/3/id",
		"422  invalid /tasks/4/input/name", "422  unknown-type /tasks/5/type", "422  invalid /tasks/6", "500  internal /tasks/7",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if says := a.json("items.2.problem.errors.0.detail"); says != a.json("items.2.problem.detail") || says == "" {
		t.Errorf("what is wrong with the third: %q", says)
	}
	if strings.Contains(a.Body.String(), "secret-of-a-panic") || !strings.Contains(w.log.String(), "secret-of-a-panic") {
		t.Error("a panic's cause belongs into the log only")
	}
}

func TestBatchRefuses(t *testing.T) {
	cases := []struct {
		what, body string
		status     int
		faults     string
	}{
		{"no body", "", 400, ""},
		{"not JSON", "{", 400, ""},
		{"a list", batchOf()[9:11], 422, "pointer "},
		{"no tasks", `{}`, 422, "pointer /tasks"},
		{"an empty list", batchOf(), 422, "pointer /tasks"},
		{"tasks that are no list", `{"tasks":{}}`, 422, "pointer /tasks"},
		{"1001 tasks", batchOf(strings.Split(strings.Repeat(demo+";", 1001), ";")[:1001]...), 422, "pointer /tasks"},
		{"an unknown field", `{"tasks":[` + demo + `],"atomic":true}`, 422, "pointer /atomic"},
		{"a field twice in an item", batchOf(demo, with(`"id":"a","id":"b"`)), 422, "pointer /tasks/1/id"},
		{"more than 8 MiB", `{"tasks":["` + strings.Repeat("s", maxBatch) + `"]}`, 413, ""},
	}
	for _, tc := range cases {
		t.Run(tc.what, func(t *testing.T) {
			w := newWorld(t)
			if a := w.must(tc.status, "POST /v1/tasks/batch", tc.body); a.faults() != tc.faults {
				t.Errorf("got %q, want %q: %s", a.faults(), tc.faults, a.Body)
			}
			if len(w.fake.journals) != 0 {
				t.Error("something was started")
			}
		})
	}
}

func TestABatchOf1000(t *testing.T) {
	w := newWorld(t)
	a := w.must(207, "POST /v1/tasks/batch", batchOf(strings.Split(strings.Repeat(demo+";", 1000), ";")[:1000]...))
	if a.json("accepted") != "1000" || len(w.fake.journals) != 1000 {
		t.Errorf("accepted %s, started %d", a.json("accepted"), len(w.fake.journals))
	}
}

func TestABatchWithAKeyCanBeSentAgain(t *testing.T) {
	w := newWorld(t)
	first := w.must(207, "POST /v1/tasks/batch", batchOf(demo, demo), "Idempotency-Key: b")
	again := w.must(207, "POST /v1/tasks/batch", batchOf(demo, demo), "Idempotency-Key: b")
	if first.json("accepted") != "2" || again.json("existing") != "2" || first.json("items.0.id") == first.json("items.1.id") {
		t.Errorf("got %s then %s", first.Body, again.Body)
	}
}

func TestABatchIsGivenUpWhenTheJournalIsAway(t *testing.T) {
	w := newWorld(t)
	w.fake.fail = fmt.Errorf("dial redis://secret: %w", saga.ErrUnavailable)
	a := w.must(503, "POST /v1/tasks/batch", batchOf(strings.Split(strings.Repeat(demo+";", 1000), ";")[:1000]...))
	if a.slug() != "unavailable" || a.Header().Get("Retry-After") == "" {
		t.Errorf("got %v %s", a.Header(), a.Body)
	}
	if n := strings.Count(w.log.String(), "request failed"); n != 1 {
		t.Errorf("told the log %d times", n)
	}
	if w.fake.starts > batchWorkers {
		t.Errorf("tried %d times", w.fake.starts)
	}
}

func TestABatchSaysWhatWasAcceptedBeforeTheJournalWentAway(t *testing.T) {
	w := newWorld(t)
	a := w.must(207, "POST /v1/tasks/batch", batchOf(demo, `{"type":"away","input":{}}`))
	if a.json("accepted") != "1" || a.json("items.1.status") != "503" || a.json("items.1.problem.type") != "/problems/unavailable" ||
		a.json("items.1.problem.errors.0.pointer") != "/tasks/1" {
		t.Errorf("got %s", a.Body)
	}
}
