package saga

import (
	"context"
	"time"
)

// Limits that every journal and the runner hold to, in bytes.
const (
	MaxInput  = 1 << 20 // a task's input
	MaxOutput = 1 << 20 // a step's output, a signal's payload
	// SoftJournal is where forward steps and signals stop. What undoes and ends a task is never refused.
	SoftJournal = 14 << 20
)

// Ref names a task and what is needed to wake it.
type Ref struct {
	ID    string
	Type  string
	Queue string
	Epoch int64
	Due   time.Time // zero: now
}

// Start is a task to be recorded.
type Start struct {
	Created Created
	// Given tells that the id is a client's choice, so that there may have been such a task before. A journal that may
	// have lost it refuses.
	Given bool
	// Hold is the group in whose turn a task that is due now is to be enqueued, by whoever feeds its queue; empty, or not Held: the
	// caller enqueues it.
	Hold string
}

// Started is the answer to Start.
type Started struct {
	Ref      Ref
	New      bool      // the journal was written by this call
	At       time.Time // when, by the journal's clock; set if New
	Finished bool      // it existed before and has ended
	Held     bool      // it is held back, as was asked
}

// Lease is a runner's hold on a task. Epoch and Nonce together fence every append.
type Lease struct {
	ID    string
	Epoch int64
	Nonce string
}

// Claim is the answer to a successful claim.
type Claim struct {
	Lease  Lease
	Events []Event
	Now    time.Time     // the journal's clock
	For    time.Duration // how long the lease lasts from the moment the call was sent
	Bytes  int64         // size of the journal
	Opened bool          // the opening was recorded: it is the last of Events
	// Unconfirmed tells that the opening asked for confirmation and did not get it: see [Batch.Confirm].
	Unconfirmed bool
}

// Opening is the first step of a workflow whose tree begins with the same activity whatever the input. A claim of a task
// that has not begun records its start in the same breath.
type Opening struct {
	TreeHash string        // of the workflow: the opening of another tree is not recorded
	Start    Event         // step_started, without Due
	Timeout  time.Duration // Due is the moment of the claim plus this
	Confirm  bool          // as of a [Batch]
}

// Renewed is the answer to a renewal.
type Renewed struct {
	Length int64         // events in the journal: more than was read means that there is something to read
	For    time.Duration // how long the lease lasts from the moment the call was sent
	Now    time.Time
}

// Then says what becomes of the lease once a batch's decisions are taken.
type Then uint8

// What may follow a batch.
const (
	Continue Then = iota // keep the lease
	Park                 // release it; look again at Due (zero: only when woken)
	Finish               // release it; leave the open index
)

// Batch is what one append carries. One without events only parks, if nothing came in after Read.
type Batch struct {
	Read      int64   // sequence number of the last event the runner has read
	ReadAt    Micros  // when that event was appended, so that another one in its place is noticed; zero: any
	Facts     []Event // results: appended if the epoch holds
	Decisions []Event // appended after the facts, if nothing came in after Read
	Then      Then    // applied only if the decisions were taken
	Due       time.Time
	// Confirm asks for more than the append: where the journal has replicas, one of them is to have it, so that a failover
	// does not lose it. Appended tells when none has.
	Confirm bool
}

// Appended is the answer to an append.
type Appended struct {
	Decided bool    // the decisions were taken
	Between []Event // what others appended after Read; not empty exactly when Decided is false for that reason
	Facts   int64   // sequence number of the first fact; decisions follow on
	Now     time.Time
	Version int64 // the journal's now; zero when it is not told: of a batch that was sent again, or appends nothing
	// Unconfirmed tells that the batch asked for confirmation, and that no replica has acknowledged it in time. It is
	// appended all the same.
	Unconfirmed bool
}

// Message is an event from outside: it is appended without a lease, and fenced by Dedupe instead of an epoch.
type Message struct {
	Event  Event
	Dedupe string // the same value is appended once for a task; empty: always appended
	Reopen bool   // allowed on a completed task, which is open again afterwards; for undo_requested
	// Confirm asks for the word of a replica, where there is one, before the answer: another task, whose journal may be on
	// another server, will not send it again.
	Confirm bool
}

// Told is the event as it is appended: with what dedupes it, so that a journal that is made again knows it.
func (m Message) Told() Event {
	m.Event.Dedupe = m.Dedupe
	return m.Event
}

// Posted is the answer to a message.
type Posted struct {
	Ref       Ref
	Seq       int64
	Duplicate bool // it had been appended before
}

// Snapshot is a task's journal at one moment.
type Snapshot struct {
	Ref      Ref
	Events   []Event
	Stored   []string // the events as they are stored: what [Decode] takes
	Version  int64    // rises with every append; microseconds since 1970 or more
	Finished bool
}

// Flushed tells that a task's row was written.
type Flushed struct {
	ID       string
	Version  int64    // the snapshot's version that was written
	Stored   int64    // the version that the store has now; higher than Version when somebody else's was newer
	Children []string // set with a terminal row: child tasks that need not be kept for their parent any longer
}

// Delivery is a child's end that its parent has not been told yet.
type Delivery struct {
	Child  string
	Seq    int64 // of the child's terminal event
	Parent string
	Path   string // the parent's step
}

