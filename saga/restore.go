package saga

import (
	"fmt"
	"strings"
	"time"
)

// Restoration is a journal that is to be made again.
type Restoration struct {
	Created  Created
	Stored   []string         // the events that were kept, as they are stored
	Events   []Event          // to be appended to them
	Version  int64            // of the row: the journal's is to be above it
	Finished EventKind        // what ended the task; empty: it goes on
	Due      time.Time        // when it goes on by itself; zero: now
	Reopened int64            // sequence number of the event that reopened the task; 0
	Children bool             // it has begun child tasks
	Posted   map[string]int64 // sequence numbers of the messages that it has had, by what dedupes them
}

// Restored is the answer to a restoration.
type Restored struct {
	Ref      Ref
	New      bool // the journal was missing, and was written by this call
	Finished bool // the task has ended
}

// Restore says how the journal of a task is made again from what the store has kept. What had been appended after the
// last flush is lost, but for the effects that fences tell of: they are appended as results. It is a pure function, and
// fails with [ErrUnknownEvent] where [Decode] or [Fold] does: such a task is left alone.
func Restore(k Kept) (Restoration, error) {
	m := Restoration{Stored: k.Journal, Version: k.Version, Posted: map[string]int64{}}
	events := make([]Event, len(k.Journal))
	for i, stored := range k.Journal {
		var err error
		if events[i], err = Decode(stored); err != nil {
			return m, err
		}
	}
	r, err := Fold(events)
	if err != nil {
		return m, err
	}
	if m.Created = r.Created; r.Created.ID != k.ID {
		return m, fmt.Errorf("%w: the journal is of task %q", ErrUnknownEvent, r.Created.ID)
	}
	if err := m.append(r, k.Effects); err != nil {
		return m, err
	}
	if k.Parent == Failed || k.Parent == Cancelled { // it had been told so, and had ended
		if err := m.add(r, r.cancelled()...); err != nil {
			return m, err
		}
	}
	for i, e := range append(events, m.Events...) {
		m.note(e, int64(i+1))
	}
	if len(m.Events) == 1 && !r.awaitsChild() {
		m.Due = r.waitsUntil()
	}
	return m, nil
}

// RestoreChild says how the journal of a child is begun of which nothing is kept, although it may have begun before: the
// fences tell what it did, and what else it may have begun is found when it is undone.
func RestoreChild(c Created, effects []Effect) (Restoration, error) {
	m := Restoration{Created: c, Posted: map[string]int64{}}
	r := newRecord()
	if err := m.add(r, c.Begins()); err != nil {
		return m, err
	}
	return m, m.append(r, effects)
}

// NeverBegun says how the journal of a child is made that was cancelled before it began: its id is taken, and its parent is
// told.
func NeverBegun(c Created) (Restoration, error) {
	m := Restoration{Created: c, Posted: map[string]int64{}}
	r := newRecord()
	err := m.add(r, c.Begins())
	if err == nil {
		err = m.add(r, r.cancelled()...)
	}
	if err == nil {
		reason := r.Cancel.Reason
		err = m.add(r, Event{Kind: KindCompensationStarted, Error: reason, Name: string(Cancelled)}, Event{Kind: KindCancelled, Error: reason})
	}
	for i, e := range m.Events {
		m.note(e, int64(i+1))
	}
	return m, err
}

// append adds what is to be said after the kept events.
func (m *Restoration) append(r *Record, effects []Effect) error {
	if r.State == Completed && r.undone(effects) {
		// Its parent was being undone, and had it undone as well.
		if err := m.add(r, Event{Kind: KindUndoRequested, Error: "its effects have been undone", Dedupe: "undo"}); err != nil {
			return err
		}
	}
	if r.State.Finished() {
		return nil
	}
	if err := m.add(r, Event{Kind: KindRecovered}); err != nil {
		return err
	}
	for _, effect := range effects {
		if strings.Contains(effect.Path, partMark) {
			continue
		}
		if err := m.add(r, r.unknown(effect)...); err != nil {
			return err
		}
	}
	return nil
}

// cancelled returns the wish to cancel a task that has not ended.
func (r *Record) cancelled() []Event {
	if r.State.Finished() || r.Cancel != nil {
		return nil
	}
	return []Event{{Kind: KindCancel, Error: "its parent is undone", Dedupe: "cancel"}}
}

func (m *Restoration) add(r *Record, events ...Event) error {
	for _, e := range events {
		m.Events = append(m.Events, e)
		e.Seq = r.Last + 1
		if err := r.Apply(e); err != nil {
			return err
		}
	}
	return nil
}

// undone tells whether a fence tells of an undo.
func (r *Record) undone(effects []Effect) bool {
	for _, e := range effects {
		if s := r.byPath[e.Path]; e.Undo && s != nil && s.Undo.State != AttemptDone {
			return true
		}
	}
	return false
}

// unknown returns what the record does not know yet of an effect that has happened.
func (r *Record) unknown(effect Effect) []Event {
	s := r.byPath[effect.Path]
	var list []Event
	if s == nil {
		list = append(list, Event{Kind: KindStepStarted, Path: effect.Path, StepKind: KindActivity})
		s = &StepRecord{}
	}
	switch {
	case effect.Undo && s.Undo.State == AttemptFailed && r.State == Stuck:
		return append(list, Event{
			Kind: KindResolved, Path: effect.Path, Name: string(ResolveDone), Error: "its fence tells that it has been undone",
		})
	case effect.Undo && s.Undo.State != AttemptDone:
		return append(list, Event{Kind: KindStepDone, Path: effect.Path, Undo: true})
	case !effect.Undo && s.Do.State != AttemptDone && s.Do.State != AttemptFailed:
		return append(list, Event{Kind: KindStepDone, Path: effect.Path, Data: effect.Result})
	}
	return nil
}

// note takes down what a journal remembers of an event beside it.
func (m *Restoration) note(e Event, seq int64) {
	m.Finished = ""
	switch {
	case e.Kind.Terminal():
		m.Finished = e.Kind
	case e.Kind == KindChildStarted:
		m.Children = true
	case e.Kind == KindUndoRequested:
		m.Reopened = seq
	}
	if e.Dedupe != "" && m.Posted[e.Dedupe] == 0 {
		m.Posted[e.Dedupe] = seq
	}
}

// awaitsChild tells whether the task waits for a child, which it has to start or to undo once more.
func (r *Record) awaitsChild() bool {
	for _, s := range r.Steps {
		if s.Kind == KindChild && (s.Do.State == AttemptStarted || s.Undo.State == AttemptStarted) {
			return true
		}
	}
	return false
}

// waitsUntil is when the task goes on by itself; zero: now.
func (r *Record) waitsUntil() time.Time {
	switch r.State { //nolint:exhaustive // in the other states there is something to do
	case Waiting:
		return r.Due.Time()
	case Pending:
		return r.Created.ProcessAt.Time()
	}
	return time.Time{}
}
