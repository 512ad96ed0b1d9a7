package saga_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
)

// dice are thrown by many goroutines.
type dice struct {
	mu     sync.Mutex
	source *rand.Rand
}

// IntN is at random, from 0 to n-1.
func (d *dice) IntN(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.source.IntN(n)
}

// crashed is what a [dying] journal panics with: the worker is gone in the middle of a call.
type crashed struct{}

// dying is a journal that fails its runner now and then, in all the ways in which a network and a process can.
type dying struct {
	saga.RunnerJournal
	random *dice
	away   time.Time // until then nothing gets through
	odds   int       // one call in so many goes wrong
	post   func()
}

// fate decides what becomes of a call: made or not, and how it ends for the caller.
func (d *dying) fate(call func() error) error {
	if time.Now().Before(d.away) {
		time.Sleep(time.Duration(d.random.IntN(1000)) * time.Millisecond)
		return saga.ErrUnavailable
	}
	if d.random.IntN(d.odds) > 0 {
		return call()
	}
	switch d.random.IntN(8) {
	case 0:
		panic(crashed{})
	case 1:
		_ = call()
		panic(crashed{})
	case 2:
		return saga.ErrUnavailable
	case 3: // the answer is lost
		_ = call()
		return saga.ErrUnavailable
	case 4: // the answer is lost, and nothing gets through for a while
		_ = call()
		d.away = time.Now().Add(time.Duration(d.random.IntN(12)) * time.Second)
		return saga.ErrUnavailable
	case 5: // slow there
		time.Sleep(time.Duration(d.random.IntN(4000)) * time.Millisecond)
		return call()
	case 6: // slow back
		err := call()
		time.Sleep(time.Duration(d.random.IntN(4000)) * time.Millisecond)
		return err
	}
	d.post()
	return call()
}

func (d *dying) Claim(ctx context.Context, id, nonce string) (c saga.Claim, err error) {
	err = d.fate(func() error { c, err = d.RunnerJournal.Claim(ctx, id, nonce); return err })
	return c, err
}

func (d *dying) Open(ctx context.Context, id, nonce string, o saga.Opening) (c saga.Claim, err error) {
	err = d.fate(func() error { c, err = d.RunnerJournal.Open(ctx, id, nonce, o); return err })
	return c, err
}

func (d *dying) Renew(ctx context.Context, l saga.Lease) (r saga.Renewed, err error) {
	err = d.fate(func() error { r, err = d.RunnerJournal.Renew(ctx, l); return err })
	return r, err
}

func (d *dying) Append(ctx context.Context, l saga.Lease, b saga.Batch) (a saga.Appended, err error) {
	err = d.fate(func() error { a, err = d.RunnerJournal.Append(ctx, l, b); return err })
	return a, err
}

func (d *dying) Release(ctx context.Context, l saga.Lease, due time.Time, wake bool) error {
	return d.fate(func() error { return d.RunnerJournal.Release(ctx, l, due, wake) })
}

func (d *dying) Read(ctx context.Context, id string) (s saga.Snapshot, err error) {
	err = d.fate(func() error { s, err = d.RunnerJournal.Read(ctx, id); return err })
	return s, err
}

// outside is what really happens out there, whatever the journal says.
type outside struct {
	t      *testing.T
	w      *world
	random *dice
	doing  map[string]int  // calls of a do under way
	did    map[string]bool // a do was called
	undone map[string]bool // an undo was begun
	steps  int
}

