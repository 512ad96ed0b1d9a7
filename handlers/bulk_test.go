package handlers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

// crowd is a world with n tasks, c000 the first of a list. Those for which failed says so have failed; the others run.
func crowd(t *testing.T, n int, failed func(i int) bool, change ...func(*Config)) *world {
	t.Helper()
	w := newWorld(t, change...)
	for i := range n {
		r := saga.Request{ID: fmt.Sprintf("c%03d", i), Type: "demo", Input: []byte(`{}`), Owner: alice, Service: "shop_1"}
		if _, _, err := w.fake.Start(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if failed(i) {
			w.fail(r.ID)
		} else {
			w.fake.happen(r.ID, saga.Event{Kind: saga.KindStepStarted, Path: "charge", StepKind: saga.KindActivity})
		}
	}
	w.fake.list = w.page
	return w
}

func all(int) bool  { return true }
func none(int) bool { return false }

func (w *world) fail(id string) {
	w.fake.happen(id, saga.Event{Kind: saga.KindCompensationStarted}, saga.Event{Kind: saga.KindFailed})
}

// page lists the tasks of the fake in the order of their ids, as a result store does in that of their creation.
func (w *world) page(q saga.Query) (page saga.Page, err error) {
	after := ""
	for id := range w.fake.journals {
		if q.Cursor != "" && q.Cursor == saga.CursorAfter(w.fake.task(id)) {
			after = id
		}
	}
	if q.Cursor != "" && after == "" {
		return page, saga.Invalid("/cursor", "is not ours")
	}
	for _, id := range slices.Sorted(maps.Keys(w.fake.journals)) {
		task := w.fake.task(id)
		if id <= after || q.Status != "" && task.Status != q.Status {
			continue
		}
		if len(page.Tasks) == q.Limit {
			page.Next = saga.CursorAfter(page.Tasks[q.Limit-1])
			return page, nil
		}
		page.Tasks = append(page.Tasks, task)
	}
	return page, nil
}

// cancelled is how many tasks somebody has asked to be cancelled.
func (w *world) cancelled() (n int) {
	for _, events := range w.fake.journals {
		if events[len(events)-1].Kind == saga.KindCancel {
			n++
		}
	}
	return n
}

const (
	bulkCancel = "POST /v1/tasks/bulk/cancel"
	bulkRetry  = "POST /v1/tasks/bulk/retry"
)

func TestBulkCancelGoesThroughAllThatFit(t *testing.T) {
	w := crowd(t, 150, func(i int) bool { return i%3 == 0 })
	a := w.must(200, bulkCancel, `{"filter":{"type":"demo","user_id":"`+strings.ToUpper(alice)+`"},"reason":"the till is down"}`)
	if a.json("matched") != "100" || a.json("done") != "100" || !strings.Contains(a.Body.String(), `"refused":[],"next":null`) {
		t.Errorf("got %s", a.Body)
	}
	if w.cancelled() != 100 || w.fake.cancelled != "anonymous: the till is down" {
		t.Errorf("%d are cancelled, one by %s", w.cancelled(), w.fake.cancelled)
	}
	if q := w.fake.query; q.Type != "demo" || q.Owner != alice {
		t.Errorf("asked for %+v", q)
	}
}

func TestABulkGoesOnWhereItStopped(t *testing.T) {
	w := crowd(t, 100, none)
	done, body := 0, `{"all":true,"limit":30`
	for next, calls := "", 1; ; calls++ {
		a := w.must(200, bulkCancel, body+next+"}")
		var n int
		if _, err := fmt.Sscan(a.json("done"), &n); err != nil || n > 30 {
			t.Fatalf("got %s", a.Body)
		}
		if done += n; w.cancelled() != done {
			t.Fatalf("%d are cancelled, it says %d", w.cancelled(), done)
		}
		if a.json("next") == "" {
			if calls != 4 {
				t.Errorf("%d calls", calls)
			}
			break
		}
		next = `,"cursor":"` + a.json("next") + `"`
	}
	if done != 100 {
		t.Errorf("%d are cancelled", done)
	}
}

func TestABulkTellsWhatIsRefusedAndGoesOn(t *testing.T) {
	w := crowd(t, 250, all)
	a := w.must(200, bulkCancel, `{"filter":{"status":"failed"}}`)
	if a.json("matched") != "250" || a.json("done") != "0" || a.json("refused.99.id") != "c099" || a.json("refused.100.id") != "" {
		t.Errorf("got %s", a.Body)
	}
	if got := a.json("refused.0.detail"); got != finished.detail {
		t.Errorf("why: %s", got)
	}
}

func TestADryRunCounts(t *testing.T) {
	w := crowd(t, 10, none)
	a := w.must(200, bulkCancel, `{"filter":{"search":"c00"},"dry_run":true}`)
	// The fake has 3 of every status, and one of them is a delivery.
	if a.json("matched") != "4" || a.json("done") != "0" || a.json("capped") != "true" || w.cancelled() != 0 {
		t.Errorf("got %s", a.Body)
	}
	if w.fake.query.Search != "c00" || w.fake.query.Status != saga.StatusRunning {
		t.Errorf("asked for %+v", w.fake.query)
	}
}

func TestABulkRetryStartsEachOnceUnderAKey(t *testing.T) {
	w := crowd(t, 40, func(i int) bool { return i%2 == 0 })
	const body = `{"filter":{"service":"shop_1"},"reason":"the till is up"}`
	for range 2 {
		a := w.must(200, bulkRetry, body, "Idempotency-Key: again-1")
		if a.json("matched") != "20" || a.json("done") != "20" {
			t.Errorf("got %s", a.Body)
		}
		if len(w.fake.journals) != 60 {
			t.Errorf("%d tasks, want 60", len(w.fake.journals))
		}
		for id, r := range w.fake.requests { // what it has started fails again
			if r.RetryOf != "" && !w.fake.task(id).State.Finished() {
				w.fail(id)
			}
		}
	}
	w.must(200, bulkRetry, body, "Idempotency-Key: again-2")
	if len(w.fake.journals) != 100 {
		t.Errorf("another key: %d tasks, want 100", len(w.fake.journals))
	}
}

func TestABulkRetryIsHeldToWhatTheCallerMayStart(t *testing.T) {
	w, _ := street(t, Principal{Name: "bob", Role: RoleStarter, Owner: bob})
	w.fake.list = w.page
	for id := range w.fake.journals {
		w.fake.journals[id] = w.fake.journals[id][:1]
		w.fail(id)
	}
	a := w.must(200, bulkRetry, `{"filter":{"status":"failed"}}`, bearing)
	if w.fake.query.Owner != bob {
		t.Fatalf("asked for %+v", w.fake.query)
	}
	// The fake's list knows no owners. What matters is that shop_1 and shop_2 are not bob's.
	if a.json("matched") != "4" || a.json("done") != "1" || a.json("refused.0.detail") != "service is not a service of yours" {
		t.Errorf("got %s", a.Body)
	}
}

func TestWhoMayDoWhatInBulk(t *testing.T) {
	for _, c := range []struct {
		who  Principal
		body string
		want string // what is asked for, or where it is refused
	}{
		{Principal{Name: "op", Role: RoleOperator}, `{"all":true}`, " "},
		{Principal{Name: "op", Role: RoleOperator}, `{"filter":{"user_id":"` + bob + `"}}`, bob + " "},
		{Principal{Name: "key", Role: RoleStarter}, `{"filter":{"type":"demo"}}`, "forbidden "},
		{Principal{Name: "alice", Role: RoleStarter, Owner: alice}, `{"filter":{"type":"demo"}}`, alice + " "},
		{Principal{Name: "alice", Role: RoleStarter, Owner: alice}, `{"all":true}`, "invalid pointer /all"},
		{Principal{Name: "alice", Role: RoleStarter, Owner: alice}, `{"filter":{"user_id":"` + bob + `"}}`, "forbidden pointer /filter/user_id"},
		{Principal{Name: "till", Role: RoleStarter, Service: "shop_1"}, `{"filter":{"type":"demo"}}`, " shop_1"},
		{Principal{Name: "till", Role: RoleStarter, Service: "shop_1"}, `{"filter":{"service":"shop_2"}}`, "forbidden pointer /filter/service"},
		{Principal{Name: "screen", Role: RoleReader}, `{"all":true}`, "forbidden "},
	} {
		for _, line := range []string{bulkCancel, bulkRetry} {
			w, _ := street(t, c.who)
			a := w.call(line, c.body, bearing)
			got := w.fake.query.Owner + " " + w.fake.query.Service
			if a.Code != 200 {
				if got = a.slug() + " " + a.faults(); w.fake.query.Limit != 0 {
					t.Errorf("%s as %s: refused, yet asked", c.body, c.who.Name)
				}
			}
			if got != c.want {
				t.Errorf("%s %s as %s: %s, want %s", line, c.body, c.who.Name, got, c.want)
			}
		}
	}
}

func TestBulksRefuse(t *testing.T) {
	for _, c := range []struct{ what, body, faults string }{
		{"nothing", ``, "pointer /filter"},
		{"no filter", `{}`, "pointer /filter"},
		{"an empty filter", `{"filter":{}}`, "pointer /filter"},
		{"a filter of nulls", `{"filter":{"type":null}}`, "pointer /filter"},
		{"no object", `{"filter":["type"]}`, "pointer /filter"},
		{"null", `{"filter":null}`, "pointer /filter"},
		{"a member that is not known", `{"filter":{"types":"demo"}}`, "pointer /filter/types"},
		{"an empty type", `{"filter":{"type":""}}`, "pointer /filter/type"},
		{"an empty search", `{"filter":{"search":""}}`, "pointer /filter/search"},
		{"a state that is none", `{"filter":{"state":"lost"}}`, "pointer /filter/state"},
		{"a day for a time", `{"filter":{"created_after":"2026-11-24"}}`, "pointer /filter/created_after"},
		{"a period that ends before it begins", `{"filter":{"created_after":"2026-11-24T00:00:00Z","created_before":"2026-11-23T00:00:00Z"}}`, "pointer /filter/created_before"},
		{"all and a filter", `{"all":true,"filter":{"type":"demo"}}`, "pointer /all"},
		{"not all", `{"all":false}`, "pointer /all"},
		{"limit 0", `{"all":true,"limit":0}`, "pointer /limit"},
		{"limit 1001", `{"all":true,"limit":1001}`, "pointer /limit"},
		{"half a limit", `{"all":true,"limit":1.5}`, "pointer /limit"},
		{"a cursor that nobody made", `{"all":true,"cursor":"7.x"}`, "pointer /cursor"},
		{"a cursor of no list", `{"all":true,"cursor":"0.forged"}`, "pointer /cursor"},
		{"a cursor of another filter", `{"filter":{"status":"failed"},"cursor":"1.x"}`, "pointer /cursor"},
		{"a member that is not known", `{"all":true,"force":true}`, "pointer /force"},
	} {
		for _, line := range []string{bulkCancel, bulkRetry} {
			w := crowd(t, 1, none)
			if a := w.must(422, line, c.body); a.slug() != "invalid" || a.faults() != c.faults || w.cancelled() != 0 || len(w.fake.journals) != 1 {
				t.Errorf("%s: %s", c.what, a.Body)
			}
		}
	}
	a := newWorld(t).must(422, bulkCancel, `{"filter":{}}`)
	if !strings.Contains(a.Body.String(), "created_before") || !strings.Contains(a.Body.String(), `\"all\": true`) {
		t.Errorf("it does not say what to give: %s", a.Body)
	}
}

// What cannot be done at the moment is left for later, and told of only as what comes next.
func TestABulkStopsWhereTheJournalIsAway(t *testing.T) {
	w := crowd(t, 100, all, func(c *Config) { c.Rate = Rate{PerSecond: 0.001, Burst: 40} })
	a := w.must(200, bulkRetry, `{"all":true}`)
	if a.json("done") != "40" || a.json("matched") != "40" || a.json("refused.0.id") != "" || a.json("next") == "" {
		t.Fatalf("got %s", a.Body)
	}
	if a := w.must(429, bulkRetry, `{"all":true,"cursor":"`+a.json("next")+`"}`); a.Header().Get("Retry-After") == "" {
		t.Errorf("got %v", a.Header())
	}
	w = crowd(t, 100, none)
	w.fake.list = func(q saga.Query) (saga.Page, error) {
		if q.Cursor != "" {
			return saga.Page{}, fmt.Errorf("list: %w: %w", saga.ErrUnavailable, errors.New("secret"))
		}
		return w.page(q)
	}
	if a := w.must(200, bulkCancel, `{"filter":{"status":"running"}}`); a.json("done") != "64" || a.json("next") == "" {
		t.Errorf("the store goes away: %s", a.Body)
	}
	w.fake.list = func(saga.Query) (saga.Page, error) { return saga.Page{}, saga.ErrUnavailable }
	w.must(503, bulkCancel, `{"all":true}`)
}

// A request that takes long is answered while it still can be.
func TestABulkAnswersBeforeItsTimeIsOver(t *testing.T) {
	var clock atomic.Int64
	w := crowd(t, 100, none, func(c *Config) {
		c.Now = func() time.Time { return noon.Add(time.Duration(clock.Load())) }
	})
	w.fake.list = func(q saga.Query) (saga.Page, error) {
		clock.Add(int64(11 * time.Second))
		return w.page(q)
	}
	a := w.must(200, bulkCancel, `{"filter":{"status":"running"}}`)
	if a.json("done") != "64" || a.json("next") == "" || w.cancelled() != 64 {
		t.Errorf("got %s", a.Body)
	}
}

func TestAPanicInABulkIsOneTasks(t *testing.T) {
	w := crowd(t, 3, none)
	kind := bulkKind{do: func(_ context.Context, _ bulk, task saga.Task) error {
		if task.ID == "c001" {
			panic("secret-of-a-panic")
		}
		return nil
	}}
	answer, err := w.api.runBulk(t.Context(), bulk{kind: kind, query: saga.Query{Type: "demo", Status: saga.StatusRunning}, limit: 10})
	if err != nil || answer.Done != 2 || len(answer.Refused) != 1 || answer.Refused[0].ID != "c001" || strings.Contains(answer.Refused[0].Detail, "secret") {
		t.Errorf("%+v, %v", answer, err)
	}
}
