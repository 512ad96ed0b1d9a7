package resultstest

import (
	"cmp"
	"errors"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// deletion of a subject, as an operator asks for it.
func (b *bench) deletion(kind saga.SubjectKind, subject string) saga.Deletion {
	return saga.Deletion{ID: b.id("deletion-" + subject), Kind: kind, Subject: subject, Reason: "asked for", By: "ann"}
}

// delete deletes a subject: what there is first, so that the journals can be forgotten, then everything.
func (b *bench) delete(kind saga.SubjectKind, subject string) saga.Deleted {
	b.Helper()
	d := b.deletion(kind, subject)
	d.DryRun = true
	plan := b.deleted(d)
	same(b, "done by a dry run", plan.Done, false)
	d.DryRun, d.Forgotten = false, plan.Tasks
	done := b.deleted(d)
	same(b, "done", done.Done, true)
	same(b, "what the dry run said", done.Counts, plan.Counts)
	return done
}

func (b *bench) deleted(d saga.Deletion) saga.Deleted {
	b.Helper()
	got, err := b.Delete(b.Context(), d)
	b.no(err)
	return got
}

// another is a bench for another user with a service of its own, on the same store.
func (b *bench) another() *bench {
	n := counter.Add(1)
	return &bench{
		T: b.T, Store: b.Store, n: n, schema: cmp.Or(b.schema, "x") + "_other",
		user: strings.Replace(b.user, "-4000-", "-4001-", 1),
	}
}

// saveService creates the whole service, and its task.
func (b *bench) saveService() {
	b.Helper()
	for _, effect := range whole {
		b.do(effect, wholeArgs())
	}
	t := b.ended("task", time.Minute)
	t.Service = ""
	b.save(t)
}

var deleteCases = []testCase{
	{"a task goes with its fences and the tasks below it", func(b *bench) {
		b.shop()
		t := b.ended("task", time.Minute)
		t.Steps = append(t.Steps, saga.StepView{Path: "ship", Kind: saga.KindChild, Child: b.id("child"), State: saga.StepCompleted})
		b.save(t, b.ended("child", time.Minute), b.ended("other", time.Minute))
		got := b.delete(saga.SubjectTask, t.ID)
		same(b, "tasks", got.Tasks, []string{b.id("child"), t.ID})
		same(b, "counts", got.Counts, saga.Counts{Tasks: 2, Steps: 3, Fences: 4})
		b.gone("task", "child")
		b.there("other")
	}},
	{"a service goes with its tables, its tasks and the task that made it", func(b *bench) {
		b.saveService()
		b.save(b.ended("of-it", time.Minute))
		other := b.another()
		other.saveService()
		got := b.delete(saga.SubjectService, b.schema)
		same(b, "counts", got.Counts, saga.Counts{Tasks: 2, Steps: 2, Fences: 9, Services: 1, Rows: 2})
		b.gone("task", "of-it")
		b.refused("x", "entity.query", object{"entity": "item"}, "schema")
		other.there("task")
		same(b, "rows of the other", len(other.items(nil)), 1)
		again := b.another()
		again.schema = b.schema
		again.shop() // the name is free
	}},
	{"a user goes with tasks and services", func(b *bench) {
		b.saveService()
		b.save(b.ended("mine", time.Minute))
		other := b.another()
		other.saveService()
		theirs := b.ended("there", time.Minute)
		theirs.Service = other.schema
		b.save(theirs)
		visitor := other.ended("visitor", time.Minute)
		visitor.Service = b.schema // another user's task of the user's service
		other.save(visitor)
		got := b.delete(saga.SubjectUser, b.user)
		same(b, "counts", got.Counts, saga.Counts{Tasks: 4, Steps: 4, Fences: 9, Services: 1, Rows: 2})
		same(b, "services", got.Services, []string{b.schema})
		b.gone("task", "mine", "there")
		other.gone("visitor")
		other.there("task")
		same(b, "rows of the other", len(other.items(nil)), 1)
	}},
	{"a schema that no service has is left alone", func(b *bench) {
		t := b.ended("task", time.Minute)
		t.Service = "public"
		b.save(t)
		got := b.delete(saga.SubjectService, "public")
		same(b, "services", got.Counts.Services, int64(0))
		b.gone("task")
		b.save(b.ended("still-works", time.Minute))
	}},
	{"while tasks have not ended nothing is deleted", func(b *bench) {
		stuck, waiting := b.task("stuck", 1), b.task("waiting", 1)
		stuck.State, waiting.State = saga.Stuck, saga.Waiting
		b.save(stuck, waiting, b.task("top", 1), b.ended("ended", time.Minute))
		b.saveChild(b.ended("child", time.Minute), "top")
		d := b.deletion(saga.SubjectUser, b.user)
		d.Forgotten = b.deleted(d).Tasks
		got := b.deleted(d)
		same(b, "done", got.Done, false)
		same(b, "unfinished", got.Unfinished, []string{b.id("child"), b.id("stuck"), b.id("top"), b.id("waiting")})
		b.there("stuck", "waiting", "ended", "child", "top")
	}},
	{"rows of tasks whose journals are not forgotten are not deleted", func(b *bench) {
		b.save(b.ended("a", time.Minute), b.ended("b", time.Minute))
		d := b.deletion(saga.SubjectUser, b.user)
		d.Forgotten = []string{b.id("a")}
		got := b.deleted(d)
		same(b, "done", got.Done, false)
		same(b, "tasks", got.Tasks, []string{b.id("a"), b.id("b")})
		b.there("a", "b")
	}},
	{"the same deletion again is told as it was", func(b *bench) {
		b.save(b.ended("a", time.Minute))
		first := b.delete(saga.SubjectTask, b.id("a"))
		again := b.deleted(b.deletion(saga.SubjectTask, b.id("a")))
		same(b, "again", again.Counts, first.Counts)
		same(b, "at", again.At, first.At)
		same(b, "done", again.Done, true)
	}},
	{"what is gone already is deleted without a fault", func(b *bench) {
		got := b.delete(saga.SubjectUser, b.user)
		same(b, "counts", got.Counts, saga.Counts{})
	}},
	{"a row that was on its way does not bring a deleted task back", func(b *bench) {
		late := b.ended("a", time.Minute)
		early := late
		early.Status, early.State, early.CompletedAt, early.Version = saga.StatusRunning, saga.Running, nil, 0
		b.save(late)
		b.delete(saga.SubjectTask, late.ID)
		for version := range int64(3) {
			late.Version, early.Version = version+1, version+1
			same(b, "saved", b.save(early, b.ended("b", time.Minute)), map[string]int64{b.id("b"): 1})
			same(b, "saved", b.save(late), map[string]int64{})
		}
		b.gone("a")
	}},
	{"a later task may have the id of a deleted one", func(b *bench) {
		t := b.ended("a", time.Minute)
		b.save(t)
		b.delete(saga.SubjectTask, t.ID)
		t.CreatedAt = t.CreatedAt.Add(time.Microsecond)
		b.save(t)
		b.there("a")
		d := b.deletion(saga.SubjectTask, t.ID)
		d.ID, d.Forgotten = b.id("another deletion"), []string{t.ID}
		same(b, "done", b.deleted(d).Done, true)
		b.gone("a")
		b.save(t)
		b.gone("a")
	}},
	{"an effect that was on its way does not happen after its task was deleted", func(b *bench) {
		b.shop()
		b.save(b.ended("task", time.Minute))
		b.delete(saga.SubjectTask, b.id("task"))
		_, err := b.try(b.fence("late"), "entity.insert", object{"entity": "item", "data": object{"name": "tea"}})
		same(b, "refused", errors.Is(err, saga.ErrUndone), true)
		same(b, "rows", len(b.items(nil)), 0)
	}},
	{"nor does one of a task below it that has no row", func(b *bench) {
		b.shop()
		parent := b.ended("parent", time.Minute)
		parent.Steps = []saga.StepView{{Path: "ship", Kind: saga.KindChild, Child: b.id("task"), State: saga.StepCompleted}}
		b.save(parent)
		b.doAs("early", "entity.insert", object{"entity": "item", "data": object{"name": "tea"}})
		got := b.delete(saga.SubjectTask, parent.ID)
		same(b, "tasks", got.Tasks, []string{parent.ID, b.id("task")})
		_, err := b.try(b.fence("late"), "entity.insert", object{"entity": "item", "data": object{"name": "tea"}})
		same(b, "refused", errors.Is(err, saga.ErrUndone), true)
		same(b, "rows", len(b.items(nil)), 1)
	}},
	{"nor does one of a task that only its journal knew", func(b *bench) {
		b.shop()
		d := b.deletion(saga.SubjectUser, b.another().user)
		d.Forgotten = []string{b.id("task")}
		got := b.deleted(d)
		same(b, "done", got.Done, true)
		same(b, "fences", got.Counts.Fences, int64(4))
		_, err := b.try(b.fence("late"), "entity.insert", object{"entity": "item", "data": object{"name": "tea"}})
		same(b, "refused", errors.Is(err, saga.ErrUndone), true)
	}},
}
