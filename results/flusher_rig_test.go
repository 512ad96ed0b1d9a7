package results_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
)

// memory is a result store that notes each Save, and fails as it is told.
type memory struct {
	mu      sync.Mutex
	rows    map[string]saga.Task
	batches []string // the ids of each batch that was taken
	offered []int    // how many rows each batch had that was offered
	fail    func([]saga.Task) error
}

func (m *memory) Save(_ context.Context, rows []results.Row) ([]results.Saved, error) {
	tasks := make([]saga.Task, len(rows))
	for i, r := range rows {
		tasks[i] = r.Task
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.offered = append(m.offered, len(tasks))
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

// rig is a flusher at work in a bubble of virtual time.
type rig struct {
	*testing.T
	journal *storetest.Memory
	store   *memory
	flusher *results.Flusher
	log     *testenv.Log
	stop    func() // ends the flusher and waits for it
}

// flushing runs test beside a flusher that setup may change before it runs.
func flushing(t *testing.T, setup func(r *rig), test func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{
			T: t, journal: storetest.NewMemory(time.Now), store: &memory{rows: map[string]saga.Task{}}, log: &testenv.Log{},
		}
		r.flusher = results.NewFlusher(r.journal, r.store, slog.New(slog.NewTextHandler(r.log, nil)), time.Now)
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

func (r *rig) calls() int { return len(r.offered()) }

// offered tells how many rows each batch had that was offered to the store.
func (r *rig) offered() []int {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	return slices.Clone(r.store.offered)
}

// buried lists the ids of all dead letters.
func (r *rig) buried() string {
	r.Helper()
	letters, err := r.journal.DeadLetters(r.Context(), "", 100)
	if err != nil {
		r.Fatal(err)
	}
	var ids []string
	for _, l := range letters {
		ids = append(ids, l.ID)
	}
	return strings.Join(ids, " ")
}

// cancel has a task grow.
func (r *rig) cancel(id string) {
	r.Helper()
	if _, err := r.journal.Post(r.Context(), id, saga.Message{Event: saga.Event{Kind: saga.KindCancel}}); err != nil {
		r.Fatal(err)
	}
	r.flusher.Notify()
}

// end has a task complete.
func (r *rig) end(id string) {
	r.Helper()
	c, err := r.journal.Claim(r.Context(), id, "worker")
	if err != nil {
		r.Fatal(err)
	}
	done := saga.Batch{Read: int64(len(c.Events)), Decisions: []saga.Event{{Kind: saga.KindCompleted}}, Then: saga.Finish}
	if _, err := r.journal.Append(r.Context(), c.Lease, done); err != nil {
		r.Fatal(err)
	}
	r.flusher.Notify()
}

// logged counts the lines of the log that have a text in them.
func (r *rig) logged(text string) (lines int) {
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, text) {
			lines++
		}
	}
	return lines
}

func (r *rig) same(what string, got, want any) {
	r.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		r.Errorf("%s: got %v, want %v", what, got, want)
	}
}
