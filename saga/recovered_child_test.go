package saga_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// withChild is a workflow that has a child, and a step after it.
func withChild(w *world) *saga.Workflow {
	none := func(saga.Scope) (json.RawMessage, error) { return nil, nil }
	return w.flow("flow", saga.Sequence(saga.Child("c", "kid", none), w.step("after")))
}

func ended(state saga.State) saga.Event {
	return saga.Event{Kind: saga.KindChildFinished, Path: "c", Name: string(state)}
}

func sent(undo bool) saga.Event {
	return saga.Event{Kind: saga.KindChildStarted, Path: "c", Undo: undo}
}

// What is decided for a parent whose journal was lost: its child may have been lost as well, and gone on from before.
func TestARestoredParentAndTheEndsOfItsChild(t *testing.T) {
	begun := saga.Event{Kind: saga.KindStepStarted, Path: "c", StepKind: saga.KindChild, Name: "kid"}
	undoBegun := saga.Event{Kind: saga.KindStepStarted, Path: "c", StepKind: saga.KindChild, Name: "kid", Undo: true}
	cancelled := []saga.Event{
		begun, sent(false),
		{Kind: saga.KindCancel},
		{Kind: saga.KindCompensationStarted, Name: string(saga.Cancelled)},
		undoBegun, sent(true),
		ended(saga.Cancelled),
		{Kind: saga.KindRecovered},
	}
	undone := append(slices.Clip(cancelled), undoBegun, sent(true))
	again := append(slices.Clip(cancelled), ended(saga.Completed))
	for _, c := range []struct {
		name   string
		events []saga.Event
		want   string
	}{
		{"a child that had ended undone is undone once more, for it may have forgotten it", cancelled, "undo c"},
		{"it is not waited for", undone, "cancelled"},
		{"one that has completed meanwhile is undone", again, "undo c"},
		{"it is waited for", append(slices.Clip(again), undoBegun, sent(true)), ""},
		{"its end is the end", append(slices.Clip(again), undoBegun, sent(true), ended(saga.Cancelled)), "cancelled"},
		{
			"what came after a child that had completed may have begun, though the child ends otherwise now",
			[]saga.Event{begun, sent(false), ended(saga.Completed), {Kind: saga.KindRecovered}, ended(saga.Cancelled)},
			"step_started after, compensation_started",
		},
		{
			"nothing came after a child that had failed",
			[]saga.Event{begun, sent(false), ended(saga.Failed), {Kind: saga.KindRecovered}},
			"compensation_started",
		},
	} {
		if got := decided(t, c.events); got != c.want {
			t.Errorf("%s: decided is %q, want %q", c.name, got, c.want)
		}
	}
}

// decided says in one line what comes next after events.
func decided(t *testing.T, events []saga.Event) string {
	t.Helper()
	w := newWorld(t)
	f := withChild(w)
	k := saga.Kept{ID: "t", Journal: stored(t, saga.Created{ID: "t", TreeHash: f.TreeHash()}, events...)}
	var list []saga.Event
	for _, line := range k.Journal {
		e, err := saga.Decode(line)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	r, err := saga.Fold(list)
	if err != nil {
		t.Fatal(err)
	}
	d := saga.Decide(f, r, saga.Moment{Now: list[len(list)-1].At})
	said := told(d.Events)
	for _, work := range d.Work {
		if work.Undo {
			said += "undo "
		}
		said += work.Path
	}
	return said
}
