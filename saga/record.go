package saga

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// AttemptState is where a do or an undo stands.
type AttemptState string

// The states of a do or an undo.
const (
	AttemptNone    AttemptState = ""
	AttemptStarted AttemptState = "started" // no result is known
	AttemptRetry   AttemptState = "retry"   // failed, another attempt is due at RetryAt
	AttemptDone    AttemptState = "done"
	AttemptFailed  AttemptState = "failed" // for good
)

// Attempts is what is known of a step's do, or of its undo.
type Attempts struct {
	State       AttemptState
	N           int // number in the idempotency key: rises after a definite failure, if none with this key was unknown
	Failed      int // attempts that count
	Interrupted int // attempts cut short by the death of a worker
	// PutOff is since when no attempt was made that counts, though some were to be. Zero: the last one counted.
	PutOff   Micros
	Deadline Micros
	RetryAt  Micros
	Error    string
	EndedAt  Micros
	// LeftBehind is the latest deadline of the calls that nobody saw return: their worker died, or they overstayed it.
	LeftBehind Micros
	// Unknown tells that an attempt ended without a definite result: it may have had its effect.
	Unknown bool
	// LostAt is set when there may have been attempts that nobody knows of any longer, because the journal that knew
	// them is lost: it is when another was made in its place.
	LostAt Micros
}

// neverHappened tells whether it is certain that there was no effect: every attempt definitely failed.
func (a *Attempts) neverHappened() bool {
	return a.State == AttemptFailed && !a.Unknown && a.LostAt == 0
}

// leaveBehind notes that the call under way will not be heard of again.
func (a *Attempts) leaveBehind() {
	a.LeftBehind = max(a.LeftBehind, a.Deadline)
}

// unresolved is until when a call of s's do may still act somewhere, of this attempt or of an earlier one. Zero: none may.
func (a *Attempts) unresolved(s *Step) time.Time {
	until := a.LeftBehind
	if a.State == AttemptStarted {
		until = max(until, a.Deadline)
	}
	return max(until, a.lostUntil(s)).Time()
}

// StepRecord is a step that began.
type StepRecord struct {
	Path      string
	Kind      StepKind
	StartedAt time.Time
	Do        Attempts
	Undo      Attempts
	Output    json.RawMessage
	Human     json.RawMessage // of a wait that a person is to end: a [Human]
	NotUndone bool            // it cannot or (an operator's word) shall not be undone

	Child         string // a child step: the child task's id
	ChildStarted  bool
	ChildUndoSent bool
	ChildState    State // once it has ended
	// ChildAgain tells that the child had ended undone, and may have forgotten it: the parent's journal was lost since, and
	// the child's may have been as well, which then goes on from before.
	ChildAgain bool
}

// Pending signals, by name, are those that no wait has consumed.
type pendingSignal struct {
	seq     int64
	payload json.RawMessage
}

// Cancel is somebody's wish that the task be cancelled.
type Cancel struct {
	By     string
	Reason string
}

// Record is the fold of a journal: all that is known about a task.
type Record struct {
	Created   Created
	CreatedAt time.Time
	State     State
	Phase     Phase
	Last      int64  // sequence number of the last event
	Due       Micros // of the last waiting event

	Steps     []*StepRecord // in the order in which they began
	Decisions map[string]json.RawMessage
	Cancel    *Cancel
	// Reason is why compensation started; CancelledBy tells that it was by wish, not by failure.
	Reason    string
	Wished    bool
	Output    json.RawMessage
	NotUndone []string

	StartedAt   time.Time
	CompletedAt time.Time
	// Recovered is when the journal was last made again from the result store. What had been appended to the lost one
	// after its last flush is not known. Zero: it was never lost.
	Recovered time.Time

	byPath  map[string]*StepRecord
	loops   map[string][]json.RawMessage // the items of loops, decoded
	signals map[string][]pendingSignal
	names   map[int64]string // of pending signals, by their sequence numbers
	ends    map[string]Event // of children whose steps are not known to have begun: a lost journal began them
}

// Fold makes the record of a journal. It fails with [ErrUnknownEvent] on an event that it does not know, and on one
// that cannot happen where it stands: such a task is left alone, not guessed at.
func Fold(events []Event) (*Record, error) {
	r := newRecord()
	for _, e := range events {
		if err := r.Apply(e); err != nil {
			return nil, err
		}
	}
	if r.Last == 0 {
		return nil, fmt.Errorf("%w: an empty journal", ErrUnknownEvent)
	}
	return r, nil
}

func newRecord() *Record {
	return &Record{State: Pending, Phase: Forward}
}

// set puts something into a map, which is made with the first thing: most tasks have none.
func set[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}

