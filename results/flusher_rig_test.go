package results_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
)

// memory is a result store that notes each Save, and fails as it is told.
type memory struct {
	mu      sync.Mutex
	rows    map[string]saga.Task
	batches []string // the ids of each batch that was taken
	calls   int      // batches that were offered
	fail    func([]saga.Task) error
}

func (m *memory) Save(_ context.Context, tasks []saga.Task) ([]results.Saved, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.fail != nil {
		if err := m.fail(tasks); err != nil {
			return nil, err
		}
	}
	var ids []string
	var saved []results.Saved
	for _, t := range tasks {
		if t.Version > m.rows[t.ID].Version {
			m.rows[t.ID] = t
		}
		ids = append(ids, t.ID)
		saved = append(saved, results.Saved{ID: t.ID, Version: m.rows[t.ID].Version})
	}
	m.batches = append(m.batches, strings.Join(ids, " "))
	return saved, nil
}

func (m *memory) failing(f func([]saga.Task) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = f
}

// letters notes what was refused.
type letters struct{ ids []string }

func (l *letters) Refused(_ context.Context, t saga.Task, _ error) { l.ids = append(l.ids, t.ID) }

// rig is a flusher at work in a bubble of virtual time.
type rig struct {
	*testing.T
	journal *storetest.Memory
	store   *memory
	flusher *results.Flusher
	letters *letters
	log     *bytes.Buffer
	stop    func() // ends the flusher and waits for it
}

// flushing runs test beside a flusher that setup may change before it runs.
func flushing(t *testing.T, setup func(r *rig), test func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{
			T: t, journal: storetest.NewMemory(time.Now), store: &memory{rows: map[string]saga.Task{}},
			letters: &letters{}, log: &bytes.Buffer{},
		}
		r.flusher = results.NewFlusher(r.journal, r.store, slog.New(slog.NewTextHandler(r.log, nil)))
		r.flusher.DeadLetters = r.letters
		r.flusher.Random = func() float64 { return 0 }
		if setup != nil {
			setup(r)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.flusher.Run(ctx)
		}()
		r.stop = func() { cancel(); <-done }
		synctest.Wait()
		test(r)
		r.stop()
	})
}

// start begins tasks and notifies the flusher.
func (r *rig) start(ids ...string) {
	r.Helper()
	r.begin(ids...)
	r.flusher.Notify()
}

// begin begins tasks and tells nobody.
func (r *rig) begin(ids ...string) {
	r.Helper()
	for _, id := range ids {
		_, err := r.journal.Start(r.Context(), saga.Start{Created: saga.Created{
			ID: id, Type: "order", Workflow: "order", Version: 1, TreeHash: "x", Input: json.RawMessage(`{}`),
			Owner: saga.NilOwner, Queue: "default", Hash: id,
		}})
		if err != nil {
			r.Fatal(err)
		}
	}
}

// after lets time pass until everybody is idle again.
func (r *rig) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *rig) batches() string {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	return strings.Join(r.store.batches, " | ")
}

func (r *rig) calls() int {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	return r.store.calls
}

func (r *rig) same(what string, got, want any) {
	r.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		r.Errorf("%s: got %v, want %v", what, got, want)
	}
}
