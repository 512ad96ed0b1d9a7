package tasks_test

import (
	"context"
	"errors"
	"testing"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

var (
	talker = saga.ChildTask{Type: "talk", Input: talk.Input}
	asShop = saga.Request{Type: "talk", Input: talk.Input, Service: parent.Service}
)

func (r *rig) undoTalker(t saga.ChildTask) error {
	return r.dispatcher.UndoChild(r.t.Context(), parent, "kid", "c", t)
}

// changing gives a rig the workflow talk, and what has another process find it changed.
func changing(t *testing.T) (*rig, func(change func(*testing.T, *library))) {
	t.Helper()
	r := newRig(t)
	l, _ := withDefinitions(r)
	l.add(t, saying("hello"))
	return r, func(change func(*testing.T, *library)) {
		change(t, l)
		r.client.Del(t.Context(), "osp:workflow::talk", "osp:workflow:shop:talk")
		r.dispatcher.Catalogue.Definitions = r.process(l)
	}
}

func TestAChildThatHasBegunGoesOnWhateverBecomesOfItsVersion(t *testing.T) {
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			r, alter := changing(t)
			if err := r.startChild(talker); err != nil {
				t.Fatal(err)
			}
			alter(change)
			if err := r.startChild(talker); err != nil { // its answer was lost
				t.Errorf("asked again: %v", err)
			}
			if err := r.undoTalker(talker); err != nil {
				t.Error(err)
			}
			r.finishes("c", saga.Cancelled)
		})
	}
}

// A child that was never begun, and cannot be begun any longer, is nothing to be undone. A start of it that was on its way
// meanwhile must find its id taken.
func TestUndoOfAChildThatCannotBeginBarsIt(t *testing.T) {
	for name, change := range changes {
		if name == "the source is away, and unheard of" {
			continue // it is not known, so that it is asked for again
		}
		t.Run(name, func(t *testing.T) {
			r, alter := changing(t)
			before := r.dispatcher.Catalogue.Definitions
			if _, err := r.dispatcher.Catalogue.Begin(t.Context(), asShop); err != nil { // it has heard of the version
				t.Fatal(err)
			}
			alter(change)
			for range 2 { // its answer may be lost
				if err := r.undoTalker(talker); err != nil {
					t.Fatal(err)
				}
			}
			if got := r.kinds("c"); got != "created cancel compensation_started cancelled" {
				t.Errorf("its journal is %s", got)
			}
			r.dispatcher.Catalogue.Definitions = before
			if err := r.startChild(talker); err != nil { // late
				t.Errorf("a late start: %v", err)
			}
			if r.state("c") != saga.Cancelled || r.pending("reports") != 0 || r.trail.told() != "" {
				t.Errorf("it is %s, queued %d times, and did %q", r.state("c"), r.pending("reports"), r.trail.told())
			}
			list, err := r.journal.Outbox(t.Context(), 10)
			if err != nil || len(list) != 1 || list[0].Parent != "p" || list[0].Path != "kid" || r.nudged.Load() != 1 {
				t.Errorf("the outbox holds %+v, %v", list, err)
			}
		})
	}
}

// overtaking is a journal to which a start comes just before an undo takes the id.
type overtaking struct {
	tasks.DispatcherJournal
	start func()
}

func (l *overtaking) Restore(ctx context.Context, m saga.Restoration) (saga.Restored, error) {
	l.start()
	return l.DispatcherJournal.Restore(ctx, m)
}

func TestAChildThatBeginsJustBeforeItIsBarredIsCancelled(t *testing.T) {
	r, alter := changing(t)
	before, catalogue := *r.dispatcher, *r.dispatcher.Catalogue
	before.Catalogue = &catalogue // of a process that has heard of the version
	if _, err := catalogue.Begin(t.Context(), asShop); err != nil {
		t.Fatal(err)
	}
	alter(changes["the version is locked"])
	r.dispatcher.Journal = &overtaking{r.journal, func() {
		if err := before.StartChild(t.Context(), parent, "kid", "c", talker); err != nil {
			t.Error(err)
		}
	}}
	if err := r.undoTalker(talker); err != nil {
		t.Fatal(err)
	}
	if got := r.kinds("c"); got != "created cancel" {
		t.Errorf("its journal is %s", got)
	}
}

func TestUndoOfAChildThatMayHaveBegunAndCannotBeginAgainFails(t *testing.T) {
	r, alter := changing(t)
	k, _ := withKeeper(r)
	k.effects["c"] = []saga.Effect{{Path: "a"}}
	alter(changes["the version is locked"])
	again := talker
	again.Again = true
	if err := r.undoTalker(again); !saga.IsPermanent(err) {
		t.Errorf("nobody knows of what it did, and its undo tells %v", err)
	}
	if _, err := r.journal.Read(t.Context(), "c"); !errors.Is(err, saga.ErrNotFound) {
		t.Errorf("it has a journal: %v", err)
	}
}

func TestUndoOfAChildThatNoStartTakes(t *testing.T) {
	r := newRig(t)
	for name, child := range map[string]saga.ChildTask{
		"large": {Type: "one", Input: make([]byte, saga.MaxInput+1)}, "broken": {Type: "strict", Input: []byte(`{`)},
		"unknown": {Type: "three"},
	} {
		if err := r.dispatcher.UndoChild(t.Context(), parent, "kid", name, child); err != nil || r.state(name) != saga.Cancelled {
			t.Errorf("%s: %v", name, err)
		}
	}
}
