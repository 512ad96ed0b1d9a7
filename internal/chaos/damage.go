package main

import (
	"context"
	"sync"
	"syscall"
	"time"
)

// stopWithin is how long a graceful stop may take: OSP_SHUTDOWN_TIMEOUT and the 7 s that the documentation asks for, and
// as long as a pause may come in between.
const stopWithin = 8*time.Second + 7*time.Second + 11*time.Second

// damage does what the schedule says, and counts what it did.
type damage struct {
	world *world

	mu    sync.Mutex
	did   map[faultKind]int
	stops []time.Duration // how long graceful stops took
	found findings
}

// run carries out the faults, each at its time, and returns when the last one is over.
func (d *damage) run(ctx context.Context, faults []fault) {
	var all sync.WaitGroup
	for _, f := range faults {
		if !wait(ctx, f.At-d.world.history.now()) {
			break
		}
		all.Go(func() { d.do(ctx, f) })
	}
	all.Wait()
}

// wait waits for a while, and tells whether the run goes on.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (d *damage) do(ctx context.Context, f fault) {
	w := d.world
	switch f.Kind {
	case faultKill:
		d.kill(ctx, w.party(f.Target), f)
	case faultPause:
		if p, ok := w.party(f.Target).signal(syscall.SIGSTOP); ok {
			d.note(f)
			wait(ctx, f.Lasts)
			_ = p.Signal(syscall.SIGCONT)
		}
	case faultTerminate:
		d.terminate(ctx, w.party(f.Target), f)
	case faultRedisKill:
		d.note(f)
		w.redis.Kill()
		wait(ctx, f.Lasts)
		w.redis.Start()
	case faultRedisPause:
		d.note(f)
		w.redis.Pause()
		wait(ctx, f.Lasts)
		w.redis.Resume()
	case faultREST:
		d.note(f)
		w.supabase.StopREST()
		wait(ctx, f.Lasts)
		w.supabase.StartREST(w.t)
	case faultCut, faultSlow, faultStall:
		d.link(ctx, w.links[f.Target], f)
	}
}

func (d *damage) link(ctx context.Context, l *link, f fault) {
	d.note(f)
	switch f.Kind {
	case faultCut:
		l.sever()
	case faultSlow:
		l.slow(f.Delay)
	default:
		l.stall()
	}
	wait(ctx, f.Lasts)
	l.mend()
}

// kill is kill -9, and a start some time later.
func (d *damage) kill(ctx context.Context, p *process, f fault) {
	p.hold()
	defer d.release(p)
	p.kill(func() { d.note(f) })
	wait(ctx, f.Lasts)
}

// terminate is a stop in good order, which must be one.
func (d *damage) terminate(ctx context.Context, p *process, f fault) {
	p.hold()
	defer d.release(p)
	d.note(f)
	began := time.Now()
	code, stopped := p.terminate(stopWithin)
	took := time.Since(began)
	d.mu.Lock()
	switch {
	case !stopped:
		d.found.add(wrongElse, "", "%s did not stop within %v of SIGTERM", p.name, stopWithin)
	case code > 0:
		d.found.add(wrongElse, "", "%s ended with exit code %d after SIGTERM", p.name, code)
	default:
		d.stops = append(d.stops, took)
	}
	d.mu.Unlock()
	wait(ctx, f.Lasts)
}

func (d *damage) release(p *process) {
	if err := p.release(); err != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.found.add(wrongElse, "", "%v", err)
	}
}

// note tells of a fault.
func (d *damage) note(f fault) {
	d.mu.Lock()
	d.did[f.Kind]++
	d.mu.Unlock()
	d.world.history.note(event{What: seenFault, Target: f.Target, Step: string(f.Kind)})
	d.world.say("%s", f)
}
