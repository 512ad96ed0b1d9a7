package crashpoints

import (
	"context"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// client is who wants a scenario's task carried out. It sends a request again only when the process died and the
// journal does not have it: what was written is accepted, whoever was told.
type client struct{ w *world }

func (c *client) start(change ...func(*saga.Request)) {
	r := saga.Request{ID: root, Type: root}
	for _, f := range change {
		f(&r)
	}
	c.insist(func(ctx context.Context, d *tasks.Dispatcher) { _, _, _ = d.Start(ctx, r) }, func() bool { return c.w.record(root) != nil })
}

func (c *client) signal(name string) {
	c.insist(func(ctx context.Context, d *tasks.Dispatcher) {
		_ = d.Signal(ctx, root, saga.SignalRequest{Name: name, Dedupe: "once"})
	}, c.took(saga.KindSignal))
}

func (c *client) cancel() {
	c.insist(func(ctx context.Context, d *tasks.Dispatcher) { _, _ = d.Cancel(ctx, root, "", "") }, c.took(saga.KindCancel))
}

// resolve waits until the task is stuck, and says what is to become of the step.
func (c *client) resolve(step string, action saga.ResolveAction) {
	if !c.until(func() bool { return c.w.state(root) == saga.Stuck }) {
		return
	}
	c.w.effects.mend()
	c.insist(func(ctx context.Context, d *tasks.Dispatcher) {
		_, _ = d.Resolve(ctx, root, saga.Resolution{Step: step, Action: action})
	}, c.took(saga.KindResolved))
}

// took tells whether the task has an event of a kind, or has ended and takes no more.
func (c *client) took(kind saga.EventKind) func() bool {
	return func() bool {
		s, err := c.w.journal.Read(c.w.t.Context(), root)
		if err != nil {
			return false
		}
		for _, e := range s.Events {
			if e.Kind == kind || e.Kind.Terminal() {
				return true
			}
		}
		return false
	}
}

// insist makes a request to the process of the moment, and to the next one if that dies of it.
func (c *client) insist(request func(context.Context, *tasks.Dispatcher), accepted func() bool) {
	c.until(func() bool {
		p := c.w.alive()
		ended := make(chan struct{})
		p.spawn(func() {
			defer close(ended)
			request(p.ctx, p.dispatcher)
		})
		<-ended
		return accepted()
	})
}

// until asks until the answer is yes; no is the answer when the run is over.
func (c *client) until(ask func() bool) bool {
	for !c.isOver() {
		if ask() {
			return true
		}
		time.Sleep(100 * time.Millisecond)
	}
	return false
}

func (c *client) isOver() bool {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return c.w.over
}

// wait lets time pass.
func (c *client) wait(d time.Duration) { time.Sleep(d) }
