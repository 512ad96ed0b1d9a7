package tasks_test

import (
	"fmt"
	"testing"

	"github.com/osp-platform/osp/saga"
)

func TestWhatHoldsATask(t *testing.T) {
	r := newRig(t)
	fleet := r.fleet()
	r.start(saga.Request{ID: "t", Type: "one", Queue: "low", Service: "shop", Input: []byte(`{}`)})
	held := func(change func(*saga.Task)) (says []string) {
		t.Helper()
		task, err := r.dispatcher.Get(t.Context(), "t")
		if err != nil {
			t.Fatal(err)
		}
		change(&task)
		list, err := fleet.PausedBy(t.Context(), task)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			if p.Reason == "" || p.Since.IsZero() {
				t.Errorf("it does not say why and since when: %+v", p)
			}
			says = append(says, fmt.Sprintf("%s %s by %s", p.Kind, p.Name, p.By))
		}
		return says
	}
	forward := func(*saga.Task) {}
	undo := func(task *saga.Task) { task.State, task.Phase = saga.Waiting, saga.Undo }
	over := func(task *saga.Task) { task.State = saga.Cancelled }
	wants := func(what string, got []string, want string) {
		t.Helper()
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", what, got, want)
		}
	}
	r.pause(saga.PauseType, "two")
	r.pause(saga.PauseQueue, "high")
	wants("of others", held(forward), "[]")
	r.pause(saga.PauseType, "one")
	r.pause(saga.PauseService, "shop")
	wants("forward", held(forward), "[service shop by ann type one by ann]")
	wants("what is undone is not held", held(undo), "[]")
	wants("nor what has ended", held(over), "[]")
	if err := r.inspector.PauseQueue("low"); err != nil {
		t.Fatal(err)
	}
	wants("asynq holds undos too", held(undo), "[queue low by asynqmon]")
	wants("and all together", held(forward), "[service shop by ann type one by ann queue low by asynqmon]")
	wants("but nothing that has ended", held(over), "[]")
	r.pause(saga.PauseQueue, "low")
	wants("a queue is paused once", held(forward), "[queue low by ann service shop by ann type one by ann]")
}