// Step returns the step that began at path, or nil.
func (r *Record) Step(path string) *StepRecord { return r.byPath[path] }

// Iterations is how many items the loop at path has; 0 when that is not decided yet.
func (r *Record) Iterations(path string) int {
	items, _ := r.items(path)
	return len(items)
}

func (r *Record) items(path string) ([]json.RawMessage, bool) {
	if items, ok := r.loops[path]; ok {
		return items, true
	}
	raw, ok := r.Decisions[path]
	if !ok {
		return nil, false
	}
	var items []json.RawMessage
	_ = json.Unmarshal(raw, &items) // written by this package; anything else is an empty loop
	set(&r.loops, path, items)
	return items, true
}

// Apply folds one more event.
func (r *Record) Apply(e Event) error {
	if e.Seq != r.Last+1 {
		return fmt.Errorf("%w: event %d follows %d", ErrUnknownEvent, e.Seq, r.Last)
	}
	if e.Flags > allFlags {
		return fmt.Errorf("%w: flags %b of event %d", ErrUnknownEvent, e.Flags, e.Seq)
	}
	if (e.Kind == KindCreated) != (e.Seq == 1) {
		return fmt.Errorf("%w: %q as event %d", ErrUnknownEvent, e.Kind, e.Seq)
	}
	if e.Kind == KindCreated {
		r.Last, r.Created, r.CreatedAt = 1, *e.Created, e.At
		return nil
	}
	if e.Kind == KindResolved && r.State == Stuck {
		r.resolved(e) // anywhere else it came too late
	}
	state, ok := next(r.State, r.Phase, e.Kind)
	if !ok {
		return fmt.Errorf("%w: %q (event %d) while %s", ErrUnknownEvent, e.Kind, e.Seq, r.State)
	}
	r.Last, r.State = e.Seq, state
	if r.StartedAt.IsZero() && state != Pending {
		r.StartedAt = e.At
	}
	r.fold(e)
	return nil
}

func (r *Record) fold(e Event) {
	switch e.Kind {
	case KindStepStarted:
		r.stepStarted(e)
	case KindStepDone:
		r.stepDone(e)
	case KindAttemptFailed:
		r.attemptFailed(e)
	case KindDecided:
		set(&r.Decisions, e.Path, e.Data)
	case KindWaiting:
		r.Due = e.Due
	case KindChildStarted:
		r.childStarted(e)
	case KindChildFinished:
		r.childFinished(e)
	case KindCompensationStarted:
		r.Phase, r.Reason, r.Wished = Undo, e.Error, e.Name == string(Cancelled)
	case KindUndoRequested:
		r.Phase, r.Reason, r.Wished = Undo, e.Error, true
		r.CompletedAt, r.Output = time.Time{}, nil
	case KindSignal:
		set(&r.signals, e.Name, append(r.signals[e.Name], pendingSignal{e.Seq, e.Data}))
		set(&r.names, e.Seq, e.Name)
	case KindCancel:
		if r.Cancel == nil {
			r.Cancel = &Cancel{By: e.By, Reason: e.Error}
		}
	case KindCompleted:
		r.Output, r.CompletedAt = e.Data, e.At
	case KindFailed, KindCancelled:
		r.NotUndone, r.CompletedAt = e.Paths, e.At
	case KindRecovered:
		r.recovered(e)
	case KindCreated, KindStuck, KindResolved:
	}
}

func (r *Record) stepStarted(e Event) {
	s := r.byPath[e.Path]
	if s == nil {
		s = &StepRecord{Path: e.Path, Kind: e.StepKind, StartedAt: e.At, Child: e.Name, Do: Attempts{LostAt: MicrosOf(r.Recovered)}}
		if e.StepKind == KindSignalled {
			s.Human = e.Data
		}
		set(&r.byPath, e.Path, s)
		r.Steps = append(r.Steps, s)
	}
	a := s.attempts(e.Undo)
	if a.State == AttemptStarted {
		a.Interrupted++ // started again with no result between: whoever ran it died
		a.Unknown = true
		a.leaveBehind()
	}
	a.State, a.Deadline, a.RetryAt = AttemptStarted, e.Due, 0
	if end, ok := r.ends[e.Path]; ok {
		delete(r.ends, e.Path)
		r.childFinished(end)
	}
}

func (r *Record) stepDone(e Event) {
	s := r.byPath[e.Path]
	if s == nil {
		return
	}
	a := s.attempts(e.Undo)
	if a.State == AttemptDone {
		return // told twice
	}
	a.State, a.EndedAt, a.Error = AttemptDone, MicrosOf(e.At), ""
	if !e.Undo {
		s.Output = e.Data
	}
	if e.Ref != 0 {
		r.consume(e.Ref)
	}
}

