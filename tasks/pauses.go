package tasks

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/osp-platform/osp/saga"
)

// PauseJournal keeps the pauses, and who waits for their end.
type PauseJournal interface {
	Pauses(ctx context.Context) ([]saga.Pause, error)
	Park(ctx context.Context, id string, k saga.PauseKey) error
	// Parked tells for the end of which pauses somebody waits. Unpark leaves wake marks for some of those, and tells whether
	// there are more.
	Parked(ctx context.Context) ([]saga.PauseKey, error)
	Unpark(ctx context.Context, k saga.PauseKey, limit int) (marked int, more bool, err error)
}

// Pauses knows what is paused, as of a second ago. It is a [saga.Pauser]. What a process has not heard of yet it begins.
type Pauses struct {
	Journal PauseJournal
	Log     *slog.Logger
	Nudge   func() // there are wake marks to be swept

	known atomic.Pointer[[]saga.PauseKey]
	looks int  // of sweeps
	wake  bool // a pause was found gone, or more are to be woken: the next sweep does it
}

const (
	lookEvery  = time.Second // at the pauses
	unparkWait = 200 * time.Millisecond
	// unparkLimit is how many tasks go on at once when a pause is over: a process sweeps so many.
	unparkLimit = sweepLimit
)

// Paused implements [saga.Pauser].
func (p *Pauses) Paused(c saga.Created) bool {
	_, paused := p.holds(c)
	return paused
}

// holds returns a pause that holds a task.
func (p *Pauses) holds(c saga.Created) (saga.PauseKey, bool) {
	known := p.keys()
	if len(known) == 0 { // as good as always
		return saga.PauseKey{}, false
	}
	for _, k := range c.PauseKeys() {
		if slices.Contains(known, k) {
			return k, true
		}
	}
	return saga.PauseKey{}, false
}

func (p *Pauses) keys() []saga.PauseKey {
	if known := p.known.Load(); known != nil {
		return *known
	}
	return nil
}

// Park implements [saga.Pauser]. Of a task under two pauses it notes one: when that is over, it parks under the other.
func (p *Pauses) Park(ctx context.Context, c saga.Created) error {
	k, paused := p.holds(c)
	if !paused { // just over: it is woken at the next sweep
		k = c.PauseKeys()[0]
	}
	return p.Journal.Park(ctx, c.ID, k)
}

// Opening is what tasks of a type begin with, where that may be recorded before anybody has looked for pauses. Nothing tells
// yet of which service and queue the task is.
func (p *Pauses) Opening(opening func(typeName string) *saga.Opening) func(typeName string) *saga.Opening {
	return func(typeName string) *saga.Opening {
		for _, k := range p.keys() {
			if k.Kind != saga.PauseType || k.Name == typeName {
				return nil
			}
		}
		return opening(typeName)
	}
}

// Look reads what is paused now.
func (p *Pauses) Look(ctx context.Context) error {
	list, err := p.Journal.Pauses(ctx)
	if err != nil {
		return err
	}
	keys := make([]saga.PauseKey, len(list))
	for i := range list {
		keys[i] = list[i].PauseKey
	}
	p.known.Store(&keys)
	return nil
}

// Run looks every second what is paused, and wakes what waited for the end of a pause, until ctx ends.
func (p *Pauses) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		more, err := p.Sweep(ctx)
		if err != nil && ctx.Err() == nil {
			p.Log.WarnContext(ctx, "it is not known what is paused, trying again", "error", err)
		}
		if more && err == nil {
			timer.Reset(unparkWait)
			continue
		}
		timer.Reset(lookEvery)
	}
}

// Sweep looks once, and tells whether more wait to be woken. The tasks of a pause that is over are woken at the look after the
// one that found it gone, for then other workers know it too, and then every five seconds, for those that one of them has parked
// all the same.
func (p *Pauses) Sweep(ctx context.Context) (more bool, err error) {
	before := p.keys()
	if err := p.Look(ctx); err != nil {
		return false, err
	}
	due := p.wake || p.looks%int(sweepEvery/lookEvery) == 0
	p.looks++
	p.wake = slices.ContainsFunc(before, func(k saga.PauseKey) bool { return !slices.Contains(p.keys(), k) })
	if !due {
		return false, nil
	}
	parked, err := p.Journal.Parked(ctx)
	var errs []error
	for _, k := range parked {
		if slices.Contains(p.keys(), k) || slices.Contains(before, k) {
			continue
		}
		marked, rest, err := p.Journal.Unpark(ctx, k, unparkLimit)
		if marked > 0 {
			p.Nudge()
		}
		more, errs = more || rest, append(errs, err)
	}
	p.wake = p.wake || more
	return more, errors.Join(append(errs, err)...)
}
