package storetest

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Subject is a journal under test, empty, with what the suite needs to know and do about it.
type Subject struct {
	Journal saga.Journal
	// Advance lets d pass on the journal's clock.
	Advance func(d time.Duration)
	// Truncate takes a task's journal back to its first n events, as a failover may do.
	Truncate func(id string, n int64)
	// Lose takes everything away, as a Redis does that comes back empty.
	Lose func()
	// Clock is read where the journal's clock goes on by itself, too; nil: only Advance moves it.
	Clock func() time.Time
	// Unordered tells that the oldest do not come first, for tasks are spread over partitions.
	Unordered bool
}

// Setup opens a journal for one test and runs it. It is a wrapper so that test may run in a bubble of
// [testing/synctest].
type Setup func(t *testing.T, o Options, test func(t *testing.T, s Subject))

// Run runs the suite.
func Run(t *testing.T, setup Setup) {
	t.Helper()
	small := Options{LeaseTTL: time.Second, KeepFinished: time.Hour, IdempotencyWindow: 2 * time.Hour}
	for _, group := range []struct {
		name  string
		o     Options
		cases []testCase
	}{
		{"start", Options{}, startCases},
		{"claim", Options{}, claimCases},
		{"open", Options{}, openCases},
		{"append", Options{}, appendCases},
		{"replay", Options{}, replayCases},
		{"post", Options{}, postCases},
		{"reopen", Options{}, reopenCases},
		{"sweep", Options{}, sweepCases},
		{"flush", Options{}, flushCases},
		{"dead letters", Options{}, deadCases},
		{"expire", Options{}, expireCases},
		{"children", Options{}, childCases},
		{"limits", Options{}, limitCases},
		{"restore", Options{}, restoreCases},
		{"restore children", Options{}, restoreChildCases},
		{"whole", Options{}, wholeCases},
		{"forget", Options{}, forgetCases},
		{"settings", small, settingCases},
		{"watch", Options{}, watchCases},
		{"race", Options{}, raceCases},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) {
					for again, tries := true, 1; again; tries++ {
						setup(t, group.o, func(t *testing.T, s Subject) {
							t.Helper()
							again = c.try(t, s, group.name != "race" && tries < 10)
						})
					}
				})
			}
		})
	}
}

// testCase is a sentence and the proof of it.
type testCase struct {
	name string
	test func(b *bench)
}

// bench is what a case works with: short words that fail the test when something goes wrong.
type bench struct {
	testing.TB
	Subject
	nonces int
}

// created is a request for a task.
func created(id string) saga.Created {
	return saga.Created{
		ID: id, Type: "order", Workflow: "order", Version: 1, TreeHash: "0123456789abcdef",
		Input: json.RawMessage(`{"a":1}`), Owner: saga.NilOwner, Queue: "default", Hash: "hash-of-" + id,
	}
}

// child is a request for a task whose parent is p.
func child(id string) saga.Created {
	c := created(id)
	c.Parent, c.ParentPath = "p", "loop[3]/ship"
	return c
}

// started is a task of that id, never claimed.
func (b *bench) started(id string) saga.Started { return b.start(created(id)) }

func (b *bench) start(c saga.Created) saga.Started {
	b.Helper()
	s, err := b.Journal.Start(b.Context(), saga.Start{Created: c})
	b.no(err)
	return s
}

func (b *bench) nonce() string {
	b.nonces++
	return "nonce-" + strconv.Itoa(b.nonces)
}

func (b *bench) claim(id string) saga.Claim {
	b.Helper()
	c, err := b.Journal.Claim(b.Context(), id, b.nonce())
	b.no(err)
	return c
}

// claimed is the lease on a new task of that id.
func (b *bench) claimed(id string) saga.Lease {
	b.Helper()
	b.started(id)
	return b.claim(id).Lease
}

func (b *bench) append(l saga.Lease, batch saga.Batch) saga.Appended {
	b.Helper()
	a, err := b.Journal.Append(b.Context(), l, batch)
	b.no(err)
	return a
}

func (b *bench) post(id string, m saga.Message) saga.Posted {
	b.Helper()
	p, err := b.Journal.Post(b.Context(), id, m)
	b.no(err)
	return p
}

func (b *bench) signal(id string) { b.Helper(); b.post(id, signal()) }

