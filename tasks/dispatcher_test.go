package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// broken is a queue that nothing can be put into.
type broken struct{ tasks.Waker }

func (broken) Enqueue(context.Context, saga.Ref) error { return errors.New("asynq is away") }

func TestStartWritesTheJournalAndEnqueues(t *testing.T) {
	r := newRig(t)
	task := r.start(saga.Request{
		ID: "t", Type: "one", Input: json.RawMessage(`{"a":1}`), Service: "shop", Owner: owner, By: "me", Priority: "high",
	})
	if task.ID != "t" || task.State != saga.Pending || task.UserID != owner || task.Service != "shop" || task.Version == 0 {
		t.Errorf("answered %+v", task)
	}
	s, err := r.journal.Read(t.Context(), "t")
	if err != nil {
		t.Fatal(err)
	}
	c := s.Events[0].Created
	if len(s.Events) != 1 || c.Type != "one" || c.Workflow != "one" || c.Version != 1 || c.TreeHash == "" || c.By != "me" ||
		string(c.Input) != `{"a":1}` || c.Queue != "high" || c.Owner != owner || c.Service != "shop" || c.Hash == "" {
		t.Errorf("recorded %+v", c)
	}
	if got := r.asynq("high", "t"); got != "pending" {
		t.Errorf("asynq: %s", got)
	}
	if r.changed.Load() != 1 || r.nudged.Load() != 0 {
		t.Errorf("flushes asked for: %d, sweeps: %d", r.changed.Load(), r.nudged.Load())
	}
	if got := r.start(saga.Request{Type: "one"}); got.ID != "made-1" || got.UserID != saga.NilOwner {
		t.Errorf("without an id or owner: %+v", got)
	}
}

// Journal written is accepted: the sweeper finds what asynq was not told.
func TestATaskThatCouldNotBeEnqueuedIsAcceptedAndFound(t *testing.T) {
	r := newRig(t)
	r.dispatcher.Queue = broken{r.queue}
	task, created, err := r.dispatcher.Start(t.Context(), saga.Request{ID: "t", Type: "one"})
	if err != nil || !created || task.State != saga.Pending {
		t.Fatalf("start: %+v, %t, %v", task, created, err)
	}
	if r.nudged.Load() != 1 {
		t.Error("the sweeper was not told")
	}
	s := r.sweeper()
	r.eventually("the sweeper finds it", func() bool {
		if _, err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		return r.asynq("default", "t") == "pending"
	})
}

func TestNothingIsEnqueuedThatIsNotRecorded(t *testing.T) {
	r := newRig(t)
	if err := r.client.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	_, _, err := r.dispatcher.Start(t.Context(), saga.Request{ID: "t", Type: "one"})
	if !errors.Is(err, saga.ErrUnavailable) || !strings.Contains(err.Error(), "start task t") {
		t.Errorf("a full Redis: %v", err)
	}
	if err := r.client.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	if got := r.asynq("default", "t"); !strings.Contains(got, "not exist") && !strings.Contains(got, "not found") {
		t.Errorf("asynq has it: %s", got)
	}
	if r.changed.Load() != 0 {
		t.Error("a flush was asked for")
	}
}

