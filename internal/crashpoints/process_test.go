package crashpoints

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// process is one osp of the role all: everything in it dies at once, and nothing of it is known afterwards.
type process struct {
	w          *world
	n          int
	ctx        context.Context
	stop       context.CancelFunc
	once       sync.Once
	dead       chan struct{}
	catalogue  *tasks.Catalogue
	dispatcher *tasks.Dispatcher
	sweeper    *tasks.Sweeper
	flusher    *results.Flusher
	running    sync.WaitGroup
}

// boot starts a process.
func (w *world) boot() *process {
	p := &process{w: w, n: w.boots, dead: make(chan struct{})}
	w.boots++
	p.ctx, p.stop = context.WithCancel(context.WithoutCancel(w.t.Context()))
	p.catalogue = p.types()
	quiet := slog.New(slog.DiscardHandler)
	sweeper, flusher := p.actor("sweeper"), p.actor("flusher")
	p.flusher = results.NewFlusher(source{flusher}, saver{flusher}, quiet, time.Now)
	p.flusher.Random = func() float64 { return 0 }
	p.sweeper = tasks.NewSweeper(sweeping{sweeper}, waker{sweeper}, quiet, time.Now)
	p.dispatcher = p.dispatcherFor("client")
	p.spawn(func() { p.sweeper.Run(p.ctx) })
	p.spawn(func() { p.flusher.Run(p.ctx) })
	p.spawn(p.work)
	return p
}

func (p *process) dispatcherFor(who string) *tasks.Dispatcher {
	a := p.actor(who)
	return &tasks.Dispatcher{
		Catalogue: p.catalogue, Journal: steering{a, p.w.journal}, Queue: waker{a}, Rows: p.w.store,
		Queues: map[string]int{"default": 1}, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Changed: p.flusher.Notify, Nudge: p.sweeper.Nudge,
	}
}

func (p *process) spawn(f func()) { p.running.Go(f) }

// die ends the process: whoever of it comes to a place from now on goes no further.
func (p *process) die() {
	p.once.Do(func() {
		close(p.dead)
		p.stop()
	})
}

func (p *process) isDead() bool {
	select {
	case <-p.dead:
		return true
	default:
		return false
	}
}

// work takes deliveries until the process ends.
func (p *process) work() {
	for p.ctx.Err() == nil {
		id, ref, next := p.w.queue.take()
		if id != "" {
			p.spawn(func() { p.deliver(id, ref) })
			continue
		}
		timer := time.NewTimer(next)
		select {
		case <-p.w.queue.arrived:
		case <-timer.C:
		case <-p.ctx.Done():
		}
		timer.Stop()
	}
	p.w.queue.tell() // the next process looks
}

// deliver does what [tasks.Worker] does with a delivery of asynq.
func (p *process) deliver(id string, ref saga.Ref) {
	a := p.actor("delivery " + id)
	runner := &saga.Runner{
		Journal: running{a}, Workflows: p.catalogue, Children: p.dispatcherFor("family of " + ref.ID),
		Log: slog.New(slog.DiscardHandler), Now: time.Now, Random: func() float64 { return 0 },
		Nonce: p.w.nonce, Changed: p.flusher.Notify, Ended: func(saga.Created, saga.State) { p.sweeper.Nudge() },
	}
	err := runner.RunFrom(p.ctx, ref.ID, p.catalogue.Opening(ref.Type))
	parked, ok := errors.AsType[*saga.ParkedError](err)
	if !ok {
		_ = a.call("ack", func() error { p.w.queue.done(id); return nil })
		return
	}
	after := time.Duration(math.Ceil(parked.For.Seconds())) * time.Second
	if !parked.Now && parked.Due.IsZero() && parked.For == 0 {
		after = 24 * time.Hour
	}
	_ = a.call("park", func() error { p.w.queue.park(id, after); return nil })
	if parked.Now || !parked.Due.IsZero() {
		time.AfterFunc(max(parked.For, 5*time.Millisecond), func() {
			if !p.isDead() {
				_ = p.w.queue.run(id)
			}
		})
	}
}
