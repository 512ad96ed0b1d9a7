package results_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

// restorer notes which tasks it was asked for, and fails as it is told.
type restorer struct {
	mu    sync.Mutex
	asked []string
	fails []error
}

func (r *restorer) Restore(_ context.Context, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, id)
	if len(r.fails) == 0 {
		return nil
	}
	err := r.fails[0]
	r.fails = r.fails[1:]
	return err
}

// A recovery may have looked at the store between the loss and the write: nobody else would find these tasks.
func TestWhatIsLostWhileItsRowIsWrittenIsRestored(t *testing.T) {
	for name, c := range map[string]struct {
		fails []error
		want  string
	}{
		"at once":                    {nil, "a"},
		"when there is an answer":    {[]error{saga.ErrUnavailable, saga.ErrUnavailable}, "a a a"},
		"unless nothing is kept":     {[]error{saga.ErrNotFound}, "a"},
		"unless it cannot be read":   {[]error{errors.New("event 3 is broken")}, "a"},
		"but not by another release": {[]error{saga.ErrUnknownEvent}, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			made := &restorer{fails: c.fails}
			flushing(t, func(r *rig) { r.flusher.Restorer = made }, func(r *rig) {
				r.store.failing(func([]saga.Task) error {
					r.journal.Lose()
					return nil
				})
				r.start("a")
				r.after(time.Minute)
				r.same("written", r.batches(), "a")
				r.same("asked to be restored", strings.Join(made.asked, " "), c.want)
			})
		})
	}
}

func TestWhatIsThereOrHasEndedIsNotRestored(t *testing.T) {
	made := &restorer{}
	flushing(t, func(r *rig) { r.flusher.Restorer = made }, func(r *rig) {
		r.start("there")
		r.after(time.Minute)
		r.start("ended")
		r.after(time.Minute)
		r.store.failing(func([]saga.Task) error {
			r.journal.Lose()
			return nil
		})
		r.end("ended")
		r.after(time.Minute)
		r.same("written", r.batches(), "there | ended | ended")
		r.same("asked to be restored", strings.Join(made.asked, " "), "")
	})
}
