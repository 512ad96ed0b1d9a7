package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// asking is a definition that has two people asked at once, and says what comes of it.
const asking = `{"id": "ask", "steps": [
	{"id": "l", "type": "loop", "loop": {"collection": ["x", "y"], "item_variable": "line", "concurrency": 2, "steps": ["h"]}},
	{"id": "h", "type": "human_task", "human_task": {"assignee_role": "manager", "timeout_seconds": 60, "rejected_steps": ["no"],
		"timeout_steps": ["late"], "escalation": {"after_seconds": 20, "assignee_role": "director", "steps": ["tell"]}}},
	{"id": "no", "type": "activity", "activity": {"type": "log_event", "params": {"say": "${line}: no, for ${h.reason}, says ${h.by}"}}},
	{"id": "late", "type": "activity", "activity": {"type": "log_event", "params": {"say": "${line}: late"}}},
	{"id": "tell", "type": "activity", "activity": {"type": "log_event", "params": {"say": "${line}: hurry"}}}]}`

// answer answers a human task, and tells what came of it.
func (r *rig) answer(id, path string, a saga.HumanAnswer) string {
	r.t.Helper()
	given, err := r.dispatcher.Answer(r.t.Context(), id, path, a)
	if asked, ok := errors.AsType[*saga.NotAskedError](err); ok {
		return "not asked: " + string(asked.State)
	}
	switch {
	case errors.Is(err, saga.ErrAnswered):
		return "answered before"
	case err != nil:
		return err.Error()
	case given.Step != path || given.At.IsZero():
		r.t.Errorf("given %+v", given)
	}
	return fmt.Sprintf("%s by %s, new: %t", given.Outcome, given.By, given.New)
}

func (r *rig) stands(id, path string) string {
	r.t.Helper()
	h, err := r.dispatcher.HumanTask(r.t.Context(), id, path)
	if err != nil {
		return err.Error()
	}
	return string(h.State) + " " + strings.Join(h.Roles, " ")
}

func TestTheFirstAnswerStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		l, _ := withDefinitions(r)
		l.add(t, asking)
		id := r.start(saga.Request{Type: "ask", Input: json.RawMessage(`{}`), Owner: owner, Service: "shop_1"}).ID
		yes := saga.HumanAnswer{Outcome: saga.HumanCompleted, Output: json.RawMessage(`{"a": 1, "b": [2.0]}`), By: "ann"}
		no := saga.HumanAnswer{Outcome: saga.HumanRejected, Reason: "the price", By: "bob"}
		expect := func(what, got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		expect("before it is asked", r.answer(id, "l[0]/h", yes), "not asked: ahead")
		r.parks(id)
		expect("it is asked", r.stands(id, "l[1]/h"), "open manager")
		for path, want := range map[string]string{"l[2]/h": "ahead", "h": "ahead", "l[0]/no": "", "l": "", "nowhere": "", "l[0]/h.escalated": ""} {
			expect(path, r.answer(id, path, yes), "not asked: "+want)
		}
		expect("the second iteration", r.answer(id, "l[1]/h", yes), "completed by ann, new: true")
		expect("again, before anybody looks", r.answer(id, "l[1]/h", yes), "completed by ann, new: false")
		reordered := yes
		reordered.Output = json.RawMessage(`{"b":[2.0],"a":1}`)
		expect("in another order", r.answer(id, "l[1]/h", reordered), "completed by ann, new: false")
		r.parks(id)
		expect("the first iteration still", r.stands(id, "l[0]/h"), "open manager")
		other := yes
		other.By = "eve"
		expect("the same by another", r.answer(id, "l[1]/h", other), "answered before")
		expect("another answer", r.answer(id, "l[1]/h", no), "answered before")
		time.Sleep(20 * time.Second)
		r.parks(id)
		expect("it is escalated", r.stands(id, "l[0]/h"), "open manager director")
		expect("after the escalation", r.answer(id, "l[0]/h", no), "rejected by bob, new: true")
		r.finishes(id, saga.Completed)
		expect("after the end", r.answer(id, "l[0]/h", no), "rejected by bob, new: false")
		expect("another after the end", r.answer(id, "l[0]/h", yes), "answered before")
		expect("what was said", r.trail.told(), "x: hurry, x: no, for the price, says bob")
		if n := r.count(id, saga.KindSignal); n != 2 {
			t.Errorf("%d signals are recorded", n)
		}
		s, err := r.journal.Read(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range s.Events {
			if e.Kind == saga.KindSignal && (e.By == "" || !strings.Contains(string(e.Data), `"by":"`+e.By+`"`)) {
				t.Errorf("recorded %+v", e)
			}
		}
	})
}

