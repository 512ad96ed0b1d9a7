package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/osp-platform/osp/saga"
)

var (
	parent = saga.Created{ID: "p", Type: "family", Service: "shop", Owner: owner, By: "me", Queue: "reports"}
	kid    = saga.ChildTask{Type: "one", Input: json.RawMessage(`{"a":1}`)}
)

func (r *rig) startChild(t saga.ChildTask) error {
	return r.dispatcher.StartChild(r.t.Context(), parent, "kid", "c", t)
}

func (r *rig) undoChild() error {
	return r.dispatcher.UndoChild(r.t.Context(), parent, "kid", "c", kid)
}

func TestStartChild(t *testing.T) {
	r := newRig(t)
	for range 3 { // it may be repeated: its answer may be lost
		if err := r.startChild(kid); err != nil {
			t.Fatal(err)
		}
	}
	s, err := r.journal.Read(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	if c := s.Events[0].Created; c.Parent != "p" || c.ParentPath != "kid" || c.Service != "shop" || c.Owner != owner ||
		c.By != "me" || c.Queue != "reports" || string(c.Input) != `{"a":1}` {
		t.Errorf("recorded %+v", c)
	}
	if n := r.pending("reports"); n != 1 {
		t.Errorf("%d deliveries of the child", n)
	}
	// Nothing that another attempt would mend, and nothing that has happened.
	for name, child := range map[string]saga.ChildTask{
		"an unknown type":         {Type: "three"},
		"input against a schema":  {Type: "strict", Input: json.RawMessage(`{}`)},
		"input that is too large": {Type: "one", Input: make(json.RawMessage, saga.MaxInput+1)},
	} {
		if err := r.startChild(child); !saga.IsPermanent(err) {
			t.Errorf("%s: %v is not permanent", name, err)
		}
	}
	if err := r.startChild(saga.ChildTask{Type: "two"}); !errors.Is(err, saga.ErrConflict) {
		t.Errorf("an id that is taken: %v", err)
	}
	if err := r.client.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.startChild(kid); !errors.Is(err, saga.ErrUnavailable) || saga.IsPermanent(err) {
		t.Errorf("without Redis: %v", err)
	}
}

func TestUndoOfAChildThatHasNotEndedCancelsIt(t *testing.T) {
	r := newRig(t)
	if err := r.startChild(kid); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.undoChild(); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.count("c", saga.KindCancel); n != 1 {
		t.Errorf("%d cancels", n)
	}
	r.finishes("c", saga.Cancelled)
	if got := r.trail.told(); got != "" {
		t.Errorf("a child that was cancelled before it began did: %s", got)
	}
	if err := r.undoChild(); err != nil { // it undid itself
		t.Errorf("once more, after its end: %v", err)
	}
	if got := r.state("c"); got != saga.Cancelled {
		t.Errorf("it is %s", got)
	}
}

// A start that is still on its way must find the id taken, and the parent must hear of an end.
func TestUndoOfAnUnknownChildLeavesACancelledTombstone(t *testing.T) {
	r := newRig(t)
	if err := r.undoChild(); err != nil {
		t.Fatal(err)
	}
	if err := r.startChild(kid); err != nil { // late
		t.Fatal(err)
	}
	r.finishes("c", saga.Cancelled)
	if got := r.trail.told(); got != "" {
		t.Errorf("it did: %s", got)
	}
	list, err := r.journal.Outbox(t.Context(), 10)
	if err != nil || len(list) != 1 || list[0].Parent != "p" || list[0].Path != "kid" {
		t.Errorf("the outbox holds %+v, %v", list, err)
	}
}

func TestUndoOfACompletedChildCompensatesIt(t *testing.T) {
	r := newRig(t)
	if err := r.startChild(kid); err != nil {
		t.Fatal(err)
	}
	r.finishes("c", saga.Completed)
	if err := r.undoChild(); err != nil {
		t.Fatal(err)
	}
	if got := r.state("c"); got != saga.Compensating {
		t.Fatalf("it is %s", got)
	}
	if got := r.asynq("reports", "c"); got != "pending" {
		t.Errorf("asynq: %s", got)
	}
	if err := r.undoChild(); err != nil {
		t.Errorf("asked twice: %v", err)
	}
	r.finishes("c", saga.Cancelled)
	if got := r.trail.told(); got != "only, undo only" {
		t.Errorf("trail: %s", got)
	}
	if err := r.undoChild(); err != nil {
		t.Errorf("once more, after its end: %v", err)
	}
	if got := r.state("c"); got != saga.Cancelled {
		t.Errorf("it was reopened again: %s", got)
	}
}

func TestUndoOfAFailedChildHasNothingToDo(t *testing.T) {
	r := newRig(t)
	r.on("only", func(context.Context) error { return saga.Permanent(errors.New("no stock")) })
	if err := r.startChild(kid); err != nil {
		t.Fatal(err)
	}
	r.finishes("c", saga.Failed)
	if err := r.undoChild(); err != nil {
		t.Fatal(err)
	}
	if got := r.state("c"); got != saga.Failed {
		t.Errorf("it is %s", got)
	}
	if got := r.trail.told(); got != "only, undo only" {
		t.Errorf("trail: %s", got)
	}
}

func TestUndoOfAChildWithoutRedisIsTriedAgain(t *testing.T) {
	r := newRig(t)
	if err := r.client.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.undoChild(); !errors.Is(err, saga.ErrUnavailable) || saga.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}

// A family from its start to its end, with workers and sweepers as they really run.
func TestAFamily(t *testing.T) {
	for _, c := range []struct {
		name, fails, trail string
		parent, child      saga.State
	}{
		{"both complete", "", "only, last", saga.Completed, saga.Completed},
		{"the child fails", "only", "only, undo only", saga.Failed, saga.Failed},
		{"the parent fails", "last", "only, last, undo last, undo only", saga.Failed, saga.Cancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.on(c.fails, func(context.Context) error { return saga.Permanent(errors.New("no")) })
			w := r.worker()
			ctx, cancel := context.WithCancel(t.Context())
			s, swept := r.sweeper(), make(chan struct{})
			r.dispatcher.Nudge = s.Nudge
			go func() {
				defer close(swept)
				s.Run(ctx)
			}()
			r.start(saga.Request{ID: "p", Type: "family"})
			r.eventually("the parent has ended", func() bool {
				s.Nudge() // as the server does when a child ends
				return r.state("p").Finished()
			})
			task, err := r.dispatcher.Get(t.Context(), "p")
			if err != nil || task.State != c.parent {
				t.Errorf("the parent: %+v, %v", task, err)
			}
			if got := r.state(task.Steps[0].Child); got != c.child {
				t.Errorf("the child is %s, want %s", got, c.child)
			}
			if got := r.trail.told(); got != c.trail {
				t.Errorf("trail: %s, want %s", got, c.trail)
			}
			cancel()
			<-swept
			w.Stop(t.Context())
		})
	}
}
