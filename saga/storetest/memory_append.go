package storetest

import (
	"context"
	"fmt"
	"slices"

	"github.com/osp-platform/osp/saga"
)

// Append implements [saga.Journal].
func (m *Memory) Append(_ context.Context, l saga.Lease, b saga.Batch) (saga.Appended, error) {
	facts, decisions, err := encode(b)
	if err != nil {
		return saga.Appended{}, fmt.Errorf("append to task %s: %w", l.ID, err)
	}
	now, unlock := m.begin()
	defer unlock()
	key := fmt.Sprintf("%v %d %q %q %d %v", l, b.Read, facts, decisions, b.Then, b.Due)
	if e := m.tasks[l.ID]; e != nil && e.last == key {
		return e.answer, nil // sent again because the first answer was lost
	}
	e, err := m.held(l)
	if err != nil {
		return saga.Appended{}, fmt.Errorf("append to %w", err)
	}
	length := e.length()
	if !e.has(b.Read, b.ReadAt) {
		return saga.Appended{}, fmt.Errorf("append to task %s: event %d is gone: %w", l.ID, b.Read, saga.ErrOvertaken)
	}
	between, err := e.decode(b.Read, length)
	if err != nil {
		return saga.Appended{}, err
	}
	a := saga.Appended{Decided: length == b.Read, Between: between, Facts: length + 1, Now: saga.Micros(now).Time()}
	if len(facts) > 0 || a.Decided && len(decisions)+int(b.Then) > 0 {
		e.last, e.answer = key, a
	}
	a.Version = e.version
	e.children = e.children || slices.ContainsFunc(b.Facts, startsChild)
	if !a.Decided {
		m.write(e, now, facts...)
		a.Version = e.version
		return a, nil
	}
	m.write(e, now, append(facts, decisions...)...)
	a.Version = e.version
	e.seen = e.length()
	m.then(e, b)
	return a, nil
}

func startsChild(event saga.Event) bool { return event.Kind == saga.KindChildStarted }

// encode returns the bodies of a batch, or what is wrong with it.
func encode(b saga.Batch) (facts, decisions [][]byte, err error) {
	last := len(b.Decisions) - 1
	for i, d := range b.Decisions {
		if d.Kind.Terminal() != (i == last && b.Then == saga.Finish) {
			return nil, nil, fmt.Errorf("decision %q as number %d of %d and then %d", d.Kind, i+1, last+1, b.Then)
		}
	}
	if b.Then == saga.Finish && last < 0 {
		return nil, nil, fmt.Errorf("finish without a terminal event")
	}
	if facts, err = bodies(b.Facts); err != nil {
		return nil, nil, err
	}
	decisions, err = bodies(b.Decisions)
	return facts, decisions, err
}

func bodies(events []saga.Event) ([][]byte, error) {
	list := make([][]byte, len(events))
	for i, event := range events {
		body, err := saga.Encode(event)
		if err != nil {
			return nil, err
		}
		list[i] = body
	}
	return list, nil
}

// has tells whether the journal holds event number seq, appended at that moment (zero: any).
func (e *entry) has(seq int64, at saga.Micros) bool {
	if at == 0 || seq < 1 || seq > e.length() {
		return at == 0 && seq <= e.length()
	}
	event, err := saga.Decode(string(e.events[seq-1]))
	return err == nil && saga.MicrosOf(event.At) == at
}

// then does what follows once the decisions are taken.
func (m *Memory) then(e *entry, b saga.Batch) {
	switch b.Then {
	case saga.Continue:
	case saga.Park:
		m.park(e, b.Due)
	case saga.Finish:
		e.lease, e.due = 0, 0
		e.finished = b.Decisions[len(b.Decisions)-1].Kind
		delete(m.open, e.id)
		delete(m.wake, e.id)
		if e.created.Parent != "" {
			m.outbox[e.id] = saga.Delivery{Child: e.id, Seq: e.length(), Parent: e.created.Parent, Path: e.created.ParentPath}
		}
	}
}

// Post implements [saga.Journal].
func (m *Memory) Post(_ context.Context, id string, msg saga.Message) (saga.Posted, error) {
	if len(msg.Event.Data)+len(msg.Event.Error) > saga.MaxOutput {
		return saga.Posted{}, fmt.Errorf("post %s to task %s: %w", msg.Event.Kind, id, saga.ErrTooLarge)
	}
	body, err := saga.Encode(msg.Told())
	if err != nil {
		return saga.Posted{}, fmt.Errorf("post to task %s: %w", id, err)
	}
	now, unlock := m.begin()
	defer unlock()
	e, err := m.find(id)
	if err != nil {
		return saga.Posted{}, fmt.Errorf("post %s to %w", msg.Event.Kind, err)
	}
	if p, err := e.known(msg, len(body)); err != nil {
		return p, fmt.Errorf("post %s to task %s: %w", msg.Event.Kind, id, err)
	} else if p.Duplicate {
		return p, nil
	}
	m.write(e, now, body)
	if msg.Dedupe != "" {
		e.dedupe[msg.Dedupe] = e.length()
	}
	if msg.Reopen {
		m.reopen(e, now)
	}
	if e.lease <= now {
		m.mark(id, now)
	}
	return saga.Posted{Ref: e.ref(), Seq: e.length()}, nil
}

// known tells whether a message was appended before, or why it cannot be.
func (e *entry) known(msg saga.Message, size int) (saga.Posted, error) {
	if msg.Reopen && e.reopened != 0 {
		return saga.Posted{Ref: e.ref(), Seq: e.reopened, Duplicate: true}, nil
	}
	seq := e.dedupe[msg.Dedupe] // "" is never in it
	p := saga.Posted{Ref: e.ref(), Seq: seq, Duplicate: seq != 0}
	switch {
	case e.finished != "" && (!msg.Reopen || e.finished != saga.KindCompleted):
		return saga.Posted{Ref: saga.Ref{ID: e.id}, Seq: seq, Duplicate: seq != 0}, saga.ErrFinished
	case p.Duplicate:
		return p, nil
	case msg.Reopen && e.finished == "":
		return saga.Posted{}, saga.ErrConflict
	case limited(msg.Event.Kind) && e.bytes+int64(size) > saga.SoftJournal:
		return saga.Posted{}, saga.ErrTooLarge
	}
	return p, nil
}

// limited tells whether events of this kind stop at the soft limit of a journal. Those that let a task end do not.
func limited(k saga.EventKind) bool {
	switch k { //nolint:exhaustive // the others come from outside only by mistake
	case saga.KindCancel, saga.KindResolved, saga.KindChildFinished, saga.KindUndoRequested:
		return false
	}
	return true
}

func (m *Memory) reopen(e *entry, now int64) {
	e.finished, e.expires, e.released, e.reopened = "", 0, false, e.length()
	delete(m.tombstones, e.id)
	m.open[e.id] = now + dueSlack.Microseconds()
}
