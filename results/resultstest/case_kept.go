package resultstest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// journal is what a journal of n events looks like when it is stored.
func (b *bench) journal(name string, n int) []string {
	b.Helper()
	created, err := saga.Encode(saga.Event{Kind: saga.KindCreated, Created: &saga.Created{
		ID: b.id(name), Type: "order", Input: json.RawMessage(`{"nul":"a\u0000b","low":"\udc00","kept":"\\u0000","line":"\n\u2028"}`),
	}})
	b.no(err)
	list := []string{saga.Header(1, epoch) + string(created)}
	for seq := 2; seq <= n; seq++ {
		body, err := saga.Encode(saga.Event{Kind: saga.KindSignal, Name: "go", Data: json.RawMessage(`"<é ☃>"`)})
		b.no(err)
		list = append(list, saga.Header(int64(seq), epoch.Add(time.Duration(seq)*time.Second))+string(body))
	}
	return list
}

// keep saves a task with a journal of n events.
func (b *bench) keep(name, parent string, version int64, n int, state saga.State) {
	b.Helper()
	t := b.task(name, version)
	t.State, t.Status = state, state.Status()
	row := results.Row{Task: t, Journal: b.journal(name, n)}
	if parent != "" {
		row.Parent = b.id(parent)
	}
	_, err := b.Save(b.Context(), []results.Row{row})
	b.no(err)
}

func (b *bench) kept(name string) saga.Kept {
	b.Helper()
	k, err := b.Kept(b.Context(), b.id(name))
	b.no(err)
	same(b, "id", k.ID, b.id(name))
	return k
}

// notKept wants nothing to be kept of tasks, neither alone nor among all.
func (b *bench) notKept(names ...string) {
	b.Helper()
	all := b.allKept()
	for _, name := range names {
		_, err := b.Kept(b.Context(), b.id(name))
		same(b, name+" is not found", errors.Is(err, saga.ErrNotFound), true)
		same(b, name+" is among all", all[b.id(name)], false)
	}
}

// allKept reads page after page.
func (b *bench) allKept() map[string]bool {
	b.Helper()
	all := map[string]bool{}
	for after := ""; ; {
		page, err := b.AllKept(b.Context(), after, 50)
		b.no(err)
		if len(page) == 0 {
			return all
		}
		for _, k := range page {
			if k.ID <= after || len(k.Journal) == 0 || k.Version == 0 {
				b.Fatalf("after %q comes %+v", after, k)
			}
			all[k.ID], after = true, k.ID
		}
	}
}

