package resultstest

import (
	"errors"
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
	{"only the owner's, or everyone's", func(b *bench) {
		b.at("a", 1)
		b.at("b", 2, func(t *saga.Task) { t.UserID = saga.NilOwner })
		same(b, "mine", b.listed(saga.Query{}), "a")
		everyone, err := b.List(b.Context(), saga.Query{Service: b.schema})
		b.no(err)
		same(b, "everyone's", len(everyone.Tasks), 2)
	}},
	{"a cursor that is none is the caller's mistake", func(b *bench) {
		for _, c := range []string{"x", "!!", "MTIz", "MS4nIG9yIDE9MQ"} {
			_, err := b.List(b.Context(), saga.Query{Cursor: c})
			var invalid *saga.InvalidError
			same(b, "invalid "+c, errors.As(err, &invalid), true)
		}
	}},
}
