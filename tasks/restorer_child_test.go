package tasks_test

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
)

// family is a rig with a parent whose child has ended, and the parent does not know it yet.
func family(t *testing.T, r *rig) (*rig, *keeper, string) {
	t.Helper()
	k, _ := withKeeper(r)
	r.start(saga.Request{ID: "p", Type: "family"})
	var parked *saga.ParkedError
	if err := r.deliver("p"); !errors.As(err, &parked) {
		t.Fatal(err)
	}
	task, err := r.dispatcher.Get(t.Context(), "p")
	if err != nil {
		t.Fatal(err)
	}
	child := task.Steps[0].Child
	if err := r.deliver(child); err != nil {
		t.Fatal(err)
	}
	r.flush(k, "p", child)
	return r, k, child
}

// round delivers a parent and its child once, and tells the one of the other's end.
func (r *rig) round(child string) {
	r.t.Helper()
	sweeper := r.sweeper()
	sweeper.Restorer = r.dispatcher.Restorer
	for _, id := range []string{"p", child} {
		runner := r.runner()
		runner.Restorer = r.dispatcher.Restorer
		var parked *saga.ParkedError
		if err := runner.Run(r.t.Context(), id); err != nil && !errors.As(err, &parked) {
			r.t.Error(err)
		}
	}
	if _, err := sweeper.Sweep(r.t.Context()); err != nil {
		r.t.Error(err)
	}
}

// carryOn goes on until the parent has ended.
func (r *rig) carryOn(child string) {
	r.t.Helper()
	for range 20 {
		if r.round(child); r.state("p").Finished() {
			return
		}
	}
	r.t.Fatalf("the parent does not end: %s; its child: %s", r.kinds("p"), r.kinds(child))
}

func TestALostParentIsToldOfItsChildsEnd(t *testing.T) {
	r, _, child := family(t, newRig(t))
	r.client.Del(t.Context(), "osp:{00}:j:p", "osp:{00}:m:p")
	sweeper := r.sweeper()
	sweeper.Restorer = r.dispatcher.Restorer
	if _, err := sweeper.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := r.kinds("p"), "created step_started child_started waiting recovered child_finished"; got != want {
		t.Errorf("the parent's journal is %s, want %s", got, want)
	}
	r.carryOn(child)
	if r.state("p") != saga.Completed || r.trail.told() != "only, last" {
		t.Errorf("the parent is %s, trail %s", r.state("p"), r.trail.told())
	}
}

func TestAFamilyIsRestoredInAnyOrder(t *testing.T) {
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		r, _, child := family(t, newRig(t))
		r.empty()
		for _, i := range order {
			if err := r.dispatcher.Restorer.Restore(t.Context(), []string{"p", child}[i]); err != nil {
				t.Fatal(err)
			}
		}
		r.carryOn(child)
		if r.state("p") != saga.Completed || r.trail.told() != "only, last" {
			t.Errorf("the parent is %s, trail %s", r.state("p"), r.trail.told())
		}
	}
}

func TestAChildThatHasEndedIsUndoneAfterItWasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _, child := family(t, newBubbleRig(t))
		r.empty()
		if _, err := r.dispatcher.Cancel(t.Context(), "p", "me", ""); err != nil {
			t.Fatal(err)
		}
		for !r.state("p").Finished() && !t.Failed() {
			r.round(child)
			time.Sleep(10 * time.Second) // virtual: a call of "last" may still be under way
		}
		if r.state("p") != saga.Cancelled || r.state(child) != saga.Cancelled {
			t.Errorf("the parent is %s, its child %s", r.state("p"), r.state(child))
		}
		if got := r.trail.told(); got != "only, undo last, undo only" {
			t.Errorf("trail: %s", got)
		}
	})
}

func TestAChildOfWhichNothingIsKeptBeginsAsOneThatMayHaveBegunBefore(t *testing.T) {
	r := newRig(t)
	k, _ := withKeeper(r)
	again := kid
	again.Again = true
	k.effects["c"] = []saga.Effect{{Path: "only", Result: json.RawMessage(`1`)}}
	for range 2 { // it may be repeated
		if err := r.startChild(again); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := r.kinds("c"), "created recovered step_started step_done"; got != want {
		t.Errorf("its journal is %s, want %s", got, want)
	}
	if r.pending("reports") != 1 {
		t.Errorf("%d deliveries", r.pending("reports"))
	}
	if err := r.undoChild(); err != nil {
		t.Fatal(err)
	}
	if err := r.deliver("c"); err != nil {
		t.Fatal(err)
	}
	if r.state("c") != saga.Cancelled || r.trail.told() != "undo only" {
		t.Errorf("it is %s, trail %s", r.state("c"), r.trail.told())
	}
}

func TestALostChildIsContinuedNotBegunAnew(t *testing.T) {
	r := newRig(t)
	k, _ := withKeeper(r)
	if err := r.startChild(kid); err != nil {
		t.Fatal(err)
	}
	if err := r.deliver("c"); err != nil {
		t.Fatal(err)
	}
	r.flush(k, "c")
	r.empty()
	again := kid
	again.Again = true
	if err := r.startChild(again); err != nil {
		t.Fatal(err)
	}
	if got, want := r.kinds("c"), "created step_started step_done completed"; got != want {
		t.Errorf("its journal is %s, want %s", got, want)
	}
	if list, err := r.journal.Outbox(t.Context(), 10); err != nil || len(list) != 1 || list[0].Parent != "p" {
		t.Errorf("its parent is to be told: %v, %v", list, err)
	}
}