// What is the same request, and what is another one.
func TestTheSameIDAgain(t *testing.T) {
	r := newRig(t)
	first := saga.Request{ID: "t", Type: "one", Service: "shop", Owner: owner, Input: json.RawMessage(`{"a":1,"b":[1,2.50],"c":{"x":null,"y":"é"}}`)}
	r.start(first)
	for _, c := range []struct {
		name   string
		change func(*saga.Request)
		same   bool
	}{
		{"again", func(*saga.Request) {}, true},
		{"order of keys", func(r *saga.Request) {
			r.Input = json.RawMessage(`{"c":{"y":"é","x":null},"b":[1,2.50],"a":1}`)
		}, true},
		{"white space", func(r *saga.Request) {
			r.Input = json.RawMessage("{ \"a\" : 1,\n\t\"b\": [1, 2.50], \"c\": {\"x\": null, \"y\": \"é\"} }")
		}, true},
		{"how a character is written", func(r *saga.Request) {
			r.Input = json.RawMessage(`{"a":1,"b":[1,2.50],"c":{"x":null,"y":"\u00e9"}}`)
		}, true},
		{"queue, time and caller", func(r *saga.Request) { r.Queue, r.By, r.ProcessAt = "low", "you", time.Now().Add(time.Hour) }, true},
		{"a value", func(r *saga.Request) { r.Input = json.RawMessage(`{"a":2,"b":[1,2.50],"c":{"x":null,"y":"é"}}`) }, false},
		{"the order of a list", func(r *saga.Request) { r.Input = json.RawMessage(`{"a":1,"b":[2.50,1],"c":{"x":null,"y":"é"}}`) }, false},
		{"null is not nothing", func(r *saga.Request) { r.Input = json.RawMessage(`{"a":1,"b":[1,2.50],"c":{"y":"é"}}`) }, false},
		{"a number is not a string", func(r *saga.Request) { r.Input = json.RawMessage(`{"a":"1","b":[1,2.50],"c":{"x":null,"y":"é"}}`) }, false},
		{"no input", func(r *saga.Request) { r.Input = nil }, false},
		{"type", func(r *saga.Request) { r.Type = "two" }, false},
		{"service", func(r *saga.Request) { r.Service = "bar" }, false},
		{"owner", func(r *saga.Request) { r.Owner = "" }, false},
	} {
		req := first
		c.change(&req)
		task, created, err := r.dispatcher.Start(t.Context(), req)
		switch {
		case c.same && (err != nil || created || task.ID != "t"):
			t.Errorf("%s: %+v, %t, %v; want the same task", c.name, task, created, err)
		case !c.same && (!errors.Is(err, saga.ErrConflict) || created):
			t.Errorf("%s: %+v, %t, %v; want ErrConflict", c.name, task, created, err)
		}
	}
	if n := r.pending("default") + r.pending("low"); n != 1 {
		t.Errorf("%d deliveries of one task", n)
	}
}

