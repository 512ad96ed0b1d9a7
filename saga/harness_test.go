package saga_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
)

// world is everything around one workflow: a journal, a runner, a trail of what was done and undone, and a loop that
// delivers the tasks which are due, as a queue would. Its time is that of the synctest bubble it runs in.
type world struct {
	t       *testing.T
	journal *storetest.Memory
	runner  *saga.Runner
	flows   map[string]*saga.Workflow

	mu    sync.Mutex
	trail []string
	keys  []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, journal: storetest.NewMemory(time.Now), flows: map[string]*saga.Workflow{}}
	w.runner = w.newRunner()
	return w
}

func (w *world) newRunner() *saga.Runner {
	var nonces atomic.Int64
	return &saga.Runner{
		Journal: w.journal, Workflows: w, Children: w, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Random: func() float64 { return 0 },
		Nonce:  func() string { return fmt.Sprint(nonces.Add(1)) }, Remember: w.remembered,
	}
}

// remembered holds what a run says of a journal that it has ended against the journal.
func (w *world) remembered(s saga.Snapshot) {
	read, err := w.journal.Read(w.t.Context(), s.Ref.ID)
	if err != nil || read.Version < s.Version {
		w.t.Errorf("task %s: version %d is remembered, and read %d: %v", s.Ref.ID, s.Version, read.Version, err)
	}
	if err != nil || read.Version > s.Version { // something came in between
		return
	}
	stored := make([]string, len(s.Events))
	for i, e := range s.Events {
		body, err := saga.Encode(e)
		if err != nil {
			w.t.Error(err)
		}
		stored[i] = saga.Header(e.Seq, e.At) + string(body)
	}
	if !slices.Equal(stored, read.Stored) || !s.Finished || s.Ref != read.Ref {
		w.t.Errorf("task %s reads\n%s\nand is remembered as\n%s", s.Ref.ID, strings.Join(read.Stored, "\n"), strings.Join(stored, "\n"))
	}
}

// Workflow implements [saga.Workflows].
func (w *world) Workflow(_ context.Context, c saga.Created) (*saga.Workflow, error) {
	f := w.flows[c.Type]
	if f == nil || f.TreeHash() != c.TreeHash {
		return nil, saga.ErrUnknownWorkflow
	}
	return f, nil
}

// StartChild implements [saga.Children].
func (w *world) StartChild(ctx context.Context, parent saga.Created, path, id string, t saga.ChildTask) error {
	_, err := w.journal.Start(ctx, saga.Start{Created: w.child(parent, path, id, t)})
	return err
}

// child is what a child's journal begins with.
func (w *world) child(parent saga.Created, path, id string, t saga.ChildTask) saga.Created {
	return saga.Created{
		ID: id, Type: t.Type, TreeHash: w.flows[t.Type].TreeHash(), Input: t.Input, Owner: parent.Owner, Hash: id,
		Parent: parent.ID, ParentPath: path,
	}
}

// UndoChild implements [saga.Children].
func (w *world) UndoChild(ctx context.Context, parent saga.Created, path, id string, t saga.ChildTask) error {
	_, err := w.journal.Post(ctx, id, saga.Message{Event: saga.Event{Kind: saga.KindCancel}, Dedupe: "parent"})
	if errors.Is(err, saga.ErrFinished) {
		_, err = w.journal.Post(ctx, id, saga.Message{Event: saga.Event{Kind: saga.KindUndoRequested}, Reopen: true})
	}
	if errors.Is(err, saga.ErrFinished) {
		return nil // it has undone itself
	}
	return err
}

// note adds a line to the trail.
func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trail = append(w.trail, fmt.Sprintf(format, args...))
}

// start records a task of a workflow.
func (w *world) start(id string, f *saga.Workflow, change ...func(*saga.Created)) {
	w.t.Helper()
	c := saga.Created{ID: id, Type: f.Name, Workflow: f.Name, TreeHash: f.TreeHash(), Owner: saga.NilOwner, Hash: id}
	for _, f := range change {
		f(&c)
	}
	if _, err := w.journal.Start(w.t.Context(), saga.Start{Created: c}); err != nil {
		w.t.Fatal(err)
	}
}

// deliver calls the runner for one task, and tells the parents of children that ended.
func (w *world) deliver(id string) error {
	err := w.runner.Run(w.t.Context(), id)
	w.outbox()
	return err
}

