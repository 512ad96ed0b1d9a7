package crashpoints

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
)

// root is the task that a scenario's client starts.
const root = "t"

// How long the journal keeps what has ended, and how long a run may take.
const (
	keep     = time.Hour
	window   = 2 * time.Hour
	patience = 4 * time.Minute
)

// ledger is a journal that a run takes place on, and what it still holds.
type ledger interface {
	saga.Journal
	// Left lists what the journal holds: "journal t", "dirty t" and the like.
	Left() []string
}

// world is one run of a scenario: all that outlives a process, and the process that is alive now.
type world struct {
	t       *testing.T
	journal ledger
	queue   *queue
	store   *store
	effects *effects
	audit   *audit
	s       scenario

	mu      sync.Mutex
	plan    plan
	places  []place
	over    bool // nothing goes wrong any longer, and no place counts
	process *process
	all     []*process
	boots   int
	nonces  int
	echoes  int
	wrongs  []wrong
}

// wrong is a broken promise.
type wrong struct {
	kind kind
	what string
}

// kind is how a promise was broken.
type kind string

const (
	forgotten kind = "lost"    // something accepted did not come to its end
	doubled   kind = "doubled" // something happened twice, or by two runners
	disorder  kind = "wrong"
)

func (w *world) fail(k kind, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrongs = append(w.wrongs, wrong{k, fmt.Sprintf(format, args...)})
}

// outcome is what a run came to.
type outcome struct {
	places []place
	fired  bool // every fault of the plan was met
	wrongs []wrong
	trail  string
}

// try runs a scenario with a plan.
func try(t *testing.T, s scenario, open opener, p plan) (o outcome) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, journal: open(t), queue: newQueue(), store: &store{rows: map[string]saga.Task{}}, s: s, plan: p}
		w.effects = &effects{w: w, steps: map[string]*effect{}}
		w.audit = &audit{w: w, leases: map[string]held{}}
		settled := w.live()
		w.end()
		if settled {
			w.judge()
		}
		o = outcome{places: w.places, fired: len(w.plan) == 0, wrongs: w.wrongs, trail: strings.Join(w.effects.trail, ", ")}
	})
	return o
}

// reached counts a place, and tells which fault is met there.
func (w *world) reached(at place) fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return none
	}
	n := len(w.places)
	w.places = append(w.places, at)
	if len(w.plan) == 0 || w.plan[0].at != n {
		return none
	}
	f := w.plan[0].fault
	w.plan = w.plan[1:]
	return f
}

// live keeps a process alive until everything has come to its end.
func (w *world) live() bool {
	w.start()
	go w.s.client(&client{w})
	for end := time.Now().Add(patience); time.Now().Before(end); {
		select {
		case <-w.alive().dead:
			time.Sleep(50 * time.Millisecond)
			w.start()
		case <-time.After(400 * time.Millisecond):
			if w.quiet() {
				return true
			}
		}
	}
	w.fail(forgotten, "it does not come to its end: it is %s, and the journal holds %s", w.state(root), strings.Join(w.journal.Left(), ", "))
	return false
}

func (w *world) start() {
	p := w.boot()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.process, w.all = p, append(w.all, p)
}

// alive is the process of the moment.
func (w *world) alive() *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.process
}

// quiet tells whether every task has ended, or is stuck, and nobody has anything to do about it.
func (w *world) quiet() bool {
	left := w.journal.Left()
	for _, key := range left {
		switch index, id, _ := strings.Cut(key, " "); index {
		case "wake", "dirty", "outbox":
			return false
		case "open":
			if w.s.resolved || w.state(id) != saga.Stuck {
				return false
			}
		}
	}
	return slices.Contains(left, "journal "+root)
}

// state is where a task stands; empty: there is no journal of it.
func (w *world) state(id string) saga.State {
	r := w.record(id)
	if r == nil {
		return ""
	}
	return r.State
}

// record is the fold of a task's journal; nil: there is none.
func (w *world) record(id string) *saga.Record {
	s := w.read(id)
	if s == nil {
		return nil
	}
	r, err := saga.Fold(s.Events)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) read(id string) *saga.Snapshot {
	s, err := w.journal.Read(w.t.Context(), id)
	if errors.Is(err, saga.ErrNotFound) {
		return nil
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return &s
}

// end stops what is alive.
func (w *world) end() {
	w.mu.Lock()
	w.over = true
	w.mu.Unlock()
	for _, p := range w.all {
		p.stop()
		p.running.Wait()
	}
	time.Sleep(time.Minute) // what is late comes, and the dead notice
}

// echo has the queue deliver the task once more.
func (w *world) echo() {
	w.mu.Lock()
	w.echoes++
	id := fmt.Sprintf("%s~echo%d", root, w.echoes)
	w.mu.Unlock()
	w.queue.add(id, saga.Ref{ID: root, Type: root, Queue: "default"})
}

// cancel is somebody's wish, told to the journal only.
func (w *world) cancel() {
	m := saga.Message{Event: saga.Event{Kind: saga.KindCancel}, Dedupe: "cancel"}
	_, err := w.journal.Post(context.WithoutCancel(w.t.Context()), root, m)
	if err != nil && !errors.Is(err, saga.ErrFinished) && !errors.Is(err, saga.ErrNotFound) {
		w.t.Fatal(err)
	}
}

func (w *world) nonce() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nonces++
	return fmt.Sprint(w.nonces)
}