// between is a journal in which something happens before a message is posted.
type between struct {
	tasks.DispatcherJournal
	happens func()
}

func (b *between) Post(ctx context.Context, id string, m saga.Message) (saga.Posted, error) {
	b.happens()
	return b.DispatcherJournal.Post(ctx, id, m)
}

// TestAnAnswerThatComesWhenTheTimeIsOverIsRefused has the wait end between the look at it and the answer.
func TestAnAnswerThatComesWhenTheTimeIsOverIsRefused(t *testing.T) {
	for name, happens := range map[string]func(r *rig, id string){
		"its time is over": func(r *rig, id string) {
			for range 2 {
				time.Sleep(40 * time.Second)
				_ = r.deliver(id)
			}
		},
		"the task is cancelled": func(r *rig, id string) {
			_, _ = r.dispatcher.Cancel(r.t.Context(), id, "", "")
		},
		"the task has ended": func(r *rig, id string) {
			_, _ = r.dispatcher.Cancel(r.t.Context(), id, "", "")
			_ = r.deliver(id)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newBubbleRig(t)
			l, _ := withDefinitions(r)
			l.add(t, asking)
			id := r.start(saga.Request{Type: "ask", Input: json.RawMessage(`{}`)}).ID
			r.parks(id)
			b := &between{r.dispatcher.Journal, nil}
			b.happens = func() {
				b.happens = func() {}
				happens(r, id)
			}
			r.dispatcher.Journal = b
			if got := r.answer(id, "l[0]/h", saga.HumanAnswer{Outcome: saga.HumanCompleted, By: "ann"}); got != "not asked: over" {
				t.Errorf("%s: %s", name, got)
			}
			if got := r.answer(id, "l[0]/h", saga.HumanAnswer{Outcome: saga.HumanCompleted, By: "ann"}); got != "not asked: over" {
				t.Errorf("%s, again: %s", name, got)
			}
		})
	}
}

// TestAnAnswerAfterTheTasksDeadlineIsRefused has nobody look at the task when its deadline passes.
func TestAnAnswerAfterTheTasksDeadlineIsRefused(t *testing.T) {
	for after, want := range map[time.Duration]string{
		30*time.Second - time.Millisecond: "completed by ann, new: true", 30 * time.Second: "not asked: over",
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newBubbleRig(t)
			l, _ := withDefinitions(r)
			l.add(t, `{"id": "ask", "timeout_seconds": 30, "steps": [{"id": "h", "type": "human_task", "human_task": {"timeout_seconds": 30}}]}`)
			id := r.start(saga.Request{Type: "ask", Input: json.RawMessage(`{}`)}).ID
			time.Sleep(10 * time.Second) // so that the wait would be over later than the task
			r.parks(id)
			time.Sleep(after - 10*time.Second)
			for _, again := range []string{want, strings.Replace(want, "true", "false", 1)} {
				if got := r.answer(id, "h", saga.HumanAnswer{Outcome: saga.HumanCompleted, By: "ann"}); got != again {
					t.Errorf("after %v: %s, want %s", after, got, again)
				}
			}
		})
	}
}

