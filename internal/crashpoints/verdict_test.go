package crashpoints

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// ended is a task of a run that has come to its end.
type ended struct {
	*saga.Record
	snapshot *saga.Snapshot
}

// judge holds a run that has come to its end to what was promised.
func (w *world) judge() {
	known := map[string]bool{} // steps, by task and path
	for _, key := range w.journal.Left() {
		id, ok := strings.CutPrefix(key, "journal ")
		if !ok {
			continue
		}
		e := ended{w.record(id), w.read(id)}
		w.judgeEnd(e)
		for _, s := range e.Steps {
			known[id+"/"+s.Path] = true
			w.judgeStep(e, s)
		}
		w.judgeOrder(e)
		w.judgeRow(e)
	}
	for name, x := range w.effects.steps {
		if x.key != "" && !known[name] {
			w.fail(disorder, "the effect of %s happened, and no journal knows it", name)
		}
	}
	w.judgeLeft()
}

// judgeEnd holds that the task has ended, and that a cancel which was accepted before its end was heeded.
func (w *world) judgeEnd(e ended) {
	if !e.State.Finished() && e.State != saga.Stuck {
		w.fail(forgotten, "task %s is %s, and nobody looks after it", e.Created.ID, e.State)
	}
	if e.State == saga.Completed && e.Cancel != nil {
		w.fail(forgotten, "task %s is completed, although it was cancelled before", e.Created.ID)
	}
}

// judgeStep holds that a begun step is completed, or undone, as the task's end says.
func (w *world) judgeStep(e ended, s *saga.StepRecord) {
	x := w.effects.steps[e.Created.ID+"/"+s.Path]
	if x == nil {
		return
	}
	bad := func(what string) {
		w.fail(forgotten, "task %s is %s, and the effect of its step %s %s", e.Created.ID, e.State, s.Path, what)
	}
	here := x.key != "" && x.undone == ""
	completed := e.State == saga.Completed && s.Do.State == saga.AttemptDone
	excused := s.NotUndone || slices.Contains(e.NotUndone, s.Path) || w.s.resolved && s.Undo.State == saga.AttemptDone
	switch {
	case completed && !here:
		bad("is not there")
	case !completed && here && e.State != saga.Stuck && !excused:
		bad("is left over")
	}
}

// judgeOrder holds that undos happen in the reverse order of the steps' start.
func (w *world) judgeOrder(e ended) {
	turned := e.turned()
	var want []string
	for _, s := range slices.Backward(e.Steps) {
		x := w.effects.steps[e.Created.ID+"/"+s.Path]
		if x != nil && x.undone != "" && !s.Undo.EndedAt.Time().Before(turned) {
			want = append(want, "undo "+e.Created.ID+"/"+s.Path)
		}
	}
	got := slices.DeleteFunc(slices.Clone(w.effects.trail), func(line string) bool { return !slices.Contains(want, line) })
	if !slices.Equal(got, want) {
		w.fail(disorder, "undone in the order %v, not %v", got, want)
	}
}

// turned is when the whole task turned back. A step that goes on after its failure is undone before.
func (e ended) turned() time.Time {
	for _, event := range e.snapshot.Events {
		if event.Kind == saga.KindCompensationStarted || event.Kind == saga.KindUndoRequested {
			return event.At
		}
	}
	return e.snapshot.Events[len(e.snapshot.Events)-1].At
}

// judgeRow holds that the store has what the journal says.
func (w *world) judgeRow(e ended) {
	row, err := w.store.Get(w.t.Context(), e.Created.ID)
	if err != nil {
		w.fail(forgotten, "task %s has no row", e.Created.ID)
		return
	}
	if got, want := text(row), text(e.Task(e.snapshot.Version)); got != want {
		w.fail(forgotten, "the row of task %s is\n%s\nand its journal says\n%s", e.Created.ID, got, want)
	}
}

func text(t saga.Task) string {
	raw, err := json.Marshal(t)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// judgeLeft holds that nothing is left behind once it has expired. What is stuck stays.
func (w *world) judgeLeft() {
	if w.state(root) == saga.Stuck {
		return
	}
	time.Sleep(keep + window + time.Minute)
	if left := w.journal.Left(); len(left) > 0 {
		w.fail(disorder, "left behind: %v", left)
	}
}