// activity makes a step that does something unforeseen.
func (o *outside) activity() saga.Step {
	o.steps++
	s := saga.Step{Kind: saga.KindActivity, Name: fmt.Sprintf("s%d", o.steps), UndoTimeout: 20 * time.Second}
	s.Timeout = time.Duration(2+o.random.IntN(20)) * time.Second
	s.Retry.Attempts = 1 + o.random.IntN(3)
	deaf, fails := o.random.IntN(3) == 0, o.random.IntN(8)
	if o.random.IntN(6) == 0 {
		s.OnError = saga.ContinueOnError
	}
	s.Do = func(ctx context.Context, c saga.Call, _ json.RawMessage) (json.RawMessage, error) {
		step := c.Task.ID + " " + c.Path
		o.w.mu.Lock()
		if o.undone[step] {
			o.t.Errorf("do %s begins after its undo", step)
		}
		o.did[step] = true
		o.doing[step]++
		takes := time.Duration(o.random.IntN(5000)) * time.Millisecond
		if o.random.IntN(5) == 0 {
			takes *= 5
		}
		verdict := o.random.IntN(8)
		o.w.mu.Unlock()
		o.w.note("do %s (%v)", step, takes)
		var err error
		if deaf { // it heeds its deadline, but not that it is cancelled
			time.Sleep(min(takes, time.Until(c.Deadline)))
		} else {
			select {
			case <-time.After(takes):
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		o.w.mu.Lock()
		defer o.w.mu.Unlock()
		o.doing[step]--
		o.w.trail = append(o.w.trail, fmt.Sprintf("did %s: %v", step, err))
		if o.undone[step] {
			o.t.Errorf("do %s ends after its undo began", step)
		}
		switch {
		case err != nil:
			return nil, err
		case verdict == 0:
			return nil, errors.New("hiccup")
		case verdict == 1 && fails == 0:
			return nil, saga.Permanent(errors.New("broken"))
		}
		return json.RawMessage(`1`), nil
	}
	s.Undo = func(ctx context.Context, c saga.Call, _, _ json.RawMessage) error {
		step := c.Task.ID + " " + c.Path
		o.w.note("undo %s", step)
		o.w.mu.Lock()
		if o.doing[step] > 0 {
			o.t.Errorf("undo %s begins while its do is under way", step)
		}
		o.undone[step] = true
		verdict, takes := o.random.IntN(8), time.Duration(o.random.IntN(3000))*time.Millisecond
		o.w.mu.Unlock()
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return ctx.Err()
		}
		if verdict == 0 {
			return errors.New("hiccup")
		}
		return nil
	}
	return s
}

// tree makes a random tree of steps.
func (o *outside) tree(depth int) saga.Step {
	o.steps++
	name := fmt.Sprintf("n%d", o.steps)
	kind := o.random.IntN(9)
	if depth == 0 && kind < 4 {
		kind = 8
	}
	switch kind {
	case 0, 1:
		list := make([]saga.Step, 1+o.random.IntN(4))
		for i := range list {
			list[i] = o.tree(depth - 1)
		}
		return saga.Sequence(list...)
	case 2:
		list := make([]saga.Step, 2+o.random.IntN(2))
		for i := range list {
			list[i] = o.tree(depth - 1)
		}
		return saga.Parallel(name, list...)
	case 3:
		s := saga.Loop(name, func(saga.Scope) ([]int, error) { return []int{1, 2, 3}, nil }, o.tree(depth-1))
		s.Concurrency = 1 + o.random.IntN(3)
		return s
	case 4:
		yes := o.random.IntN(2) == 0
		return saga.Condition(name, func(saga.Scope) (bool, error) { return yes, nil }, o.activity(), o.activity())
	case 5:
		return saga.Timer(name, time.Duration(o.random.IntN(10_000))*time.Millisecond)
	case 6:
		return saga.Signal(name, "go", time.Duration(1+o.random.IntN(30))*time.Second)
	}
	return o.activity()
}

// check holds the journal to what happened.
func (o *outside) check(r *saga.Record) {
	o.w.mu.Lock()
	defer o.w.mu.Unlock()
	if !r.State.Finished() && r.State != saga.Stuck {
		o.t.Errorf("the task is %s", r.State)
		return
	}
	for path, calls := range o.doing {
		if calls > 0 {
			o.t.Errorf("do %s is under way after the end", path)
		}
	}
	for step := range o.did {
		id, path, _ := strings.Cut(step, " ")
		if id != r.Created.ID {
			continue
		}
		s := r.Step(path)
		if s == nil {
			o.t.Errorf("do %s was called, and the journal does not know it", path)
		} else if r.State != saga.Completed && r.State != saga.Stuck && s.Undo.State != saga.AttemptDone {
			o.t.Errorf("step %s began and was not undone: %+v", path, *s)
		} else if r.State == saga.Completed && s.Do.State != saga.AttemptDone && s.Undo.State != saga.AttemptDone {
			o.t.Errorf("the task is completed, step %s is not: %+v", path, *s)
		}
	}
	if r.State == saga.Completed {
		return
	}
	// In the undo phase steps are undone in the reverse order of their start.
	var list []*saga.StepRecord
	for _, s := range r.Steps {
		if s.Undo.State == saga.AttemptDone && s.Do.State != saga.AttemptFailed { // continue undoes at once
			list = append(list, s)
		}
	}
	if !slices.IsSortedFunc(list, func(a, b *saga.StepRecord) int {
		return cmp.Compare(b.Undo.EndedAt.UnixMicro(), a.Undo.EndedAt.UnixMicro())
	}) {
		o.t.Errorf("steps were not undone in reverse order")
	}
}

// deliver is one delivery by a worker that may die of it.
func (o *outside) deliver(r *saga.Runner, id string) (err error, died bool) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(crashed); !ok {
				panic(p)
			}
			died = true
		}
	}()
	ctx, cancel := context.WithCancel(o.t.Context())
	defer cancel()
	drain := make(chan struct{})
	r.Draining = drain
	switch o.random.IntN(6) {
	case 0:
		time.AfterFunc(time.Duration(o.random.IntN(10_000))*time.Millisecond, cancel)
	case 1:
		defer time.AfterFunc(time.Duration(o.random.IntN(10_000))*time.Millisecond, func() { close(drain) }).Stop()
	}
	return r.RunFrom(ctx, id, o.w.flows[o.w.record(id).Created.Type].Opening()), false
}