// consume takes a signal away, whatever else is pending: a journal may hold thousands, each of a name of its own.
func (r *Record) consume(seq int64) {
	name, pending := r.names[seq]
	if !pending {
		return
	}
	delete(r.names, seq)
	list := r.signals[name]
	switch i := slices.IndexFunc(list, func(s pendingSignal) bool { return s.seq == seq }); {
	case len(list) == 1:
		delete(r.signals, name)
	case i == 0:
		r.signals[name] = list[1:]
	default:
		r.signals[name] = append(list[:i:i], list[i+1:]...)
	}
}

// attemptFailed folds a failure. An append whose answer was lost may be sent again, so a result that answers no start
// is the echo of one that was folded already.
func (r *Record) attemptFailed(e Event) {
	s := r.byPath[e.Path]
	if s == nil {
		return
	}
	a := s.attempts(e.Undo)
	if a.State != AttemptStarted && a.State != AttemptNone {
		return
	}
	a.Error, a.EndedAt, a.RetryAt = e.Error, MicrosOf(e.At), e.Due
	a.State = AttemptRetry
	if e.Flags&Abandoned != 0 {
		a.leaveBehind()
	}
	switch {
	case e.Flags&Interrupted == 0:
		a.Failed++
		a.PutOff = 0
	case a.PutOff == 0:
		a.PutOff = MicrosOf(e.At)
	}
	switch {
	case e.Flags&Indefinite != 0:
		a.Unknown = true
	case !a.Unknown && a.LostAt == 0: // that this attempt had no effect says nothing of those before it
		a.N++
	}
	if e.Flags&Final != 0 {
		a.State = AttemptFailed
	}
}

func (r *Record) childStarted(e Event) {
	s := r.byPath[e.Path]
	if s == nil {
		return
	}
	s.ChildStarted = true
	s.ChildUndoSent = s.ChildUndoSent || e.Undo
	if e.Undo && s.ChildAgain && s.ChildState != Completed { // its end is known: nobody waits for another
		s.Undo.State = AttemptDone
	}
	s.ChildAgain = s.ChildAgain && !e.Undo
}

func (r *Record) childFinished(e Event) {
	s := r.byPath[e.Path]
	if s == nil {
		set(&r.ends, e.Path, e)
		return
	}
	s.ChildState = State(e.Name)
	s.ChildAgain = s.ChildAgain && s.ChildState == Completed
	switch {
	case s.ChildState != Completed && s.ChildUndoSent:
		s.Undo.State, s.Undo.EndedAt = AttemptDone, MicrosOf(e.At)
	case s.ChildState == Completed:
		s.Output = e.Data
		s.Do.State, s.Do.EndedAt = AttemptDone, MicrosOf(e.At)
	default: // it failed or was cancelled, so it has undone itself
		if s.Do.State == AttemptDone { // it was restored from before its end, and what the lost journal went on to is not known
			s.Do.LostAt = MicrosOf(r.Recovered)
		}
		s.Do.State, s.Do.EndedAt = AttemptFailed, MicrosOf(e.At)
		s.Do.Error = fmt.Sprintf("child task %s: %s %s", s.Child, e.Name, e.Error)
		s.Undo.State, s.Undo.EndedAt = AttemptDone, MicrosOf(e.At)
	}
}

// resolved folds an operator's word on a stuck step.
func (r *Record) resolved(e Event) {
	s := r.byPath[e.Path]
	if s == nil {
		return
	}
	switch ResolveAction(e.Name) {
	case ResolveRetry:
		s.Undo = Attempts{N: s.Undo.N}
	case ResolveSkip:
		s.NotUndone = true
	case ResolveDone:
		s.Undo = Attempts{State: AttemptDone, EndedAt: MicrosOf(e.At), Failed: s.Undo.Failed - 1} // the operator's counts as one
	}
}

// stuckOn tells which undo failed for good, and how.
func (r *Record) stuckOn() string {
	for _, s := range r.Steps {
		if s.Undo.State == AttemptFailed && !s.NotUndone {
			return "step " + s.Path + ": " + s.Undo.Error
		}
	}
	return ""
}

// ResolveAction is what an operator decides about a step whose undo failed for good.
type ResolveAction string

// The ways out of stuck.
const (
	ResolveRetry ResolveAction = "retry" // try the undo again
	ResolveSkip  ResolveAction = "skip"  // leave the step as it is; it is listed under not_undone
	ResolveDone  ResolveAction = "done"  // it has been undone by hand
)

func (s *StepRecord) attempts(undo bool) *Attempts {
	if undo {
		return &s.Undo
	}
	return &s.Do
}
