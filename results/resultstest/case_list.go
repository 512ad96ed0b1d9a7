package resultstest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// listed returns the names of the tasks of a query's pages, a page each, of this test's user.
func (b *bench) listed(q saga.Query) string {
	b.Helper()
	if q.Owner == "" {
		q.Owner = b.user
	}
	var pages []string
	for {
		p, err := b.List(b.Context(), q)
		b.no(err)
		var names []string
		for _, t := range p.Tasks {
			name, _, _ := strings.Cut(t.ID, "-")
			names = append(names, name)
		}
		pages = append(pages, strings.Join(names, " "))
		if p.Next == "" || len(pages) > 20 {
			return strings.Join(pages, " | ")
		}
		q.Cursor = p.Next
	}
}

// at saves a task that was created some minutes after the epoch.
func (b *bench) at(name string, minutes int, change ...func(*saga.Task)) {
	b.Helper()
	t := b.task(name, 1)
	t.CreatedAt = epoch.Add(time.Duration(minutes) * time.Minute)
	for _, f := range change {
		f(&t)
	}
	b.save(t)
}

var listCases = []testCase{
	{"newest first, page by page", func(b *bench) {
		for i, name := range []string{"a", "b", "c", "d", "e"} {
			b.at(name, i)
		}
		same(b, "all", b.listed(saga.Query{}), "e d c b a")
		same(b, "by two", b.listed(saga.Query{Limit: 2}), "e d | c b | a")
		same(b, "by five", b.listed(saga.Query{Limit: 5}), "e d c b a")
	}},
	{"tasks of the same moment have an order, too", func(b *bench) {
		for _, name := range []string{"b", "d", "a", "c"} {
			b.at(name, 0)
		}
		same(b, "by one", b.listed(saga.Query{Limit: 1}), "d | c | b | a")
	}},
	{"a page goes on where the last one ended, whatever has come in since", func(b *bench) {
		b.at("a", 1)
		b.at("b", 2)
		b.at("c", 3)
		p, err := b.List(b.Context(), saga.Query{Owner: b.user, Limit: 2})
		b.no(err)
		b.at("d", 4)
		same(b, "rest", b.listed(saga.Query{Limit: 2, Cursor: p.Next}), "a")
	}},
	{"by status, type and service, and all of them", func(b *bench) {
		b.at("a", 1)
		b.at("b", 2, func(t *saga.Task) { t.Status, t.State = saga.StatusCompleted, saga.Completed })
		b.at("c", 3, func(t *saga.Task) { t.Type = "refund" })
		b.at("d", 4, func(t *saga.Task) { t.Service = "other_" + b.schema })
		same(b, "status", b.listed(saga.Query{Status: saga.StatusCompleted}), "b")
		same(b, "type", b.listed(saga.Query{Type: "refund"}), "c")
		same(b, "service", b.listed(saga.Query{Service: "other_" + b.schema}), "d")
		same(b, "all three", b.listed(saga.Query{Status: saga.StatusRunning, Type: "order", Service: b.schema}), "a")
		same(b, "nothing", b.listed(saga.Query{Status: saga.StatusFailed}), "")
	}},
	{"by state, which tells the running ones apart", func(b *bench) {
		for i, state := range saga.States {
			b.at(string(state), i, func(t *saga.Task) { t.State, t.Status = state, state.Status() })
		}
		for _, state := range saga.States {
			same(b, "state", b.listed(saga.Query{State: state}), string(state))
			same(b, "state and status", b.listed(saga.Query{State: state, Status: state.Status()}), string(state))
		}
		same(b, "another status", b.listed(saga.Query{State: saga.Waiting, Status: saga.StatusFailed}), "")
	}},
	{"by the time of creation: from is included, until is not", func(b *bench) {
		for i, name := range []string{"a", "b", "c", "d"} {
			b.at(name, i)
		}
		minute := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Minute) }
		same(b, "from", b.listed(saga.Query{From: minute(2)}), "d c")
		same(b, "from a moment later", b.listed(saga.Query{From: minute(2).Add(time.Microsecond)}), "d")
		same(b, "until", b.listed(saga.Query{Until: minute(2)}), "b a")
		same(b, "between", b.listed(saga.Query{From: minute(1), Until: minute(3)}), "c b")
		same(b, "nothing between", b.listed(saga.Query{From: minute(1), Until: minute(1)}), "")
		elsewhere := time.FixedZone("", -5*60*60)
		same(b, "in another zone", b.listed(saga.Query{From: minute(1).In(elsewhere), Until: minute(3).In(elsewhere)}), "c b")
	}},
	{"by all at once, page by page", func(b *bench) {
		want := saga.Query{
			Status: saga.StatusRunning, State: saga.Waiting, Type: "refund", Service: b.schema,
			From: epoch, Until: epoch.Add(time.Hour), Limit: 1,
		}
		fits := func(t *saga.Task) { t.Type, t.State = "refund", saga.Waiting }
		b.at("a", 1, fits)
		b.at("b", 2, fits)
		for name, spoil := range map[string]func(*saga.Task){
			"state":   func(t *saga.Task) { t.State = saga.Stuck },
			"status":  func(t *saga.Task) { t.State, t.Status = saga.Failed, saga.StatusFailed },
			"type":    func(t *saga.Task) { t.Type = "order" },
			"service": func(t *saga.Task) { t.Service = "other_" + b.schema },
			"owner":   func(t *saga.Task) { t.UserID = saga.NilOwner },
			"early":   func(t *saga.Task) { t.CreatedAt = epoch.Add(-time.Minute) },
			"late":    func(t *saga.Task) { t.CreatedAt = epoch.Add(time.Hour) },
		} {
			b.at(name, 3, fits, spoil)
		}
		same(b, "all", b.listed(want), "b | a")
	}},
	{"pages miss nothing and repeat nothing while tasks come in and move on", func(b *bench) {
		const old = 30
		for i := range old {
			b.at(fmt.Sprintf("old%02d", i), i/3) // some of the same moment
		}
		seen := map[string]int{}
		q := saga.Query{Owner: b.user, Limit: 4}
		for round := 0; round == 0 || q.Cursor != ""; round++ {
			p, err := b.List(b.Context(), q)
			b.no(err)
			for _, t := range p.Tasks {
				name, _, _ := strings.Cut(t.ID, "-")
				seen[name]++
			}
			q.Cursor = p.Next
			b.at(fmt.Sprintf("new%02d", round), old+round)
			b.at(fmt.Sprintf("mid%02d", round), 5) // such as those of another worker whose clock is behind
			b.at(fmt.Sprintf("old%02d", round), round/3, func(t *saga.Task) { t.Version, t.State = 2, saga.Waiting })
		}
		for i := range old {
			name := fmt.Sprintf("old%02d", i)
			same(b, name, seen[name], 1)
			delete(seen, name)
		}
		for name, times := range seen {
			same(b, name, times, 1)
		}
	}},
	{"only the owner's, or everyone's", func(b *bench) {
		b.at("a", 1)
		b.at("b", 2, func(t *saga.Task) { t.UserID = saga.NilOwner })
		same(b, "mine", b.listed(saga.Query{}), "a")
		everyone, err := b.List(b.Context(), saga.Query{Service: b.schema})
		b.no(err)
		same(b, "everyone's", len(everyone.Tasks), 2)
	}},
	{"a cursor that is none is the caller's mistake", func(b *bench) {
		for _, c := range []string{"x", "!!", "MTIz", "MS4nIG9yIDE9MQ", "MXkycDBpajMyZThlNy5h", "LTEuYQ"} {
			_, err := b.List(b.Context(), saga.Query{Cursor: c})
			var invalid *saga.InvalidError
			same(b, "invalid "+c, errors.As(err, &invalid), true)
		}
	}},
}
