package saga_test

import (
	"context"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

// crashed is what a [dying] journal panics with: the worker is gone in the middle of a call.
type crashed struct{}

// surviving tells whether a worker died of what it did.
func surviving(work func() error) (err error, died bool) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(crashed); !ok {
				panic(p)
			}
			died = true
		}
	}()
	return work(), false
}

// dying is a journal that fails its runner now and then, in all the ways in which a network and a process can.
type dying struct {
	saga.RunnerJournal
	random *dice
	odds   int // one call in so many goes wrong
	post   func()

	mu   sync.Mutex
	away time.Time // until then nothing gets through
}

// fate decides what becomes of a call: made or not, and how it ends for the caller.
func (d *dying) fate(what string, call func() error) error {
	fate := d.random.of(what)
	time.Sleep(fate.upTo(time.Millisecond)) // each call takes its time, so that no two come at one moment
	if d.isAway() {
		time.Sleep(fate.upTo(time.Second))
		return saga.ErrUnavailable
	}
	if !fate.oneIn(d.odds) {
		return call()
	}
	switch fate.IntN(8) {
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
		d.goAway(fate.upTo(12 * time.Second))
		return saga.ErrUnavailable
	case 5: // slow there
		time.Sleep(fate.upTo(4 * time.Second))
		return call()
	case 6: // slow back
		err := call()
		time.Sleep(fate.upTo(4 * time.Second))
		return err
	}
	d.post()
	return call()
}

func (d *dying) isAway() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Now().Before(d.away)
}

func (d *dying) goAway(during time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.away = time.Now().Add(during)
}

func (d *dying) Claim(ctx context.Context, id, nonce string) (c saga.Claim, err error) {
	err = d.fate("claim "+id, func() error { c, err = d.RunnerJournal.Claim(ctx, id, nonce); return err })
	return c, err
}

func (d *dying) Open(ctx context.Context, id, nonce string, o saga.Opening) (c saga.Claim, err error) {
	err = d.fate("claim "+id, func() error { c, err = d.RunnerJournal.Open(ctx, id, nonce, o); return err })
	return c, err
}

func (d *dying) Renew(ctx context.Context, l saga.Lease) (r saga.Renewed, err error) {
	err = d.fate("renew "+l.ID, func() error { r, err = d.RunnerJournal.Renew(ctx, l); return err })
	return r, err
}

func (d *dying) Append(ctx context.Context, l saga.Lease, b saga.Batch) (a saga.Appended, err error) {
	err = d.fate("append "+l.ID, func() error { a, err = d.RunnerJournal.Append(ctx, l, b); return err })
	return a, err
}

func (d *dying) Release(ctx context.Context, l saga.Lease, due time.Time, wake bool) error {
	return d.fate("release "+l.ID, func() error { return d.RunnerJournal.Release(ctx, l, due, wake) })
}

func (d *dying) Read(ctx context.Context, id string) (s saga.Snapshot, err error) {
	err = d.fate("read "+id, func() error { s, err = d.RunnerJournal.Read(ctx, id); return err })
	return s, err
}