func (b *bench) read(id string) saga.Snapshot {
	b.Helper()
	s, err := b.Journal.Read(b.Context(), id)
	b.no(err)
	return s
}

func (b *bench) dirty() []saga.Snapshot {
	b.Helper()
	list, err := b.Journal.Dirty(b.Context(), 100)
	b.no(err)
	return list
}

func (b *bench) clean(f ...saga.Flushed) {
	b.Helper()
	_, err := b.Journal.Clean(b.Context(), f)
	b.no(err)
}

// flush writes every dirty row, as a flusher does whose store is always right.
func (b *bench) flush(children ...string) {
	b.Helper()
	for _, s := range b.dirty() {
		f := saga.Flushed{ID: s.Ref.ID, Version: s.Version, Stored: s.Version}
		if s.Finished {
			f.Children = children
		}
		b.clean(f)
	}
}

func (b *bench) woken() string {
	b.Helper()
	refs, err := b.Journal.Woken(b.Context(), 100)
	b.no(err)
	return ids(refs)
}

func (b *bench) overdue() (string, time.Time) {
	b.Helper()
	refs, next, err := b.Journal.Overdue(b.Context(), 100)
	b.no(err)
	return ids(refs), next
}

func (b *bench) outbox() []saga.Delivery {
	b.Helper()
	list, err := b.Journal.Outbox(b.Context(), 100)
	b.no(err)
	return list
}

// kinds tells a journal in one line.
func (b *bench) kinds(id string) string { b.Helper(); return kinds(b.read(id).Events) }

func kinds(events []saga.Event) string {
	var list []string
	for _, e := range events {
		list = append(list, string(e.Kind))
	}
	return strings.Join(list, " ")
}

func ids(refs []saga.Ref) string {
	var list []string
	for _, r := range refs {
		list = append(list, r.ID)
	}
	return strings.Join(list, " ")
}

func (b *bench) no(err error) {
	b.Helper()
	if err != nil {
		b.Fatalf("unexpected error: %v", err)
	}
}

// wants fails the test unless err wraps want.
func (b *bench) wants(want, err error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Fatalf("got error %v, want %v", err, want)
	}
}

// first fails the test unless the ids that came are the ones that should come first; with partitions, any so many.
func (b *bench) first(got, want string) {
	b.Helper()
	if b.Unordered {
		got, want = strconv.Itoa(len(got)), strconv.Itoa(len(want))
	}
	same(b, "first", got, want)
}

// busy fails the test unless err says that another runner holds the task.
func (b *bench) busy(err error) time.Duration {
	b.Helper()
	busy, ok := errors.AsType[*saga.BusyError](err)
	if !ok {
		b.Fatalf("got error %v, want a BusyError", err)
	}
	return busy.For
}

// same fails the test unless what was got is what was wanted.
func same[V comparable](b *bench, what string, got, want V) {
	b.Helper()
	if got != want {
		b.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// Events and messages that the cases are made of.

func fact(path string) saga.Event {
	return saga.Event{Kind: saga.KindStepDone, Path: path, Data: json.RawMessage(`"done"`)}
}

func decision(path string) saga.Event {
	return saga.Event{Kind: saga.KindStepStarted, Path: path, StepKind: saga.KindActivity}
}

func waiting(due time.Time) saga.Event {
	return saga.Event{Kind: saga.KindWaiting, Due: saga.MicrosOf(due)}
}

func signal() saga.Message {
	return saga.Message{Event: saga.Event{Kind: saga.KindSignal, Name: "go"}}
}

func undoRequested() saga.Message {
	return saga.Message{Event: saga.Event{Kind: saga.KindUndoRequested}, Reopen: true}
}

func finish(kind saga.EventKind, read int64) saga.Batch {
	return saga.Batch{Read: read, Decisions: []saga.Event{{Kind: kind}}, Then: saga.Finish}
}

func park(read int64, due time.Time) saga.Batch {
	return saga.Batch{Read: read, Decisions: []saga.Event{waiting(due)}, Then: saga.Park, Due: due}
}

// finished is a new task that ended as kind says.
func (b *bench) finished(c saga.Created, kind saga.EventKind) {
	b.Helper()
	b.start(c)
	b.append(b.claim(c.ID).Lease, finish(kind, 1))
}

// parked is a new task that waits until something wakes it.
func (b *bench) parked(id string) {
	b.Helper()
	b.append(b.claimed(id), park(1, time.Time{}))
}
