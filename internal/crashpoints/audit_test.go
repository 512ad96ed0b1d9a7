package crashpoints

import (
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

// audit watches over leases from outside: who has which, and who writes.
type audit struct {
	w      *world
	mu     sync.Mutex
	leases map[string]held
}

type held struct {
	epoch int64
	until time.Time // zero: given back
}

// claim makes a claim. None may succeed while another lease is fresh.
func (a *audit) claim(id string, f func() (saga.Claim, error)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, err := f()
	if err != nil {
		return err
	}
	if old := a.leases[id]; old.until.After(time.Now()) {
		a.w.fail(doubled, "task %s is claimed although its lease lasts for another %v", id, time.Until(old.until))
	}
	a.leases[id] = held{c.Lease.Epoch, time.Now().Add(c.For)}
	return nil
}

func (a *audit) renew(l saga.Lease, f func() (saga.Renewed, error)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, err := f()
	if err == nil && a.current(l, "renews") {
		a.leases[l.ID] = held{l.Epoch, time.Now().Add(n.For)}
	}
	return err
}

func (a *audit) append(l saga.Lease, b saga.Batch, f func() (saga.Appended, error)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer, err := f()
	if err == nil && a.current(l, "writes") && answer.Decided && b.Then != saga.Continue {
		a.leases[l.ID] = held{epoch: l.Epoch}
	}
	return err
}

func (a *audit) release(l saga.Lease, f func() error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	err := f()
	if err == nil && a.leases[l.ID].epoch == l.Epoch { // of an overtaken runner it does nothing
		a.leases[l.ID] = held{epoch: l.Epoch}
	}
	return err
}

// current holds that a runner which was overtaken writes nothing.
func (a *audit) current(l saga.Lease, does string) bool {
	if now := a.leases[l.ID].epoch; now != l.Epoch {
		a.w.fail(doubled, "a runner of task %s %s, and another one has taken it over", l.ID, does)
		return false
	}
	return true
}
