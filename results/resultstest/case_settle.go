package resultstest

import (
	"errors"

	"github.com/osp-platform/osp/saga"
)

// settle tells the store how a task has ended whose row of version 9 it has refused.
func (b *bench) settle(name string, state saga.State) {
	b.Helper()
	b.no(b.Settle(b.Context(), []saga.Unwritten{{ID: b.id(name), Version: 9, State: state}}))
}

var settleCases = []testCase{
	{"a task that has ended by its journal has ended, and nothing else of it changes", func(b *bench) {
		b.keep("a", "", 5, 3, saga.Running)
		was := b.get(b.id("a"))
		for range 2 {
			b.settle("a", saga.Failed)
			now := b.get(b.id("a"))
			same(b, "has a moment of its end", now.CompletedAt != nil, true)
			was.Status, was.State, was.Version, was.CompletedAt = saga.StatusFailed, saga.Failed, 8, now.CompletedAt
			same(b, "task", canonical(now), canonical(was))
			page, err := b.List(b.Context(), saga.Query{Owner: b.user, State: saga.Failed})
			b.no(err)
			same(b, "in the list of those that failed", len(page.Tasks), 1)
		}
	}},
	{"its journal is not kept any longer, nor those of tasks below it", func(b *bench) {
		b.keep("root", "", 5, 2, saga.Running)
		b.keep("child", "root", 5, 2, saga.Completed)
		b.kept("child")
		b.settle("root", saga.Completed)
		b.notKept("root", "child")
	}},
	{"that of a child is, until the tasks above it have ended", func(b *bench) {
		b.keep("root", "", 5, 2, saga.Running)
		b.keep("child", "root", 5, 2, saga.Running)
		b.settle("child", saga.Completed)
		same(b, "events", len(b.kept("child").Journal), 2)
		b.settle("root", saga.Cancelled)
		b.notKept("root", "child")
	}},
	{"no older row takes it back, and the last one may still be written", func(b *bench) {
		b.keep("a", "", 5, 2, saga.Running)
		b.settle("a", saga.Completed)
		b.keep("a", "", 8, 2, saga.Running)
		b.notKept("a")
		same(b, "state", b.get(b.id("a")).State, saga.Completed)
		b.keep("a", "", 9, 3, saga.Failed)
		same(b, "state", b.get(b.id("a")).State, saga.Failed)
	}},
	{"a row that is as new is left alone", func(b *bench) {
		b.keep("a", "", 9, 2, saga.Running)
		b.settle("a", saga.Completed)
		same(b, "state", b.get(b.id("a")).State, saga.Running)
		b.kept("a")
	}},
	{"of a task without a row nothing is recorded", func(b *bench) {
		b.settle("a", saga.Completed)
		_, err := b.Get(b.Context(), b.id("a"))
		same(b, "not found", errors.Is(err, saga.ErrNotFound), true)
	}},
	{"it can be deleted then", func(b *bench) {
		b.keep("a", "", 5, 2, saga.Running)
		d := b.deletion(saga.SubjectTask, b.id("a"))
		d.Forgotten = []string{b.id("a")}
		same(b, "unfinished", b.deleted(d).Unfinished, []string{b.id("a")})
		b.settle("a", saga.Completed)
		same(b, "done", b.deleted(d).Done, true)
		b.gone("a")
	}},
}
