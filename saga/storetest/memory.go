package storetest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Options are the settings that matter to the suite. Zero values mean the defaults.
type Options struct {
	LeaseTTL          time.Duration // how long a claim or a renewal holds a task; 5 s
	KeepFinished      time.Duration // how long a finished task's journal is kept once its row is written; 24 h
	IdempotencyWindow time.Duration // how much longer its id stays taken; 24 h
}

func (o Options) withDefaults() Options {
	o.LeaseTTL = cmp.Or(o.LeaseTTL, 5*time.Second)
	o.KeepFinished = cmp.Or(o.KeepFinished, 24*time.Hour)
	o.IdempotencyWindow = cmp.Or(o.IdempotencyWindow, 24*time.Hour)
	return o
}

// Delays that every journal has in common.
const (
	dueSlack  = 2 * time.Second        // how long after its due time an open task counts as overdue
	wakeAge   = 100 * time.Millisecond // how old a wake mark is before it is swept
	hold      = 10 * time.Second       // how long a task that was handed out is not handed out again
	farFuture = int64(math.MaxInt64)
)

// Memory is a [saga.Journal] in memory. It forgets everything when the process ends, so it is for tests.
type Memory struct {
	o   Options
	now func() time.Time

	mu         sync.Mutex
	tasks      map[string]*entry
	tombstones map[string]tombstone
	open       index // when to look
	wake       index // when it was marked
	dirty      index // when it may be taken
	outbox     map[string]saga.Delivery
	lives      int // how often it was lost
	whole      bool
	watchers   map[string]map[chan struct{}]struct{}
}

var _ saga.Journal = (*Memory)(nil)

// entry is what a journal knows about one task. Moments are in microseconds.
type entry struct {
	id      string
	events  [][]byte // as they would be stored
	bytes   int64
	created saga.Created

	epoch    int64
	nonce    string
	lease    int64 // until when; 0 when released
	seen     int64 // events that the holder of the lease has read
	last     string
	answer   saga.Appended // to the append that last names
	version  int64
	due      int64
	finished saga.EventKind
	reopened int64 // sequence number of the event that did; 0
	dedupe   map[string]int64
	children bool
	released bool
	dead     *saga.DeadLetter // nil: none
	expires  int64
}

type tombstone struct {
	hash    string
	expires int64
}

// NewMemory returns an empty journal whose clock is now. At most one Options may be given.
func NewMemory(now func() time.Time, o ...Options) *Memory {
	return &Memory{
		o: append(o, Options{})[0].withDefaults(), now: now,
		tasks: map[string]*entry{}, tombstones: map[string]tombstone{},
		open: index{}, wake: index{}, dirty: index{},
		outbox: map[string]saga.Delivery{}, watchers: map[string]map[chan struct{}]struct{}{},
	}
}

// begin locks the journal, drops what has expired and returns the time.
func (m *Memory) begin() (now int64, unlock func()) {
	m.mu.Lock()
	now = m.now().UnixMicro()
	for id, e := range m.tasks {
		if e.expires != 0 && e.expires <= now {
			delete(m.tasks, id)
		}
	}
	for id, stone := range m.tombstones {
		if stone.expires <= now {
			delete(m.tombstones, id)
		}
	}
	return now, m.mu.Unlock
}

// find returns the task, or why there is none.
func (m *Memory) find(id string) (*entry, error) {
	if e := m.tasks[id]; e != nil {
		return e, nil
	}
	if _, ok := m.tombstones[id]; ok {
		return nil, fmt.Errorf("task %s: %w", id, saga.ErrFinished)
	}
	return nil, fmt.Errorf("task %s: %w", id, saga.ErrNotFound)
}

// ref is what is needed to wake the task now.
func (e *entry) ref() saga.Ref {
	return saga.Ref{ID: e.id, Type: e.created.Type, Queue: e.created.Queue, Epoch: e.epoch}
}

// dueRef is what is needed to wake the task when it is due.
func (e *entry) dueRef() saga.Ref {
	r := e.ref()
	r.Due = saga.Micros(e.due).Time()
	return r
}

// decode returns the events from the n'th on, counted from 0, up to but not including the end'th.
func (e *entry) decode(n, end int64) ([]saga.Event, error) {
	events := make([]saga.Event, 0, end-n)
	for _, stored := range e.events[n:end] {
		event, err := saga.Decode(string(stored))
		if err != nil {
			return nil, fmt.Errorf("task %s: %w", e.id, err)
		}
		events = append(events, event)
	}
	return events, nil
}

