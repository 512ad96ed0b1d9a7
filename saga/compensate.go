package saga

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// compensate decides for a task in the undo phase: the steps that began are undone in the reverse order of their start,
// one at a time.
func (k *walker) compensate() {
	steps := indexSteps(&k.w.Root, map[string]*Step{})
	for _, rec := range slices.Backward(k.r.Steps) {
		s := steps[stepName(rec.Path)]
		if s == nil || s.settled(rec) && !rec.ChildAgain {
			continue
		}
		if rec.Undo.State == AttemptFailed {
			k.record(Event{Kind: KindStuck, Path: rec.Path, Error: rec.Undo.Error})
			return
		}
		k.undo(s, rec)
		return
	}
	k.record(k.verdict(steps))
}

// verdict is the terminal event of a task that is undone as far as can be.
func (k *walker) verdict(steps map[string]*Step) Event {
	e := Event{Kind: KindFailed, Error: k.r.Reason}
	for _, rec := range k.r.Steps {
		if s := steps[stepName(rec.Path)]; s != nil && (rec.NotUndone || s.hasEffect() && !s.undoable() && !rec.Do.neverHappened()) {
			e.Paths = append(e.Paths, rec.Path)
		}
	}
	if k.r.Wished && len(e.Paths) == 0 {
		e.Kind = KindCancelled
	}
	return e
}

// undo decides about the undo of one step.
func (k *walker) undo(s *Step, rec *StepRecord) {
	if until := rec.Do.unresolved(s); !until.IsZero() && s.Kind == KindActivity {
		// A call may still be under way somewhere, and must not act after its undo.
		if over := until.Add(Grace); k.m.Now.Before(over) {
			k.due(over)
			return
		}
	}
	switch rec.Undo.State {
	case AttemptRetry:
		if k.m.Now.Before(rec.Undo.RetryAt.Time()) {
			k.due(rec.Undo.RetryAt.Time())
			return
		}
	case AttemptStarted:
		if k.m.InFlight[rec.Path] || rec.ChildUndoSent || k.crashLoop(rec, true) {
			return
		}
	case AttemptNone, AttemptDone, AttemptFailed:
	}
	a := &rec.Undo
	work := Work{
		Step: s, Path: rec.Path, Undo: true, Attempt: a.next(), N: a.N, Child: rec.Child,
		Output: rec.Output,
	}
	if err := work.ask(k.scopeOf(rec.Path)); err != nil {
		k.notice(err)
		k.record(Event{
			Kind: KindAttemptFailed, Path: rec.Path, Undo: true, Flags: Final, Error: shorten(fmt.Sprintf("its input: %v", err)),
		})
		return
	}
	// One that had been started, and is not there when it is undone, was lost meanwhile.
	work.Task.Again = work.Task.Again || rec.ChildStarted
	k.d.Work = append(k.d.Work, work)
}

// hasEffect tells whether the step may have changed the world.
func (s *Step) hasEffect() bool {
	return (s.Kind == KindActivity || s.Kind == KindChild) && !s.NoEffect
}

// undoable tells whether there is an undo for what the step did.
func (s *Step) undoable() bool {
	return s.hasEffect() && !s.Irreversible && (s.Undo != nil || s.Kind == KindChild)
}

// settled tells whether nothing more is to be done about a step in the undo phase.
func (s *Step) settled(rec *StepRecord) bool {
	return !s.undoable() || rec.NotUndone || rec.Undo.State == AttemptDone || rec.Do.neverHappened()
}

// indexSteps collects a tree's steps by name.
func indexSteps(s *Step, into map[string]*Step) map[string]*Step {
	if s.Name != "" {
		into[s.Name] = s
	}
	for i := range s.Steps {
		indexSteps(&s.Steps[i], into)
	}
	return into
}

// stepName is the last part of a path: "items[2]/charge" gives "charge".
func stepName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// scopeOf is the scope in which the step at path ran.
func (k *walker) scopeOf(path string) Scope {
	prefix := path[:strings.LastIndexByte(path, '/')+1]
	if prefix == "" {
		return Scope{record: k.r}
	}
	at := strings.LastIndexByte(prefix, '[')
	loop, index := prefix[:at], strings.TrimSuffix(prefix[at+1:], "]/")
	i, err := strconv.Atoi(index)
	items, _ := k.r.items(loop)
	if err != nil || i < 0 || i >= len(items) {
		return Scope{record: k.r, prefix: prefix}
	}
	return k.inLoop(loop, items, i)
}