// Journal keeps the events of tasks. What it acknowledged, it has.
//
// Every method may return an error that wraps [ErrUnavailable]. The conformance suite is saga/storetest.
type Journal interface {
	// Start writes the first event if the id is new. Same id and hash: New is false. Other hash: [ErrConflict]. A given id
	// that is new to a journal which nobody has called whole: [ErrIncomplete].
	Start(ctx context.Context, s Start) (Started, error)

	// Claim takes a new epoch and a lease, clears the wake mark and returns the journal.
	// Errors: *[BusyError], [ErrFinished], [ErrNotFound]. With any of them nothing has changed. With [ErrUnknownEvent] the
	// task is claimed all the same: only the Events are missing from the unknown one on.
	Claim(ctx context.Context, id, nonce string) (Claim, error)
	// Open is Claim, and records the opening if the journal holds no more than its first event, which names the same
	// tree, and the task is due. Opened tells; it may be false after a lost answer although the opening was recorded.
	Open(ctx context.Context, id, nonce string, o Opening) (Claim, error)
	// Renew extends the lease. Errors: [ErrOvertaken].
	Renew(ctx context.Context, l Lease) (Renewed, error)
	// Append writes facts and decisions in one step. Errors: [ErrOvertaken] (nothing was written).
	// The batch that was appended last may be sent again, after an error: it is answered as it was, and not doubled.
	Append(ctx context.Context, l Lease, b Batch) (Appended, error)
	// Release gives the lease back without an event; the task is looked at again at due (zero: only when woken).
	// A release by a runner that was overtaken does nothing. wake leaves a wake mark: somebody else should go on now.
	// So does a message that came in under the lease and that no append has taken note of.
	Release(ctx context.Context, l Lease, due time.Time, wake bool) error
	// Read returns the journal. Errors: [ErrNotFound].
	Read(ctx context.Context, id string) (Snapshot, error)

	// Post appends an event from outside, and sets the wake mark if no lease is fresh.
	// Errors: [ErrNotFound], [ErrFinished] (Duplicate tells whether the message had come before the end), [ErrTooLarge],
	// and [ErrConflict] for a Reopen of a task that has not ended.
	Post(ctx context.Context, id string, m Message) (Posted, error)

	// Woken returns tasks whose wake mark is older than about 100 ms.
	Woken(ctx context.Context, limit int) ([]Ref, error)
	// Overdue returns open tasks whose lease ended without a park or whose due time passed 2 s ago, and the moment at
	// which the next one may come up (zero: none in sight). A task returned is not returned again, to anybody, for
	// about 10 s.
	Overdue(ctx context.Context, limit int) (refs []Ref, next time.Time, err error)
	// Outbox returns children's ends that are to be told to their parents; Delivered forgets them.
	Outbox(ctx context.Context, limit int) ([]Delivery, error)
	Delivered(ctx context.Context, d Delivery) error

	// Dirty returns tasks whose row is older than their journal. A task returned is not returned again for about 10 s,
	// unless Clean says that it is still dirty.
	Dirty(ctx context.Context, limit int) ([]Snapshot, error)
	// Clean forgets the dirty mark of those whose version is still the one flushed, and lets finished ones expire. Version
	// zero was not written: the task may be handed out again at once. It returns the ids of those that have no journal: what
	// had not ended is lost.
	Clean(ctx context.Context, f []Flushed) (gone []string, err error)

	// Restore makes a journal again that is lost: only if nothing at all is known of the id. Old leases on it are void,
	// and the end of a child is told to its parent once more.
	Restore(ctx context.Context, r Restoration) (Restored, error)
	// Life names the present life of the journal: one that comes back empty begins another.
	Life(ctx context.Context) (string, error)
	// CallWhole says that nothing is lost, or that all of it has been restored, as it was found out in a life. It tells
	// whether that life goes on: of another one nothing is said. A journal that comes back empty has forgotten it. Whole
	// tells whether it was said.
	CallWhole(ctx context.Context, life string) (bool, error)
	Whole(ctx context.Context) (bool, error)
	// Bury puts a dead letter in the place of a dirty mark, if version is still the task's. It tells whether this letter
	// is a new one. While there is a letter the task does not expire; Clean with this version, or a higher one, removes it.
	Bury(ctx context.Context, id string, version int64, reason string) (bool, error)
	// DeadLetters returns letters whose ids come after the given one, in the order of the ids.
	DeadLetters(ctx context.Context, after string, limit int) ([]DeadLetter, error)
	// Resend makes tasks dirty again in place of their letters. It tells how many of the ids had one.
	Resend(ctx context.Context, ids []string) (int, error)

	// Unwritten returns tasks whose row is older than their journal, or was refused for good, and that are what about
	// asks for.
	Unwritten(ctx context.Context, about func(Created) bool) ([]Unwritten, error)
	// Forget removes the journals of tasks that have ended, whose rows are written or were refused for good, and that no
	// parent may still want undone. Their ids stay taken for the idempotency window. It returns those it left alone.
	Forget(ctx context.Context, ids []string) (left []string, err error)

	// Watch tells of every append to the task's journal until ctx is done; signals are merged, never queued.
	Watch(ctx context.Context, id string) (<-chan struct{}, error)
}