func (e *entry) length() int64 { return int64(len(e.events)) }

// Start implements [saga.Journal].
func (m *Memory) Start(_ context.Context, s saga.Start) (saga.Started, error) {
	c := s.Created
	if !saga.ValidID(c.ID) {
		return saga.Started{}, fmt.Errorf("start task %q: the id is not valid", c.ID)
	}
	if len(c.Input) > saga.MaxInput {
		return saga.Started{}, fmt.Errorf("start task %s: input: %w", c.ID, saga.ErrTooLarge)
	}
	body, err := saga.Encode(c.Begins())
	if err != nil {
		return saga.Started{}, err
	}
	now, unlock := m.begin()
	defer unlock()
	hash, there, started := m.existing(c.ID)
	switch {
	case there && hash != c.Hash:
		return saga.Started{}, fmt.Errorf("start task %s: %w", c.ID, saga.ErrConflict)
	case there:
		return started, nil
	case s.Given && !m.whole:
		return saga.Started{}, fmt.Errorf("start task %s: %w", c.ID, saga.ErrIncomplete)
	}
	e := &entry{id: c.ID, created: c, due: int64(c.ProcessAt), dedupe: map[string]int64{}}
	m.tasks[c.ID] = e
	m.open[c.ID] = max(int64(c.ProcessAt), now) + dueSlack.Microseconds()
	m.write(e, now, body)
	return saga.Started{Ref: e.dueRef(), New: true, At: saga.Micros(now).Time()}, nil
}

// existing returns the request's hash of the task that has this id already, and what Start answers.
func (m *Memory) existing(id string) (hash string, ok bool, s saga.Started) {
	if e := m.tasks[id]; e != nil {
		return e.created.Hash, true, saga.Started{Ref: e.dueRef(), Finished: e.finished != ""}
	}
	stone, ok := m.tombstones[id]
	return stone.hash, ok, saga.Started{Ref: saga.Ref{ID: id}, Finished: true}
}

// write appends bodies, raises the version, marks the task dirty and tells the watchers.
func (m *Memory) write(e *entry, now int64, bodies ...[]byte) {
	if len(bodies) == 0 {
		return
	}
	for _, body := range bodies {
		stored := append([]byte(saga.Header(e.length()+1, time.UnixMicro(now))), body...)
		e.events = append(e.events, stored)
		e.bytes += int64(len(stored))
	}
	e.version = max(e.version+1, now)
	if _, ok := m.dirty[e.id]; !ok {
		m.dirty[e.id] = now
	}
	for c := range m.watchers[e.id] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Read implements [saga.Journal].
func (m *Memory) Read(_ context.Context, id string) (saga.Snapshot, error) {
	_, unlock := m.begin()
	defer unlock()
	e := m.tasks[id]
	if e == nil {
		return saga.Snapshot{}, fmt.Errorf("read task %s: %w", id, saga.ErrNotFound)
	}
	return e.snapshot()
}

func (e *entry) snapshot() (saga.Snapshot, error) {
	events, err := e.decode(0, e.length())
	stored := make([]string, len(e.events))
	for i := range stored {
		stored[i] = string(e.events[i])
	}
	return saga.Snapshot{
		Ref: e.dueRef(), Events: events, Stored: stored, Version: e.version, Finished: e.finished != "",
	}, err
}

// Watch implements [saga.Journal].
func (m *Memory) Watch(ctx context.Context, id string) (<-chan struct{}, error) {
	_, unlock := m.begin()
	defer unlock()
	c := make(chan struct{}, 1)
	if m.watchers[id] == nil {
		m.watchers[id] = map[chan struct{}]struct{}{}
	}
	m.watchers[id][c] = struct{}{}
	context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if delete(m.watchers[id], c); len(m.watchers[id]) == 0 {
			delete(m.watchers, id)
		}
	})
	return c, nil
}

// Truncate takes a task's journal back to its first n events, as a failover to a replica that lags behind may do.
func (m *Memory) Truncate(id string, n int64) {
	_, unlock := m.begin()
	defer unlock()
	e := m.tasks[id]
	e.events = e.events[:n]
	e.bytes = 0
	for _, stored := range e.events {
		e.bytes += int64(len(stored))
	}
}

// index is a set of tasks sorted by a moment.
type index map[string]int64

// until returns up to limit ids whose moment is not after now, the earliest first.
func (x index) until(now int64, limit int) []string {
	var ids []string
	for id, at := range x {
		if at <= now {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(x[a], x[b]), cmp.Compare(a, b)) })
	return ids[:min(max(limit, 0), len(ids))]
}
