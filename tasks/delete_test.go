package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
	"github.com/osp-platform/osp/tasks"
)

// shelf is a result store that deletes tasks as [results.Store] does, and notes what it is asked.
type shelf struct {
	tasks      []string
	unfinished []string
	asked      []string
	before     func() // called before a real deletion
	fail       error
	done       map[string]saga.Deleted // the audit
}

func (s *shelf) Settle(_ context.Context, ended []saga.Unwritten) error {
	for _, u := range ended {
		s.asked = append(s.asked, fmt.Sprintf("settle %s %s", u.ID, u.State))
		s.unfinished = slices.DeleteFunc(s.unfinished, func(id string) bool { return id == u.ID })
	}
	return nil
}

func (s *shelf) Delete(_ context.Context, d saga.Deletion) (saga.Deleted, error) {
	if !d.DryRun && s.before != nil {
		s.before()
	}
	s.asked = append(s.asked, fmt.Sprintf("%s %s dry=%t forgotten=%v", d.Kind, d.Subject, d.DryRun, d.Forgotten))
	if was, ok := s.done[d.ID]; ok {
		return was, nil
	}
	if s.fail != nil && !d.DryRun {
		return saga.Deleted{}, s.fail
	}
	deleted := saga.Deleted{Tasks: s.tasks, Unfinished: s.unfinished, Counts: saga.Counts{Tasks: int64(len(s.tasks))}}
	unknown := slices.ContainsFunc(s.tasks, func(id string) bool { return !slices.Contains(d.Forgotten, id) })
	if deleted.Done = !d.DryRun && len(deleted.Unfinished) == 0 && !unknown; deleted.Done {
		s.done[d.ID] = saga.Deleted{Done: true, Counts: deleted.Counts}
		s.tasks = nil
	}
	return deleted, nil
}

// deletions is a journal and a shelf, and who deletes from both.
type deletions struct {
	*testing.T
	journal *storetest.Memory
	shelf   shelf
	deleter tasks.Deleter
}

func newDeletions(t *testing.T) *deletions {
	t.Helper()
	d := &deletions{T: t, journal: storetest.NewMemory(time.Now)}
	d.shelf.done = map[string]saga.Deleted{}
	made := 0
	d.deleter = tasks.Deleter{
		Journal: d.journal, Store: &d.shelf, Log: slog.New(slog.DiscardHandler),
		NewID: func() string { made++; return fmt.Sprintf("deletion-%d", made) },
	}
	return d
}