// outbox tells the parents of children that ended.
func (w *world) outbox() {
	w.t.Helper()
	list, err := w.journal.Outbox(w.t.Context(), 10)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range list {
		snapshot, err := w.journal.Read(w.t.Context(), d.Child)
		if err != nil {
			w.t.Fatal(err)
		}
		// Up to the end that this delivery is about: the child may have been reopened since.
		child, err := saga.Fold(snapshot.Events[:min(d.Seq, int64(len(snapshot.Events)))])
		if err != nil {
			w.t.Fatal(err)
		}
		_, err = w.journal.Post(w.t.Context(), d.Parent, saga.Message{
			Event: saga.Event{
				Kind: saga.KindChildFinished, Path: d.Path, Name: string(child.State), Data: child.Output, Error: child.Reason,
			},
			Dedupe: fmt.Sprintf("%s/%d/%d", d.Child, d.Seq, child.CompletedAt.UnixMicro()),
		})
		if err != nil && !errors.Is(err, saga.ErrFinished) {
			w.t.Fatal(err)
		}
		if err := w.journal.Delivered(w.t.Context(), d); err != nil {
			w.t.Fatal(err)
		}
	}
}

// settle delivers what is due until nothing is, for at most a day.
func (w *world) settle(ids ...string) {
	w.t.Helper()
	for end := time.Now().Add(24 * time.Hour); time.Now().Before(end); {
		next := time.Time{}
		for _, id := range ids {
			var parked *saga.ParkedError
			if err := w.deliver(id); errors.As(err, &parked) {
				at := parked.Due
				if at.IsZero() && parked.For > 0 {
					at = time.Now().Add(parked.For)
				}
				if !at.IsZero() && (next.IsZero() || at.Before(next)) {
					next = at
				}
			} else if err != nil {
				w.t.Fatal(err)
			}
		}
		if next.IsZero() {
			woken, err := w.journal.Woken(w.t.Context(), 10)
			if err != nil {
				w.t.Fatal(err)
			}
			if len(woken) == 0 {
				time.Sleep(200 * time.Millisecond) // virtual: lets wake marks age
				if woken, _ = w.journal.Woken(w.t.Context(), 10); len(woken) == 0 {
					return
				}
			}
			continue
		}
		time.Sleep(time.Until(next)) // virtual
	}
	w.t.Fatal("the tasks do not settle")
}

func (w *world) record(id string) *saga.Record {
	w.t.Helper()
	s, err := w.journal.Read(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := saga.Fold(s.Events)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) wantTrail(want string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if got := strings.Join(w.trail, ", "); got != want {
		w.t.Errorf("trail\n got %s\nwant %s", got, want)
	}
}

func (w *world) wantState(id string, want saga.State) *saga.Record {
	w.t.Helper()
	r := w.record(id)
	if r.State != want {
		w.t.Errorf("task %s is %s (%s), want %s", id, r.State, r.Reason, want)
	}
	return r
}

// step makes an activity that leaves a trail. Marks after the name say how it behaves:
//
//	!  fails for good        ?  fails once, then succeeds      ~  has no undo
//	=  has no effect         *  continues on error             x  its undo fails for good
//	#  is definitely refused -  definitely fails once (after ?), then succeeds
func (w *world) step(spec string) saga.Step {
	name := strings.TrimRight(spec, "!?~=*x#-")
	marks := spec[len(name):]
	has := func(mark string) bool { return strings.Contains(marks, mark) }
	failures := 0
	s := saga.Step{Kind: saga.KindActivity, Name: name, NoEffect: has("="), UndoRetry: saga.Retry{Attempts: 2}}
	s.Do = func(_ context.Context, c saga.Call, _ json.RawMessage) (json.RawMessage, error) {
		w.note("do %s", c.Path)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.keys = append(w.keys, c.Key)
		switch {
		case has("!"):
			return nil, saga.Permanent(errors.New("broken"))
		case has("#"):
			return nil, saga.Permanent(saga.Definite(errors.New("refused")))
		case has("?") && failures == 0:
			failures++
			return nil, errors.New("hiccup")
		case has("-") && failures == strings.Count(marks, "?"):
			failures++
			return nil, saga.Definite(errors.New("nobody was there"))
		}
		return json.Marshal(c.Path)
	}
	if !has("~") {
		s.Undo = func(_ context.Context, c saga.Call, _, _ json.RawMessage) error {
			w.note("undo %s", c.Path)
			if has("x") {
				return errors.New("undo broken")
			}
			return nil
		}
	}
	if has("*") {
		s.OnError = saga.ContinueOnError
	}
	return s
}

func (w *world) steps(specs string) []saga.Step {
	var list []saga.Step
	for spec := range strings.FieldsSeq(specs) {
		list = append(list, w.step(spec))
	}
	return list
}

func (w *world) flow(name string, root saga.Step) *saga.Workflow {
	f := &saga.Workflow{Name: name, Version: 1, Root: root}
	if err := f.Check(); err != nil {
		w.t.Fatal(err)
	}
	w.flows[name] = f
	return f
}