// 2^53 and its neighbour are one number to those who read JSON numbers as floats.
func TestLargeNumbersAreToldApart(t *testing.T) {
	r := newRig(t)
	r.start(saga.Request{ID: "t", Type: "one", Input: json.RawMessage(`{"id":9007199254740992}`)})
	_, _, err := r.dispatcher.Start(t.Context(), saga.Request{ID: "t", Type: "one", Input: json.RawMessage(`{"id":9007199254740993}`)})
	if !errors.Is(err, saga.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
}

func TestTheSameIDAtTheSameTime(t *testing.T) {
	r := newRig(t)
	var mu sync.Mutex
	news := 0
	var clients sync.WaitGroup
	for range 50 {
		clients.Go(func() {
			task, created, err := r.dispatcher.Start(t.Context(), saga.Request{ID: "t", Type: "one"})
			if err != nil || task.ID != "t" {
				t.Errorf("%+v, %v", task, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if created {
				news++
			}
		})
	}
	clients.Wait()
	if news != 1 || r.pending("default") != 1 {
		t.Errorf("created %d times, delivered %d times", news, r.pending("default"))
	}
}

func TestAnUnfinishedTaskThatAsynqLostIsEnqueuedAgain(t *testing.T) {
	r := newRig(t)
	r.start(saga.Request{ID: "t", Type: "one", Queue: "reports"})
	if err := r.inspector.DeleteTask("reports", "t"); err != nil {
		t.Fatal(err)
	}
	if _, created, err := r.dispatcher.Start(t.Context(), saga.Request{ID: "t", Type: "one", Queue: "low"}); created || err != nil {
		t.Fatal(created, err)
	}
	if got := r.asynq("reports", "t"); got != "pending" {
		t.Errorf("on its own queue it is %s", got)
	}
	if n := r.pending("low"); n != 0 {
		t.Errorf("%d on the queue of the second request", n)
	}
	if err := r.inspector.DeleteTask("reports", "t"); err != nil {
		t.Fatal(err)
	}
	if err := r.deliver("t"); err != nil {
		t.Fatal(err)
	}
	task, created, err := r.dispatcher.Start(t.Context(), saga.Request{ID: "t", Type: "one", Queue: "reports"})
	if created || err != nil || task.State != saga.Completed {
		t.Errorf("a finished one: %+v, %t, %v", task, created, err)
	}
	if n := r.pending("reports"); n != 0 {
		t.Errorf("a finished task was enqueued")
	}
}

func TestProcessAt(t *testing.T) {
	r := newRig(t)
	at := time.Now().Add(time.Hour).Truncate(time.Second)
	r.start(saga.Request{ID: "t", Type: "dated", ProcessAt: at})
	info, err := r.inspector.GetTaskInfo("default", "t")
	if err != nil || info.State.String() != "scheduled" || !info.NextProcessAt.Equal(at) {
		t.Errorf("asynq: %+v, %v", info, err)
	}
	s, err := r.journal.Read(t.Context(), "t")
	if err != nil {
		t.Fatal(err)
	}
	if c := s.Events[0].Created; !c.ProcessAt.Time().Equal(at) || !c.Deadline.Time().Equal(at.Add(time.Hour)) {
		t.Errorf("due %v, deadline %v: an hour from when it is due", c.ProcessAt.Time(), c.Deadline.Time())
	}
	begun := time.Now()
	r.start(saga.Request{ID: "now", Type: "dated"})
	if s, err = r.journal.Read(t.Context(), "now"); err != nil {
		t.Fatal(err)
	}
	if d := s.Events[0].Created.Deadline.Time().Sub(begun); d < time.Hour-time.Millisecond || d > time.Hour+time.Minute {
		t.Errorf("the deadline of one that is due now: in %v", d)
	}
	refs, _, err := r.journal.Overdue(t.Context(), 10)
	if err != nil || len(refs) != 0 {
		t.Errorf("overdue: %v, %v", refs, err)
	}
}

func TestWhatIsWrongWithARequest(t *testing.T) {
	r := newRig(t)
	names := "default, high, low, reports"
	for _, c := range []struct {
		name string
		req  saga.Request
		want string
	}{
		{"no such queue", saga.Request{Type: "one", Queue: "fast"}, `/queue: "fast" is not one of the queues: ` + names},
		{"a misspelt queue", saga.Request{Type: "one", Queue: "reprots"}, `/queue: "reprots" is not one of the queues: ` + names + ". Is reports meant?"},
		{"no such priority", saga.Request{Type: "one", Priority: "urgent"}, `/priority: "urgent" is not one of the queues: ` + names},
		{"both", saga.Request{Type: "one", Queue: "low", Priority: "high"}, "/priority: give queue or priority, not both"},
		{"not JSON", saga.Request{Type: "one", Input: json.RawMessage(`{"a":`)}, "/input"},
		{"against its schema", saga.Request{Type: "strict", Input: json.RawMessage(`{}`)}, "/input"},
	} {
		c.req.ID = "t"
		_, created, err := r.dispatcher.Start(t.Context(), c.req)
		if got := complaints(t, err); !strings.HasPrefix(got, c.want) || created || err == nil {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if _, _, err := r.dispatcher.Start(t.Context(), saga.Request{ID: "t", Type: "three"}); !errors.Is(err, saga.ErrUnknownType) {
		t.Errorf("unknown type: %v", err)
	}
	big := func(n int) json.RawMessage { return json.RawMessage(`"` + strings.Repeat("x", n-2) + `"`) }
	_, _, err := r.dispatcher.Start(t.Context(), saga.Request{ID: "t", Type: "one", Input: big(saga.MaxInput + 1)})
	if !errors.Is(err, saga.ErrTooLarge) || !strings.Contains(err.Error(), fmt.Sprint(saga.MaxInput)) {
		t.Errorf("an input of a byte too many: %v", err)
	}
	if _, err := r.journal.Read(t.Context(), "t"); !errors.Is(err, saga.ErrNotFound) {
		t.Errorf("something was recorded: %v", err)
	}
	r.start(saga.Request{ID: "t", Type: "one", Input: big(saga.MaxInput)})
}