func (o *outside) carryOn(d *dying) {
	for i := range 2000 {
		r := o.w.newRunner()
		nonce := fmt.Sprint("n", i)
		r.Nonce = func() string { return nonce }
		r.Journal = d
		err, died := o.deliver(r, "t")
		var parked *saga.ParkedError
		switch {
		case died:
			o.w.note("crash")
			time.Sleep(6 * time.Second)
		case err == nil:
			return
		case !errors.As(err, &parked):
			o.t.Fatalf("%v", err)
		case parked.Now:
		case parked.Due.IsZero() && parked.For == 0:
			if s := o.w.record("t").State; s == saga.Stuck {
				return
			}
			time.Sleep(time.Second)
		default:
			time.Sleep(max(parked.For, time.Duration(o.random.IntN(1000))*time.Millisecond))
		}
	}
	o.t.Errorf("the task does not end")
}

func TestCrashesAnywhere(t *testing.T) {
	const seeds = 500
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := &dice{source: rand.New(rand.NewPCG(seed, 7))}
				w := newWorld(t)
				o := &outside{t: t, w: w, random: random, doing: map[string]int{}, did: map[string]bool{}, undone: map[string]bool{}}
				d := &dying{RunnerJournal: w.journal, random: random, odds: 4 + random.IntN(30)}
				d.post = func() {
					e := saga.Event{Kind: saga.KindSignal, Name: "go"}
					if random.IntN(5) == 0 {
						e = saga.Event{Kind: saga.KindCancel}
					}
					_, _ = w.journal.Post(context.WithoutCancel(t.Context()), "t", saga.Message{Event: e})
				}
				w.start("t", w.flow("flow", saga.Sequence(o.tree(2), o.tree(2), o.activity(), o.activity())))
				o.carryOn(d)
				time.Sleep(time.Minute) // what ignores its context ends
				o.check(w.record("t"))
				if t.Failed() {
					t.Log(strings.Join(w.trail, "\n"))
				}
			})
		})
	}
}

