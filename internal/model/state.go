package model

// event is one entry of the journal.
type event uint8

const (
	none event = iota
	created
	started     // decision: the do is about to be called
	waiting     // decision: parked until a message comes
	waitingDue  // decision: parked until a moment
	turned      // decision: compensation starts
	undoStarted // decision: the undo is about to be called
	completed   // decision, terminal
	undone      // decision, terminal: failed or cancelled
	done        // fact: the do returned
	failed      // fact: the do failed for good, after it had its effect
	undoDone    // fact: the undo returned
	signalled   // message: what the task waits for
	cancelled   // message: somebody wants it undone
)

// maxLog is how long a journal may get; [Search] says so if one would get longer.
const maxLog = 16

// lease is what Redis knows of the newest one.
type lease uint8

const (
	released lease = iota
	fresh
	over // it ended without a release
)

// mark is the dirty mark.
type mark uint8

const (
	clean mark = iota
	dirty
	handedOut // to a flusher, and for a while to nobody else
)

// state is all there is at one moment. It is comparable, and as small as can be: there are many.
type state struct {
	// In Redis.
	log    [maxLog]event
	length int8
	taken  bool // it has been claimed
	lease  lease
	wake   bool
	due    bool // it is parked until a moment
	dirty  mark
	kept   bool // its expiry is set
	gone   bool // it has expired

	// In the queue.
	ready  int8 // deliveries on their way
	parked bool // it keeps the task for later
	soon   bool // and delivers it by itself

	// In the result store, and in the world.
	stored int8 // how long the journal was whose row is stored
	did    bool // the effect happened
	undid  bool // the undo happened: no effect may come after it
	loose  bool // a do whose worker died may act still

	runners  [2]runner
	senders  [2]sender
	flushers [2]flusher

	// Misfortunes so far.
	crashes, pauses, losses, echoes int8

	broken Law
}

// runner is one delivery that is being carried out.
type runner struct {
	at    stage
	holds bool  // its epoch is the newest
	read  int8  // events that it has read
	fact  event // a result that is not recorded yet
	late  bool  // its lease has ended, and it was not renewed
}

type stage uint8

const (
	idle     stage = iota
	deciding       // it knows the journal up to read, and is about to append
	calling        // step_started is acknowledged
	inDo
	inUndo
)

// sender has one message for the task.
type sender struct {
	message event
	at      int8 // 0 to be posted, 1 to be woken for, 2 through
}

// flusher carries a row to the store.
type flusher struct {
	at      int8 // 0 idle, 1 has taken the mark, 2 has read, 3 has saved
	version int8
}

// record is the fold of a journal.
type record struct {
	starts, results  int8
	done, failed     bool
	turned, undoDone bool
	signal, cancel   bool
	last             event
}

func fold(log []event) record {
	var r record
	for _, e := range log {
		r.apply(e)
	}
	return r
}

func (r *record) apply(e event) {
	if e != none {
		r.last = e
	}
	switch e {
	case started:
		r.starts++
	case done:
		r.results++
		r.done = true
	case failed:
		r.results++
		r.failed = r.failed || !r.done
	case turned:
		r.turned = true
	case undoDone:
		r.undoDone = true
	case signalled:
		r.signal = true
	case cancelled:
		r.cancel = true
	case none, created, waiting, waitingDue, undoStarted, completed, undone:
	}
}

// ended tells whether the journal has its terminal event.
func (s *state) ended() bool {
	last := s.log[max(s.length-1, 0)]
	return last == completed || last == undone
}

// write appends an event and marks the task dirty.
func (s *state) write(e event) {
	if e == none {
		return
	}
	if s.length == maxLog {
		s.broken = TooLong
		return
	}
	s.log[s.length] = e
	s.length++
	if s.dirty == clean {
		s.dirty = dirty
	}
}
