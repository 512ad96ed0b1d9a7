package resultstest

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// asked is a step that waits for people of some roles, since some minutes after the epoch.
func asked(path string, minutes int, roles ...string) saga.StepView {
	at := epoch.Add(time.Duration(minutes) * time.Minute)
	due := at.Add(time.Hour)
	note, _ := json.Marshal(saga.Human{Title: "Approve", Roles: roles})
	return saga.StepView{Path: path, Kind: saga.KindSignalled, State: saga.StepWaiting, StartedAt: at, Human: note, DueAt: &due}
}

// asks saves a waiting task with such steps.
func (b *bench) asks(name string, change func(*saga.Task), steps ...saga.StepView) {
	b.Helper()
	t := b.task(name, 1)
	t.State, t.Steps = saga.Waiting, append(t.Steps, steps...)
	if change != nil {
		change(&t)
	}
	b.save(t)
}

// humans returns the human tasks of a query's pages, a page each, of this test's service where no scope is given.
func (b *bench) humans(q saga.HumanQuery) string {
	b.Helper()
	if q.Scopes == nil {
		q.Scopes = []saga.HumanScope{{Service: b.schema}}
	}
	var pages []string
	for {
		p, err := b.HumanTasks(b.Context(), q)
		b.no(err)
		var names []string
		for _, h := range p.Tasks {
			name, _, _ := strings.Cut(h.Task, "-")
			names = append(names, name+"/"+h.Step)
		}
		pages = append(pages, strings.Join(names, " "))
		if p.Next == "" || len(pages) > 20 {
			return strings.Join(pages, " | ")
		}
		q.Cursor = p.Next
	}
}

var humanCases = []testCase{
	{"what has waited longest comes first, page by page", func(b *bench) {
		b.asks("a", nil, asked("l[1]/h", 3, "manager"), asked("l[0]/h", 3, "manager"))
		b.asks("b", nil, asked("h", 1, "manager"))
		b.asks("c", nil, asked("h", 3, "manager"))
		same(b, "all", b.humans(saga.HumanQuery{}), "b/h a/l[0]/h a/l[1]/h c/h")
		same(b, "by one", b.humans(saga.HumanQuery{Limit: 1}), "b/h | a/l[0]/h | a/l[1]/h | c/h")
		same(b, "by two", b.humans(saga.HumanQuery{Limit: 2}), "b/h a/l[0]/h | a/l[1]/h c/h")
	}},
	{"with all that is told of one", func(b *bench) {
		b.asks("a", nil, asked("h", 1, "manager", "director"))
		p, err := b.HumanTasks(b.Context(), saga.HumanQuery{Scopes: []saga.HumanScope{{Service: b.schema}}})
		b.no(err)
		if len(p.Tasks) != 1 {
			b.Fatalf("%d tasks", len(p.Tasks))
		}
		due := epoch.Add(61 * time.Minute)
		got := p.Tasks[0]
		same(b, "due", got.DueAt != nil && got.DueAt.Equal(due), true)
		got.DueAt = nil
		same(b, "the rest", got, saga.HumanTask{
			Human: saga.Human{Title: "Approve", Roles: []string{"manager", "director"}}, Task: b.id("a"), Service: b.schema, Owner: b.user,
			Step: "h", State: saga.HumanOpen, Since: epoch.Add(time.Minute),
		})
		row := b.get(b.id("a")).Steps[1]
		var human saga.Human
		b.no(json.Unmarshal(row.Human, &human))
		same(b, "the row", human, got.Human)
		same(b, "the row's due", row.DueAt != nil && row.DueAt.Equal(due), true)
	}},
	{"only what is open", func(b *bench) {
		done, other := asked("h", 1, "r"), asked("h", 1, "r")
		done.State, other.Human = saga.StepCompleted, nil
		b.asks("done", nil, done)
		b.asks("signal", nil, other)
		b.asks("undone", func(t *saga.Task) { t.Phase = saga.Undo }, asked("h", 1, "r"))
		b.asks("ended", func(t *saga.Task) { t.State, t.Status = saga.Failed, saga.StatusFailed }, asked("h", 1, "r"))
		b.asks("open", func(t *saga.Task) { t.State = saga.Running }, asked("h", 1, "r"))
		same(b, "open", b.humans(saga.HumanQuery{}), "open/h")
		b.asks("open", func(t *saga.Task) { t.Version, t.Steps = 2, []saga.StepView{t.Steps[0], done} })
		same(b, "answered", b.humans(saga.HumanQuery{}), "")
	}},
	{"by service and role", func(b *bench) {
		other := "other_" + b.schema
		b.asks("a", nil, asked("h", 1, "manager"))
		b.asks("b", func(t *saga.Task) { t.Service = other }, asked("h", 2, "clerk", "manager"))
		both := []saga.HumanScope{{Service: b.schema}, {Service: other}}
		same(b, "both", b.humans(saga.HumanQuery{Scopes: both}), "a/h b/h")
		same(b, "service", b.humans(saga.HumanQuery{Scopes: both, Service: other}), "b/h")
		same(b, "role", b.humans(saga.HumanQuery{Scopes: both, Role: "clerk"}), "b/h")
		same(b, "no role", b.humans(saga.HumanQuery{Scopes: both, Role: "Clerk"}), "")
	}},
	{"only what is in a scope", func(b *bench) {
		b.asks("mine", nil, asked("h", 1, "owner"), asked("m", 2, "manager"))
		b.asks("theirs", func(t *saga.Task) { t.UserID = saga.NilOwner }, asked("h", 3, "owner"), asked("m", 4, "clerk", "manager"))
		b.asks("none", func(t *saga.Task) { t.Service = "" }, asked("m", 5, "manager"))
		for want, scopes := range map[string][]saga.HumanScope{
			"":                                {},
			"mine/h":                          {{Owner: b.user, Roles: []string{"owner", "x"}}},
			"mine/h mine/m none/m":            {{Owner: b.user}},
			"mine/h theirs/m":                 {{Owner: b.user, Roles: []string{"owner"}}, {Service: b.schema, Roles: []string{"clerk"}}},
			"mine/m theirs/m":                 {{Service: b.schema, Roles: []string{"manager"}}},
			"mine/m":                          {{Service: b.schema, Owner: b.user, Roles: []string{"manager"}}},
			"mine/h mine/m":                   {{Service: b.schema, Owner: b.user}},
			"mine/h mine/m theirs/h theirs/m": {{Service: b.schema}, {Service: b.schema, Roles: []string{"clerk"}}},
		} {
			same(b, "in scope", b.humans(saga.HumanQuery{Scopes: scopes}), want)
		}
		everywhere, err := b.HumanTasks(b.Context(), saga.HumanQuery{Scopes: []saga.HumanScope{{}}, Service: b.schema})
		b.no(err)
		same(b, "everybody's", len(everywhere.Tasks), 4)
	}},
	{"a cursor that is none is the caller's mistake", func(b *bench) {
		p, err := b.List(b.Context(), saga.Query{})
		b.no(err)
		for _, c := range []string{"x", "!!", "MTIz", "MQphCg", "LTEKYQpo", p.Next + "x"} {
			_, err := b.HumanTasks(b.Context(), saga.HumanQuery{Cursor: c, Scopes: []saga.HumanScope{{}}})
			var invalid *saga.InvalidError
			same(b, "invalid "+c, errors.As(err, &invalid), true)
		}
	}},
}
