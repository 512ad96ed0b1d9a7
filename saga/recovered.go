package saga

import (
	"encoding/json"
	"strconv"
)

// recovered folds the loss of a journal's end. Whatever had no result then may have got any: it may have been called
// again, or for the first time, and failed, succeeded or been undone.
func (r *Record) recovered(e Event) {
	r.Recovered = e.At
	for _, s := range r.Steps {
		if s.Do.State != AttemptDone && s.Do.State != AttemptFailed {
			s.Do.LostAt = MicrosOf(e.At)
		}
		// A child may be lost too, or may have lost what it was told. Both calls may be repeated.
		s.ChildStarted, s.ChildUndoSent = false, false
		s.ChildAgain = s.ChildState == Failed || s.ChildState == Cancelled
	}
}

// lostUntil is until when a call may still be under way of which only the lost journal knew. A do whose fence told that
// it happened has nothing more to do.
func (a *Attempts) lostUntil(s *Step) Micros {
	if a.LostAt == 0 || a.State == AttemptDone && a.EndedAt == a.LostAt {
		return 0
	}
	return MicrosOf(a.LostAt.Time().Add(s.timeout()))
}

// undoneAlready returns a step that has been undone although nothing in the journal says why: what is lost was a
// compensation. Where a step may fail and the task go on, its undo alone says nothing.
func (k *walker) undoneAlready() string {
	if k.r.Recovered.IsZero() {
		return ""
	}
	steps := indexSteps(&k.w.Root, map[string]*Step{})
	for _, rec := range k.r.Steps {
		s := steps[stepName(rec.Path)]
		if s == nil || rec.Undo.State != AttemptDone || rec.Do.State == AttemptFailed {
			continue
		}
		if s.OnError != ContinueOnError || rec.Do.State == AttemptDone {
			return rec.Path
		}
	}
	return ""
}

// assume returns the starts that the lost end of the journal may have held, in the order of the tree: they are recorded
// before compensation, so that what may have begun is undone. Of a journal that was never lost there are none.
func (k *walker) assume() []Event {
	if k.r.Recovered.IsZero() {
		return nil
	}
	a := assumption{r: k.r}
	a.past(&k.w.Root, Scope{record: k.r})
	return a.events
}

// assumption walks on from where the record stands, as far as the lost history may have got.
type assumption struct {
	r      *Record
	events []Event
}

// past tells whether the lost history may have got past a step, and takes what it may have begun of it as begun.
func (a *assumption) past(s *Step, sc Scope) bool {
	switch s.Kind {
	case KindSequence:
		for i := range s.Steps {
			if !a.past(&s.Steps[i], sc) {
				return false
			}
		}
		return true
	case KindParallel:
		all := true
		for i := range s.Steps {
			all = a.past(&s.Steps[i], sc) && all
		}
		return all
	case KindCondition:
		return a.condition(s, sc)
	case KindLoop:
		return a.loop(s, sc)
	case KindTimer, KindSignalled:
		rec := a.r.Step(sc.prefix + s.Name)
		return rec == nil || a.maybePast(s, rec)
	case KindActivity, KindChild:
		return a.leaf(s, sc)
	}
	return false
}

// maybePast tells whether a begun step may have come to its end. What failed for good before the loss had.
func (a *assumption) maybePast(s *Step, rec *StepRecord) bool {
	return rec.Do.State != AttemptFailed || rec.Do.LostAt != 0 || s.OnError == ContinueOnError
}

func (a *assumption) condition(s *Step, sc Scope) bool {
	path := sc.prefix + s.Name
	raw, decided := a.r.Decisions[path]
	if !decided {
		branch, err := guard2(func() (int, error) { return s.Choose(sc) })
		if err != nil {
			return false
		}
		raw = json.RawMessage(strconv.Itoa(branch))
		a.decided(s, path, raw)
	}
	branch, err := strconv.Atoi(string(raw))
	if err != nil || branch >= len(s.Steps) {
		return false
	}
	return branch < 0 || a.past(&s.Steps[branch], sc)
}

func (a *assumption) loop(s *Step, sc Scope) bool {
	path := sc.prefix + s.Name
	items, decided := a.r.items(path)
	if !decided {
		var err error
		if items, err = guard2(func() ([]json.RawMessage, error) { return s.Items(sc) }); err != nil {
			return false
		}
		data, err := json.Marshal(items)
		if err != nil || len(data) > MaxOutput {
			return false
		}
		a.decided(s, path, data)
	}
	all := true
	for i := range items {
		in := Scope{record: a.r, prefix: iteration(path, i), item: items[i], index: i}
		all = a.past(&s.Steps[0], in) && all
		if !all && s.Concurrency <= 1 {
			return false
		}
	}
	return all
}

func (a *assumption) decided(s *Step, path string, data json.RawMessage) {
	a.events = append(a.events, Event{Kind: KindDecided, Path: path, StepKind: s.Kind, Data: data})
}

// leaf assumes that an activity or a child began. What has no input yet, because an output before it is not known, is
// where the walk ends: without an input it could not be undone.
func (a *assumption) leaf(s *Step, sc Scope) bool {
	path := sc.prefix + s.Name
	if rec := a.r.Step(path); rec != nil {
		return a.maybePast(s, rec)
	}
	work := Work{Step: s, Path: path}
	if s.Kind == KindChild {
		work.Child = childID(a.r.Created.ID, path)
	}
	if err := work.ask(sc); err != nil {
		return s.OnError == ContinueOnError
	}
	if s.hasEffect() {
		e := work.started(a.r.Recovered)
		e.Flags = Assumed
		a.events = append(a.events, e)
	}
	return true
}