func TestWhatCannotBeAnswered(t *testing.T) {
	r := newRig(t)
	l, _ := withDefinitions(r)
	l.add(t, asking)
	yes := saga.HumanAnswer{Outcome: saga.HumanCompleted, By: "ann"}
	r.start(saga.Request{ID: "go", Type: "wait"})
	r.rows["old"] = saga.Task{ID: "old", State: saga.Completed, UserID: owner, Service: "shop_1"}
	for id, want := range map[string]string{"go": "not asked: ", "old": "not asked: over"} {
		if got := r.answer(id, "h", yes); got != want {
			t.Errorf("%s: %s", id, got)
		}
	}
	if h, err := r.dispatcher.HumanTask(t.Context(), "old", "h"); err != nil || h.Owner != owner || h.Service != "shop_1" || h.Roles != nil {
		t.Errorf("whose it was: %+v, %v", h, err)
	}
	if _, err := r.dispatcher.Answer(t.Context(), "nowhere", "h", yes); !errors.Is(err, saga.ErrNotFound) {
		t.Errorf("no such task: %v", err)
	}
	id := r.start(saga.Request{Type: "ask", Input: json.RawMessage(`{}`)}).ID
	r.parks(id)
	escaped := yes
	escaped.Output = json.RawMessage(`{"x":"` + strings.Repeat("<&>", saga.MaxOutput/4) + `"}`)
	if got := r.answer(id, "l[1]/h", escaped); got != "completed by ann, new: true" {
		t.Errorf("one of %d bytes: %s", len(escaped.Output), got)
	}
	if got := r.answer(id, "l[1]/h", escaped); got != "completed by ann, new: false" {
		t.Errorf("the same again: %s", got)
	}
	large := yes
	large.Output = json.RawMessage(`{"x":"` + strings.Repeat("x", saga.MaxOutput-20) + `"}`)
	if _, err := r.dispatcher.Answer(t.Context(), id, "l[0]/h", large); !errors.Is(err, saga.ErrTooLarge) {
		t.Errorf("a large one: %v", err)
	}
	l.leave(true)
	r.client.Del(t.Context(), "osp:definition:"+l.list[len(l.list)-1].Hash)
	r.dispatcher.Catalogue.Definitions = r.process(l)
	if _, err := r.dispatcher.Answer(t.Context(), id, "l[0]/h", yes); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("without the definition: %v", err)
	}
	if h, err := r.dispatcher.HumanTask(t.Context(), id, "l[0]/h"); err == nil || h.Owner != saga.NilOwner {
		t.Errorf("whose it is, without the definition: %+v, %v", h, err)
	}
}

// A row says that its task waits: nobody is told that it waits no longer, for an answer that may be taken in a moment.
func TestWhetherALostTaskWaitsIsNotGuessed(t *testing.T) {
	r := newRig(t)
	l, _ := withDefinitions(r)
	l.add(t, asking)
	k, _ := withKeeper(r)
	id := r.start(saga.Request{Type: "ask", Input: json.RawMessage(`{}`), Owner: owner}).ID
	r.parks(id)
	r.flush(k, id)
	r.empty()
	yes := saga.HumanAnswer{Outcome: saga.HumanCompleted, By: "ann"}
	k.away = errors.New("a moment")
	if _, err := r.dispatcher.Answer(t.Context(), id, "l[0]/h", yes); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("it cannot be restored at the moment: %v", err)
	}
	if h, err := r.dispatcher.HumanTask(t.Context(), id, "l[0]/h"); err == nil || h.Owner != owner {
		t.Errorf("whose it is: %+v, %v", h, err)
	}
	if got := r.state(id); got != saga.Waiting {
		t.Errorf("a reader is told that it is %s", got)
	}
	k.away = nil
	if got := r.answer(id, "l[0]/h", yes); got != "completed by ann, new: true" {
		t.Errorf("a moment later: %s", got)
	}
	r.empty()
	r.dispatcher.Restorer = nil
	if _, err := r.dispatcher.Answer(t.Context(), id, "l[0]/h", yes); !errors.Is(err, saga.ErrLost) {
		t.Errorf("it is lost for good: %v", err)
	}
}

func TestAListNamesTheStepThatWasEscalated(t *testing.T) {
	r := newRig(t)
	page, err := r.dispatcher.HumanTasks(t.Context(), saga.HumanQuery{})
	if err != nil || len(page.Tasks) != 2 || page.Tasks[0].Step != "l[0]/h" || page.Tasks[1].Step != "h" {
		t.Errorf("%+v, %v", page, err)
	}
}