var keptCases = []testCase{
	{"the journal of a task that has not ended is kept, byte for byte", func(b *bench) {
		for i, state := range []saga.State{saga.Pending, saga.Running, saga.Waiting, saga.Compensating, saga.Stuck} {
			name := "a" + string(state)
			b.keep(name, "", int64(5+i), 3, state)
			k := b.kept(name)
			same(b, "version", k.Version, int64(5+i))
			same(b, "journal", strings.Join(k.Journal, "\n"), strings.Join(b.journal(name, 3), "\n"))
			same(b, "effects", len(k.Effects), 0)
			same(b, "among all", b.allKept()[k.ID], true)
		}
	}},
	{"it is gone when the task has ended", func(b *bench) {
		for _, state := range []saga.State{saga.Completed, saga.Failed, saga.Cancelled} {
			b.keep("a"+string(state), "", 5, 3, saga.Running)
			b.keep("a"+string(state), "", 6, 4, state)
			b.notKept("a" + string(state))
		}
	}},
	{"nothing is kept of a task that nobody saved, or that was saved without a journal", func(b *bench) {
		b.save(b.task("a", 5))
		b.notKept("a", "none")
	}},
	{"an older version does not overwrite it", func(b *bench) {
		b.keep("a", "", 6, 4, saga.Running)
		b.keep("a", "", 5, 3, saga.Running)
		same(b, "events", len(b.kept("a").Journal), 4)
		same(b, "version", b.kept("a").Version, int64(6))
		b.keep("a", "", 7, 5, saga.Waiting)
		same(b, "events", len(b.kept("a").Journal), 5)
	}},
	{"an older version does not bring it back", func(b *bench) {
		b.keep("a", "", 6, 4, saga.Completed)
		b.keep("a", "", 5, 3, saga.Running)
		b.notKept("a")
	}},
	{"a child's is kept until the tasks above it have ended", func(b *bench) {
		b.keep("root", "", 5, 2, saga.Running)
		b.keep("child", "root", 5, 2, saga.Running)
		b.keep("grandchild", "child", 5, 2, saga.Completed)
		b.keep("child", "root", 6, 3, saga.Completed)
		b.kept("root")
		same(b, "child", len(b.kept("child").Journal), 3)
		same(b, "grandchild", len(b.kept("grandchild").Journal), 2)
		b.keep("root", "", 6, 3, saga.Cancelled)
		b.notKept("root", "child", "grandchild")
	}},
	{"a child that comes by once more when all has ended is not kept again", func(b *bench) {
		b.keep("root", "", 5, 2, saga.Running)
		b.keep("child", "root", 5, 2, saga.Completed)
		b.keep("grandchild", "child", 5, 2, saga.Completed)
		b.keep("root", "", 6, 3, saga.Completed)
		b.keep("child", "root", 6, 2, saga.Completed)
		b.keep("grandchild", "child", 6, 2, saga.Completed)
		b.notKept("root", "child", "grandchild")
	}},
	{"a child whose last row comes after its parent's is kept until then", func(b *bench) {
		b.keep("root", "", 5, 2, saga.Running)
		b.keep("child", "root", 5, 2, saga.Running)
		b.keep("grandchild", "child", 5, 2, saga.Completed)
		same(b, "before", b.kept("child").Parent, saga.State(""))
		b.keep("root", "", 6, 3, saga.Cancelled)
		b.notKept("root")
		same(b, "it is told how its parent ended", b.kept("child").Parent, saga.Cancelled)
		same(b, "and its own child is kept", len(b.kept("grandchild").Journal), 2)
		b.keep("child", "root", 6, 3, saga.Cancelled)
		b.notKept("root", "child", "grandchild")
	}},
	{"a child that has ended is kept before anything is known of its parent", func(b *bench) {
		b.keep("child", "root", 5, 2, saga.Completed)
		b.keep("root", "", 5, 2, saga.Running)
		same(b, "child", len(b.kept("child").Journal), 2)
	}},
	{"what fences tell comes with it, in order", func(b *bench) {
		b.keep("task", "", 5, 2, saga.Running)
		b.do("service.reserve", object{"name": "shop"})
		b.do("schema.create", nil)
		b.undo("schema.create", nil)
		b.undo("tables.create", object{"entities": []object{}}) // it never happened
		k := b.kept("task")
		var told []string
		for _, e := range k.Effects {
			told = append(told, fmt.Sprintf("%s %t", e.Path, e.Undo))
			same(b, "it has a time", e.At.IsZero(), false)
		}
		same(b, "effects", strings.Join(told, ", "),
			"service.reserve false, schema.create false, schema.create true, tables.create true")
		var result object
		b.no(json.Unmarshal(k.Effects[0].Result, &result))
		same(b, "result", result, object{"schema": b.schema})
		alone, err := b.Effects(b.Context(), b.id("task"))
		b.no(err)
		same(b, "alone", alone, k.Effects)
		none, err := b.Effects(b.Context(), b.id("nobody"))
		b.no(err)
		same(b, "of nobody", len(none), 0)
		page, err := b.AllKept(b.Context(), b.id("task")[:len(b.id("task"))-1], 1)
		b.no(err)
		same(b, "among all", len(page) == 1 && len(page[0].Effects) == 4, true)
	}},
	{"large journals come on several pages", func(b *bench) {
		for i := range 4 {
			t := b.task(fmt.Sprint("a", i), 5)
			journal := append(b.journal(fmt.Sprint("a", i), 2), strings.Repeat("x", 2<<20))
			_, err := b.Save(b.Context(), []results.Row{{Task: t, Journal: journal}})
			b.no(err)
		}
		all := b.allKept()
		for i := range 4 {
			same(b, "among all", all[b.id(fmt.Sprint("a", i))], true)
		}
	}},
}
