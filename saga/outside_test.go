package saga_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

// outside is what really happens out there, whatever the journal says.
type outside struct {
	t      *testing.T
	w      *world
	d      *dying
	random *dice
	built  *die            // decides what workflows look like
	doing  map[string]int  // calls of a do under way
	did    map[string]bool // a do was called
	undone map[string]bool // an undo was begun
	steps  int
	leaf   func() saga.Step // makes the activities of a tree
	began  time.Time
}

func newOutside(t *testing.T, random *dice) *outside {
	t.Helper()
	w := newWorld(t)
	o := &outside{
		t: t, w: w, d: &dying{RunnerJournal: w.journal, random: random}, random: random, built: random.of("workflows"),
		doing: map[string]int{}, did: map[string]bool{}, undone: map[string]bool{}, began: time.Now(),
	}
	o.leaf = o.activity
	o.d.odds = 4 + o.built.IntN(30)
	return o
}

// note adds a line to the trail.
func (o *outside) note(format string, args ...any) {
	o.w.note("%10.6f %s", time.Since(o.began).Seconds(), fmt.Sprintf(format, args...))
}

// tellOfFailure prints the trail if something was wrong.
func (o *outside) tellOfFailure() {
	if o.t.Failed() {
		o.t.Log(strings.Join(o.w.trail, "\n"))
	}
}

// stepOf names a step among those of all tasks.
func stepOf(c saga.Call) string { return c.Task.ID + " " + c.Path }

// dieOf is the die of a step's do, or of its undo.
func (o *outside) dieOf(c saga.Call) *die { return o.random.of(fmt.Sprint(stepOf(c), c.Undo)) }

// doBegins counts the calls of a do that are under way, until doEnds is called.
func (o *outside) doBegins(c saga.Call) {
	o.note("do %s", stepOf(c))
	o.w.mu.Lock()
	defer o.w.mu.Unlock()
	o.doing[stepOf(c)]++
}

func (o *outside) doEnds(c saga.Call) {
	o.w.mu.Lock()
	defer o.w.mu.Unlock()
	o.doing[stepOf(c)]--
}

// undoBegins wants no call of the do under way.
func (o *outside) undoBegins(c saga.Call) {
	o.note("undo %s", stepOf(c))
	o.w.mu.Lock()
	defer o.w.mu.Unlock()
	if o.doing[stepOf(c)] > 0 {
		o.t.Errorf("undo %s begins while its do is under way", stepOf(c))
	}
	o.undone[stepOf(c)] = true
}

// patient lets some time pass, unless the call is cancelled. No two calls return of it at one moment.
func (o *outside) patient(ctx context.Context, c saga.Call, takes time.Duration) error {
	select {
	case <-time.After(takes):
		return nil
	case <-ctx.Done():
		time.Sleep(o.dieOf(c).upTo(time.Millisecond))
		return ctx.Err()
	}
}

// deaf lets some time pass: it heeds its deadline, but not that it is cancelled.
func (o *outside) deaf(c saga.Call, takes time.Duration) {
	time.Sleep(min(takes, time.Until(c.Deadline)-o.dieOf(c).upTo(time.Millisecond)))
}

// bare makes an activity that does nothing yet.
func (o *outside) bare() saga.Step {
	o.steps++
	s := saga.Step{Kind: saga.KindActivity, Name: fmt.Sprintf("s%d", o.steps), UndoTimeout: 20 * time.Second}
	s.Timeout = o.built.seconds(2, 22)
	s.Retry.Attempts = 1 + o.built.IntN(3)
	if o.built.oneIn(6) {
		s.OnError = saga.ContinueOnError
	}
	return s
}

// tree makes a random tree of steps.
func (o *outside) tree(depth int) saga.Step {
	o.steps++
	name := fmt.Sprintf("n%d", o.steps)
	kind := o.built.IntN(9)
	if depth == 0 && kind < 4 {
		kind = 8
	}
	switch kind {
	case 0, 1:
		return saga.Sequence(o.trees(1+o.built.IntN(4), depth-1)...)
	case 2:
		return saga.Parallel(name, o.trees(2+o.built.IntN(2), depth-1)...)
	case 3:
		s := saga.Loop(name, func(saga.Scope) ([]int, error) { return []int{1, 2, 3}, nil }, o.tree(depth-1))
		s.Concurrency = 1 + o.built.IntN(3)
		return s
	case 4:
		yes := o.built.oneIn(2)
		return saga.Condition(name, func(saga.Scope) (bool, error) { return yes, nil }, o.leaf(), o.leaf())
	case 5:
		return saga.Timer(name, o.built.upTo(10*time.Second))
	case 6:
		return saga.Signal(name, "go", o.built.seconds(1, 31))
	}
	return o.leaf()
}

func (o *outside) trees(n, depth int) []saga.Step {
	list := make([]saga.Step, n)
	for i := range list {
		list[i] = o.tree(depth)
	}
	return list
}

// deliver is one delivery by a worker that may die of it, or stop. Nil: no opening is known.
func (o *outside) deliver(r *saga.Runner, id string, opening *saga.Opening) (err error, died bool) {
	ctx, cancel := context.WithCancel(o.t.Context())
	defer cancel()
	drain := make(chan struct{})
	r.Draining = drain
	delivery := o.random.of("delivery " + id)
	switch delivery.IntN(6) {
	case 0:
		time.AfterFunc(delivery.upTo(10*time.Second), cancel)
	case 1:
		defer time.AfterFunc(delivery.upTo(10*time.Second), func() { close(drain) }).Stop()
	}
	return surviving(func() error { return r.RunFrom(ctx, id, opening) })
}

// backwards wants the steps that were undone after some moment to be undone in the reverse order of their start.
func (o *outside) backwards(r *saga.Record, after time.Time) {
	var list []*saga.StepRecord
	for _, s := range r.Steps {
		if s.Undo.State == saga.AttemptDone && s.Do.State != saga.AttemptFailed && s.Undo.EndedAt.Time().After(after) { // continue undoes at once
			list = append(list, s)
		}
	}
	if r.State != saga.Completed && !slices.IsSortedFunc(list, func(a, b *saga.StepRecord) int {
		return cmp.Compare(b.Undo.EndedAt, a.Undo.EndedAt)
	}) {
		o.t.Errorf("steps were not undone in reverse order")
	}
}
