package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// parks delivers a task that parks.
func (r *rig) parks(id string) {
	r.t.Helper()
	if _, ok := errors.AsType[*saga.ParkedError](r.deliver(id)); !ok {
		r.t.Fatalf("task %s did not park but is %s", id, r.state(id))
	}
}

// finishes delivers a task that ends.
func (r *rig) finishes(id string, want saga.State) {
	r.t.Helper()
	if err := r.deliver(id); err != nil || r.state(id) != want {
		r.t.Fatalf("task %s: %v, and it is %s, want %s", id, err, r.state(id), want)
	}
}

// count is how many events of a kind a journal holds.
func (r *rig) count(id string, kind saga.EventKind) (n int) {
	r.t.Helper()
	s, err := r.journal.Read(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range s.Events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// deafQueue is a queue whose wake-ups miss.
type deafQueue struct{ tasks.Waker }

func (deafQueue) Wake(context.Context, saga.Ref) error { return errors.New("it is active") }

func TestCancel(t *testing.T) {
	r := newRig(t)
	r.start(saga.Request{ID: "t", Type: "wait"})
	r.parks("t")
	for range 3 {
		task, err := r.dispatcher.Cancel(t.Context(), "t", "me", "changed my mind")
		if err != nil || task.ID != "t" {
			t.Fatalf("%+v, %v", task, err)
		}
	}
	if n := r.count("t", saga.KindCancel); n != 1 {
		t.Errorf("%d cancels are recorded", n)
	}
	r.finishes("t", saga.Cancelled)
	if got := r.trail.told(); got != "before, undo before" {
		t.Errorf("trail: %s", got)
	}
	task, err := r.dispatcher.Get(t.Context(), "t")
	if err != nil || !strings.Contains(task.Error, "changed my mind") {
		t.Errorf("%+v, %v", task, err)
	}
	r.outsiders(func(id string) error { _, err := r.dispatcher.Cancel(t.Context(), id, "me", ""); return err })
}

func TestSignal(t *testing.T) {
	r := newRig(t)
	r.start(saga.Request{ID: "t", Type: "wait"})
	r.parks("t")
	send := func(s saga.SignalRequest) {
		t.Helper()
		if err := r.dispatcher.Signal(t.Context(), "t", s); err != nil {
			t.Fatal(err)
		}
	}
	changed := r.changed.Load()
	send(saga.SignalRequest{Name: "stop", Dedupe: "1"})
	send(saga.SignalRequest{Name: "go", Dedupe: "1", Payload: json.RawMessage(`{"by":"post"}`), By: "me"})
	send(saga.SignalRequest{Name: "go", Dedupe: "1", Payload: json.RawMessage(`{"by":"post"}`), By: "me"})
	if n := r.count("t", saga.KindSignal); n != 2 {
		t.Errorf("%d signals are recorded: one of each name, the third is a repetition", n)
	}
	send(saga.SignalRequest{Name: "go"})
	send(saga.SignalRequest{Name: "go"})
	if n := r.count("t", saga.KindSignal); n != 4 {
		t.Errorf("%d signals are recorded: without a key each is its own", n)
	}
	if r.changed.Load() == changed {
		t.Error("no flush was asked for")
	}
	r.finishes("t", saga.Completed)
	task, err := r.dispatcher.Get(t.Context(), "t")
	if err != nil || string(task.Steps[1].Output) != `{"by":"post"}` {
		t.Errorf("the payload did not arrive: %+v, %v", task.Steps, err)
	}
	r.outsiders(func(id string) error { return r.dispatcher.Signal(t.Context(), id, saga.SignalRequest{Name: "go"}) })

	r.start(saga.Request{ID: "big", Type: "wait"})
	huge := json.RawMessage(`"` + strings.Repeat("x", saga.MaxOutput) + `"`)
	if err := r.dispatcher.Signal(t.Context(), "big", saga.SignalRequest{Name: "go", Payload: huge}); !errors.Is(err, saga.ErrTooLarge) {
		t.Errorf("a payload that is too large: %v", err)
	}
}

// outsiders sends something to tasks that take nothing: one that has ended, one whose journal has expired, none.
func (r *rig) outsiders(send func(id string) error) {
	r.t.Helper()
	r.start(saga.Request{ID: "ended", Type: "one"})
	r.finishes("ended", saga.Completed)
	r.rows["expired"] = saga.Task{ID: "expired", State: saga.Completed}
	for id, want := range map[string]error{
		"ended": saga.ErrFinished, "expired": saga.ErrFinished, "stranger": saga.ErrNotFound,
	} {
		if err := send(id); !errors.Is(err, want) {
			r.t.Errorf("to %s: got %v, want %v", id, err, want)
		}
	}
}

// waits returns when a task waits to be woken, and asynq has forgotten it.
func (r *rig) waits(id string) {
	r.t.Helper()
	r.eventually("it waits", func() bool {
		_, err := r.inspector.GetTaskInfo("default", id)
		return errors.Is(err, asynq.ErrTaskNotFound)
	})
	if got := r.state(id); got != saga.Waiting {
		r.t.Fatalf("task %s is %s", id, got)
	}
}

// A wake-up finds a task that waits, of which asynq knows nothing, and if it misses, the sweeper is told.
func TestWhatIsPostedWakes(t *testing.T) {
	r := newRig(t)
	w := r.worker()
	defer w.Stop(context.Background())
	r.start(saga.Request{ID: "t", Type: "wait"})
	r.waits("t")
	if err := r.dispatcher.Signal(t.Context(), "t", saga.SignalRequest{Name: "go"}); err != nil {
		t.Fatal(err)
	}
	r.ends("t", saga.Completed)

	r.start(saga.Request{ID: "cancelled", Type: "wait"})
	r.waits("cancelled")
	if _, err := r.dispatcher.Cancel(t.Context(), "cancelled", "me", ""); err != nil {
		t.Fatal(err)
	}
	r.ends("cancelled", saga.Cancelled)

	if n := r.nudged.Load(); n != 0 {
		t.Errorf("%d sweeps were asked for although nothing missed", n)
	}
	r.start(saga.Request{ID: "missed", Type: "wait"})
	r.waits("missed")
	r.dispatcher.Queue = deafQueue{r.queue}
	if err := r.dispatcher.Signal(t.Context(), "missed", saga.SignalRequest{Name: "go"}); err != nil {
		t.Errorf("a wake-up that misses is no failure: %v", err)
	}
	if n := r.nudged.Load(); n != 1 {
		t.Errorf("%d sweeps were asked for", n)
	}
	s := r.sweeper()
	r.eventually("the mark is swept", func() bool {
		if _, err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		return r.state("missed") == saga.Completed
	})
}

func TestARetryUnderAnIDIsOneTask(t *testing.T) {
	r := newRig(t)
	r.start(saga.Request{ID: "t", Type: "one", Input: json.RawMessage(`{"a":1}`), Service: "shop", Owner: owner})
	r.finishes("t", saga.Completed)
	for range 2 {
		task, err := r.dispatcher.RetryAs(t.Context(), "t", "again", "you")
		if err != nil || task.ID != "again" || task.RetryOf != "t" {
			t.Fatalf("%+v, %v", task, err)
		}
	}
	r.start(saga.Request{ID: "other", Type: "one", Input: json.RawMessage(`{"a":2}`), Owner: owner})
	if _, err := r.dispatcher.RetryAs(t.Context(), "t", "other", "you"); !errors.Is(err, saga.ErrConflict) {
		t.Errorf("under another's id: %v", err)
	}
}

// Its parent that is run again starts one like it.
func TestAChildIsNotRunAgainOnItsOwn(t *testing.T) {
	r := newRig(t)
	if err := r.startChild(kid); err != nil {
		t.Fatal(err)
	}
	r.finishes("c", saga.Completed)
	const expired = "0123456789abcdef0123456789abcdef"
	r.rows[expired] = saga.Task{ID: expired, Type: "one", State: saga.Failed, UserID: owner, Input: json.RawMessage(`[2]`)}
	for id, of := range map[string]string{"c": "p", expired: ""} {
		_, err := r.dispatcher.Retry(t.Context(), id, "me")
		if child, ok := errors.AsType[*saga.ChildError](err); !ok || child.Parent != of {
			t.Errorf("%s: %v", id, err)
		}
	}
	if n := r.pending("default"); n != 0 {
		t.Errorf("%d deliveries", n)
	}
}

func TestRetryStartsANewTask(t *testing.T) {
	r := newRig(t)
	r.start(saga.Request{ID: "t", Type: "one", Input: json.RawMessage(`{"a":1}`), Service: "shop", Owner: owner, By: "me"})
	if _, err := r.dispatcher.Retry(t.Context(), "t", "me"); !errors.Is(err, saga.ErrUnfinished) {
		t.Errorf("one that has not ended: %v", err)
	}
	r.finishes("t", saga.Completed)
	r.rows["old"] = saga.Task{ID: "old", Type: "one", State: saga.Failed, UserID: owner, Input: json.RawMessage(`[2]`)}
	for of, input := range map[string]string{"t": `{"a":1}`, "old": `[2]`} {
		task, err := r.dispatcher.Retry(t.Context(), of, "you")
		if err != nil {
			t.Fatal(err)
		}
		if task.RetryOf != of || task.ID == of || string(task.Input) != input || task.UserID != owner || task.State != saga.Pending {
			t.Errorf("retry of %s: %+v", of, task)
		}
		if got := r.asynq("default", task.ID); got != "pending" {
			t.Errorf("asynq: %s", got)
		}
	}
	if _, err := r.dispatcher.Retry(t.Context(), "stranger", "me"); !errors.Is(err, saga.ErrNotFound) {
		t.Errorf("of a stranger: %v", err)
	}
	r.rows["gone"] = saga.Task{ID: "gone", Type: "no-more", State: saga.Failed}
	if _, err := r.dispatcher.Retry(t.Context(), "gone", "me"); !errors.Is(err, saga.ErrUnknownType) {
		t.Errorf("of a type that is no more: %v", err)
	}
}

func TestResolve(t *testing.T) {
	for action, want := range map[saga.ResolveAction]saga.State{
		saga.ResolveRetry: saga.Stuck, saga.ResolveSkip: saga.Failed, saga.ResolveDone: saga.Failed,
	} {
		t.Run(string(action), func(t *testing.T) {
			r := newRig(t)
			r.on("second", func(context.Context) error { return saga.Permanent(errors.New("no")) })
			r.on("undo second", func(context.Context) error { return saga.Permanent(errors.New("never")) })
			word := func(id, step string) (saga.Task, error) {
				return r.dispatcher.Resolve(t.Context(), id, saga.Resolution{Step: step, Action: action, Reason: "I looked", By: "me"})
			}
			r.start(saga.Request{ID: "t", Type: "two"})
			if _, err := word("t", "second"); !errors.Is(err, saga.ErrNotStuck) {
				t.Errorf("before it is stuck: %v", err)
			}
			r.parks("t")
			if got := r.state("t"); got != saga.Stuck {
				t.Fatalf("the task is %s", got)
			}
			for _, step := range []string{"first", "third", ""} {
				_, err := word("t", step)
				if got := complaints(t, err); !strings.HasPrefix(got, "/step: ") {
					t.Errorf("step %q: %q", step, got)
				}
			}
			var operators sync.WaitGroup // who all see the same stuck task
			for range 5 {
				operators.Go(func() {
					if _, err := word("t", "second"); err != nil && !errors.Is(err, saga.ErrNotStuck) {
						t.Error(err)
					}
				})
			}
			operators.Wait()
			if n := r.count("t", saga.KindResolved); n != 1 {
				t.Errorf("resolved %d times", n)
			}
			_ = r.deliver("t")
			if got := r.state("t"); got != want {
				t.Errorf("the task is %s, want %s", got, want)
			}
			if n := r.trail.times("undo second"); (n == 2) != (action == saga.ResolveRetry) {
				t.Errorf("undone %d times; trail: %s", n, r.trail.told())
			}
		})
	}
}