// kin starts and undoes children as a dispatcher does, over a journal that fails.
type kin struct {
	o *outside
	d *dying
}

// StartChild implements [saga.Children].
func (k kin) StartChild(ctx context.Context, parent saga.Created, path, id string, t saga.ChildTask) error {
	return k.d.fate(func() error { return k.o.w.StartChild(ctx, parent, path, id, t) })
}

// UndoChild implements [saga.Children].
func (k kin) UndoChild(ctx context.Context, parent saga.Created, path, id string, t saga.ChildTask) error {
	return k.d.fate(func() error {
		if _, err := k.o.w.journal.Read(ctx, id); errors.Is(err, saga.ErrNotFound) {
			if err := k.o.w.StartChild(ctx, parent, path, id, t); err != nil {
				return err
			}
		}
		return k.o.w.UndoChild(ctx, parent, path, id, t)
	})
}

// carryOnAll carries a family on until nobody has anything to do.
func (o *outside) carryOnAll(d *dying) []string {
	for i := range 5000 {
		ids := []string{"t"}
		for _, id := range o.w.record("t").Children() {
			if _, err := o.w.journal.Read(o.t.Context(), id); err == nil {
				ids = append(ids, id)
			}
		}
		busy, stuck := false, false
		for _, id := range ids {
			r := o.w.newRunner()
			r.Nonce = func() string { return fmt.Sprint("n", i, id) }
			r.Journal, r.Children = d, kin{o, d}
			o.w.runner = r
			err, died := o.deliver(r, id)
			busy = busy || died || err != nil
			stuck = stuck || o.w.record(id).State == saga.Stuck
		}
		if !busy || stuck {
			return ids
		}
		o.w.runner = o.w.newRunner()
		o.w.outbox()
		time.Sleep(time.Duration(o.random.IntN(1500)) * time.Millisecond)
	}
	o.t.Errorf("the tasks do not end")
	return nil
}

func TestCrashesInFamilies(t *testing.T) {
	const seeds = 500
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				random := &dice{source: rand.New(rand.NewPCG(seed, 8))}
				o := &outside{t: t, w: w, random: random, doing: map[string]int{}, did: map[string]bool{}, undone: map[string]bool{}}
				d := &dying{RunnerJournal: w.journal, random: random, odds: 4 + random.IntN(30)}
				var ids []string
				d.post = func() {
					id := "t"
					if kids := w.record("t").Children(); len(kids) > 0 && random.IntN(2) == 0 {
						id = kids[0]
					}
					_, _ = w.journal.Post(context.WithoutCancel(t.Context()), id, saga.Message{
						Event: saga.Event{Kind: saga.KindCancel}, Dedupe: fmt.Sprint(random.IntN(3)),
					})
				}
				w.flow("kid", saga.Sequence(o.tree(1), o.activity()))
				none := func(saga.Scope) (json.RawMessage, error) { return nil, nil }
				kid := saga.Child("c", "kid", none)
				w.start("t", w.flow("flow", saga.Sequence(o.activity(), saga.Parallel("p", saga.Sequence(kid, o.activity()), o.tree(1)), o.activity())))
				ids = o.carryOnAll(d)
				time.Sleep(time.Minute)
				family, stuck := map[string]*saga.Record{}, false
				for _, id := range ids {
					family[id] = w.record(id)
					stuck = stuck || family[id].State == saga.Stuck
				}
				if !stuck {
					for id, r := range family {
						o.check(r)
						if id == "t" || !r.State.Finished() {
							continue
						}
						if parent := family["t"].State; (parent == saga.Completed) != (r.State == saga.Completed) {
							t.Errorf("the parent is %s, the child %s", parent, r.State)
						}
					}
				}
				if t.Failed() {
					t.Log(strings.Join(w.trail, "\n"))
				}
			})
		})
	}
}