func (d *deletions) no(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// starts, ends and flushes are what becomes of tasks: they are accepted, they complete, and their rows are written.
func (d *deletions) starts(id, service string) {
	d.Helper()
	_, err := d.journal.Start(d.Context(), saga.Start{Created: saga.Created{ID: id, Service: service, Owner: owner, Hash: id}})
	d.no(err)
}

func (d *deletions) ends(id string) {
	d.Helper()
	c, err := d.journal.Claim(d.Context(), id, "nonce")
	d.no(err)
	_, err = d.journal.Append(d.Context(), c.Lease, saga.Batch{
		Read: 1, Decisions: []saga.Event{{Kind: saga.KindCompleted}}, Then: saga.Finish,
	})
	d.no(err)
}

func (d *deletions) flushes() {
	d.Helper()
	list, err := d.journal.Dirty(d.Context(), 100)
	d.no(err)
	for _, s := range list {
		_, err := d.journal.Clean(d.Context(), []saga.Flushed{{ID: s.Ref.ID, Version: s.Version, Stored: s.Version}})
		d.no(err)
	}
}

// ended is a task that has ended and is written.
func (d *deletions) ended(id, service string) {
	d.Helper()
	d.starts(id, service)
	d.ends(id)
	d.flushes()
}

func (d *deletions) there(id string) bool {
	_, err := d.journal.Read(d.Context(), id)
	return err == nil
}

// delete deletes the service shop.
func (d *deletions) delete(dry bool) (saga.Deleted, error) {
	return d.deleter.Delete(d.Context(), saga.Deletion{
		Kind: saga.SubjectService, Subject: "shop", Reason: "asked for", By: "dpo", DryRun: dry,
	})
}

// refused wants nothing to be deleted, for these tasks have not ended.
func (d *deletions) refused(ids ...string) {
	d.Helper()
	_, err := d.delete(false)
	e, ok := errors.AsType[*saga.UnfinishedError](err)
	if !ok || !slices.Equal(e.IDs, ids) || !errors.Is(err, saga.ErrUnfinished) {
		d.Errorf("got %v, want the unfinished tasks %v", err, ids)
	}
}

func (d *deletions) asked(want ...string) {
	d.Helper()
	if got := strings.Join(d.shelf.asked, "\n"); got != strings.Join(want, "\n") {
		d.Errorf("the store was asked\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestTheJournalsGoBeforeTheRows(t *testing.T) {
	d := newDeletions(t)
	d.ended("a", "shop")
	d.ended("other", "bakery")
	d.shelf.tasks = []string{"a"}
	d.shelf.before = func() {
		if d.there("a") {
			t.Error("the row goes while the journal is there")
		}
	}
	got, err := d.delete(false)
	if err != nil || !got.Done || got.ID != "deletion-1" || got.Counts.Tasks != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
	d.asked("service shop dry=true forgotten=[]", "service shop dry=false forgotten=[a]")
	if !d.there("other") {
		t.Error("another task's journal is gone")
	}
}

func TestADryRunDeletesNothing(t *testing.T) {
	d := newDeletions(t)
	d.ended("a", "shop")
	d.shelf.tasks = []string{"a"}
	got, err := d.delete(true)
	if err != nil || got.Done || got.Counts.Tasks != 1 || !d.there("a") {
		t.Errorf("got %+v, %v", got, err)
	}
	d.asked("service shop dry=true forgotten=[]")
}

func TestATaskThatHasNotEndedKeepsEverything(t *testing.T) {
	d := newDeletions(t)
	d.ended("a", "shop")
	d.shelf.tasks, d.shelf.unfinished = []string{"a", "b"}, []string{"b"}
	d.refused("b")
	d.starts("new", "shop") // the store does not know it yet
	d.refused("b", "new")
	if !d.there("a") {
		t.Error("a journal is gone")
	}
}

func TestAChildThatTheStoreDoesNotKnowCounts(t *testing.T) {
	d := newDeletions(t)
	d.ended("a", "shop")
	d.shelf.tasks = []string{"a"}
	_, err := d.journal.Start(t.Context(), saga.Start{Created: saga.Created{ID: "child", Parent: "a", Owner: owner, Hash: "h"}})
	d.no(err)
	d.refused("child")
}

// refuses is what becomes of a task that ends, and whose last row the store refuses for good.
func (d *deletions) refuses(id string) {
	d.Helper()
	d.ends(id)
	list, err := d.journal.Dirty(d.Context(), 1)
	d.no(err)
	_, err = d.journal.Bury(d.Context(), id, list[0].Version, "no such column")
	d.no(err)
}

// refusedFor is a task that has ended, although the store has refused its last row and says that it runs.
func (d *deletions) refusedFor(id, service string) {
	d.Helper()
	d.starts(id, service)
	d.flushes()
	d.refuses(id)
	d.shelf.tasks, d.shelf.unfinished = append(d.shelf.tasks, id), append(d.shelf.unfinished, id)
}

func TestTheStoreIsToldOfAnEndThatItRefusedBeforeTheJournalGoes(t *testing.T) {
	d := newDeletions(t)
	d.refusedFor("a", "shop")
	if got, err := d.delete(false); err != nil || !got.Done || d.there("a") {
		t.Errorf("got %+v, %v", got, err)
	}
	d.asked("service shop dry=true forgotten=[]", "settle a completed", "service shop dry=false forgotten=[a]")
}

func TestADeletionOfADeadLetterThatStoppedHalfWayIsCarriedOutByTheNext(t *testing.T) {
	d := newDeletions(t)
	d.refusedFor("a", "shop")
	d.shelf.fail = saga.ErrUnavailable
	if _, err := d.delete(false); !errors.Is(err, saga.ErrUnavailable) || d.there("a") {
		t.Fatalf("got %v", err)
	}
	d.shelf.fail = nil
	if got, err := d.delete(false); err != nil || !got.Done {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestADryRunTellsTheStoreOfNoEnd(t *testing.T) {
	d := newDeletions(t)
	d.refusedFor("a", "shop")
	if got, err := d.delete(true); err != nil || got.Done || !d.there("a") {
		t.Errorf("got %+v, %v", got, err)
	}
	d.asked("service shop dry=true forgotten=[]")
}

func TestATaskThatEndsInBetweenIsForgottenToo(t *testing.T) {
	d := newDeletions(t)
	d.ended("a", "shop")
	d.shelf.tasks = []string{"a"}
	d.shelf.before = func() {
		d.shelf.before = nil
		d.ended("late", "shop")
		d.shelf.tasks = append(d.shelf.tasks, "late")
	}
	if got, err := d.delete(false); err != nil || !got.Done || d.there("late") {
		t.Errorf("got %+v, %v", got, err)
	}
	d.asked("service shop dry=true forgotten=[]", "service shop dry=false forgotten=[a]",
		"service shop dry=true forgotten=[a]", "service shop dry=false forgotten=[a late]")
}

func TestATaskThatComesInBetweenKeepsWhatIsLeft(t *testing.T) {
	d := newDeletions(t)
	d.ended("a", "shop")
	d.shelf.tasks = []string{"a"}
	d.shelf.before = func() {
		d.shelf.before = nil
		d.starts("late", "shop")
		d.shelf.tasks = append(d.shelf.tasks, "late")
	}
	d.refused("late")
}

func TestAnEndThatIsRefusedInBetweenIsToldToo(t *testing.T) {
	d := newDeletions(t)
	d.ended("a", "shop")
	d.shelf.tasks = []string{"a"}
	d.shelf.before = func() {
		d.shelf.before = nil
		d.ended("late", "shop")
		d.shelf.tasks = append(d.shelf.tasks, "late")
		d.shelf.before = func() {
			d.shelf.before = nil
			d.refusedFor("later", "shop")
		}
	}
	if got, err := d.delete(false); err != nil || !got.Done || d.there("later") {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestTasksThatKeepComingAndEndingAreTold(t *testing.T) {
	d := newDeletions(t)
	d.shelf.before = func() { d.shelf.tasks = append(d.shelf.tasks, fmt.Sprintf("t%d", len(d.shelf.tasks))) }
	if _, err := d.delete(false); !errors.Is(err, saga.ErrUnavailable) || errors.Is(err, saga.ErrUnfinished) {
		t.Errorf("got %v", err)
	}
}

func TestTheSameDeletionAgainIsAnsweredAsItWas(t *testing.T) {
	d := newDeletions(t)
	d.ended("a", "shop")
	d.shelf.tasks = []string{"a"}
	r := saga.Deletion{ID: "mine", Kind: saga.SubjectService, Subject: "shop", Reason: "asked for", By: "dpo"}
	for range 2 {
		got, err := d.deleter.Delete(t.Context(), r)
		if err != nil || !got.Done || got.ID != "mine" || got.Counts.Tasks != 1 {
			t.Errorf("got %+v, %v", got, err)
		}
		d.starts("new", "shop") // by somebody who uses the service's name again
	}
	r.DryRun = true
	d.refused("new")
	if got, err := d.deleter.Delete(t.Context(), r); !errors.Is(err, saga.ErrUnfinished) {
		t.Errorf("a dry run tells what there is: got %+v, %v", got, err)
	}
}

func TestADeletionThatStoppedHalfWayIsCarriedOutByTheNext(t *testing.T) {
	d := newDeletions(t)
	d.ended("a", "shop")
	d.shelf.tasks, d.shelf.fail = []string{"a"}, saga.ErrUnavailable
	if _, err := d.delete(false); !errors.Is(err, saga.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	d.shelf.fail = nil
	if got, err := d.delete(false); err != nil || !got.Done {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWhatCannotBeDeletedIsNotAskedFor(t *testing.T) {
	for _, c := range []struct {
		kind             saga.SubjectKind
		subject, pointer string
	}{
		{saga.SubjectTask, "a/b", "/task"},
		{saga.SubjectTask, "", "/task"},
		{saga.SubjectService, `public"; drop`, "/service"},
		{saga.SubjectUser, "alice", "/user_id"},
		{"", "a", ""},
		{saga.SubjectTask, "a", "/reason"},
	} {
		d := newDeletions(t)
		r := saga.Deletion{Kind: c.kind, Subject: c.subject, Reason: "asked for"}
		if c.pointer == "/reason" {
			r.Reason = strings.Repeat("r", saga.MaxDeletionReason+1)
		}
		_, err := d.deleter.Delete(t.Context(), r)
		if e, ok := errors.AsType[*saga.InvalidError](err); !ok || e.Problems[0].Pointer != c.pointer {
			t.Errorf("%s %q: got %v", c.kind, c.subject, err)
		}
		d.asked()
	}
}
