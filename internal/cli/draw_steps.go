package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// lane is what one direction of a step came to.
type lane struct {
	says   string
	colour string
}

const marginLeft = 4 // before a step's name: the sign and blanks

// steps draws the steps, each with a lane forwards and, once the task goes backwards, a lane for the undo.
func (d *drawing) steps() []string {
	if len(d.task.Steps) == 0 {
		return nil
	}
	name, forward := d.columns()
	second := marginLeft + name + 2
	third := second + forward + 2
	back := d.backwards()
	head := d.line().put(dim, "    STEP").at(second).put(dim, "FORWARD")
	if back {
		head.at(third).put(dim, "UNDO")
	}
	list := []string{"", head.text}
	for _, s := range d.task.Steps {
		l := d.line().put("", "  ").put(colourOf(string(s.State)), d.moving(s)).put("", " ").put("", clip(plain(s.Path), name))
		do := d.forward(s)
		l.at(second).put(do.colour, clip(do.says, max(forward, 1)))
		if undo := d.undo(s); back && undo.says != "" {
			l.at(third).put(undo.colour, undo.says)
		}
		list = append(list, l.text)
		list = append(list, d.notes(s)...)
	}
	return list
}

// columns are the widths of the names and of the lane forwards.
func (d *drawing) columns() (name, forward int) {
	name, forward = 4, 7
	for _, s := range d.task.Steps {
		name = max(name, width(plain(s.Path)))
		forward = max(forward, width(d.forward(s).says))
	}
	if d.width > 0 {
		const undo = 20
		name = min(name, max(12, d.width*2/5))
		forward = min(forward, max(12, d.width-marginLeft-name-4-undo))
	}
	return name, forward
}

// backwards tells whether there is anything to say of an undo.
func (d *drawing) backwards() bool {
	if d.task.Phase == saga.Undo {
		return true
	}
	for _, s := range d.task.Steps {
		if d.undo(s).says != "" {
			return true
		}
	}
	return false
}

// moving is the sign of a step; one that is being done or undone turns.
func (d *drawing) moving(s saga.StepView) string {
	if (s.State == saga.StepRunning || s.State == saga.StepCompensating && s.NextAttemptAt == nil) && !d.still && !d.task.State.Finished() {
		return d.paint.glyphs.spinner[d.tick%len(d.paint.glyphs.spinner)]
	}
	return d.sign(string(s.State))
}

// forward is what came of doing a step.
func (d *drawing) forward(s saga.StepView) lane {
	state := s.State
	switch state {
	case saga.StepCompensating, saga.StepCompensated, saga.StepStuck, saga.StepNotUndone:
		switch {
		case s.CompletedAt == nil:
			return lane{"outcome unknown", yellow}
		case s.Error != "":
			state = saga.StepFailed
		default:
			state = saga.StepCompleted
		}
	case saga.StepRunning, saga.StepWaiting, saga.StepCompleted, saga.StepFailed:
	}
	says := string(state)
	switch {
	case state == saga.StepWaiting && s.NextAttemptAt != nil:
		says = fmt.Sprintf("attempt %d%s", s.Attempts+1, d.until(s.NextAttemptAt))
	case state == saga.StepWaiting:
		says = d.waits(s)
	case state == saga.StepRunning:
		says += "  " + lasting(d.now.Sub(s.StartedAt))
		if s.Attempts > 1 {
			says += fmt.Sprintf(", attempt %d", s.Attempts)
		}
	default:
		if s.CompletedAt != nil {
			says += "  " + lasting(s.CompletedAt.Sub(s.StartedAt))
		}
		if s.Attempts > 1 {
			says += fmt.Sprintf(", %d attempts", s.Attempts)
		}
	}
	return lane{says, colourOf(string(state))}
}

// waits tells for what a step waits.
func (d *drawing) waits(s saga.StepView) string {
	switch {
	case s.Human != nil:
		says := "waits for " + or(strings.Join(human(s).Roles, ", "), "a person")
		if s.DueAt != nil {
			says += ", due" + d.until(s.DueAt)
		}
		return plain(says)
	case s.Kind == saga.KindTimer && d.task.WaitingFor != nil:
		return "goes on" + d.until(d.task.WaitingFor)
	case s.Kind == saga.KindSignalled:
		return "waits for a signal"
	case s.Child != "":
		return "waits for a task"
	}
	return "waiting"
}

func (d *drawing) until(then *time.Time) string {
	if then.After(d.now) {
		return until(then, d.now)
	}
	return " now"
}

// undo is what came of undoing a step; nothing, when nobody has begun with that.
func (d *drawing) undo(s saga.StepView) lane {
	colour := colourOf(string(s.State))
	switch s.State {
	case saga.StepCompensating:
		switch {
		case s.NextAttemptAt != nil:
			return lane{fmt.Sprintf("attempt %d%s", s.UndoAttempts+1, d.until(s.NextAttemptAt)), colour}
		case s.UndoAttempts > 1:
			return lane{fmt.Sprintf("being undone, attempt %d", s.UndoAttempts), colour}
		}
		return lane{"being undone", colour}
	case saga.StepCompensated:
		if s.UndoAttempts > 1 {
			return lane{fmt.Sprintf("undone, %d attempts", s.UndoAttempts), colour}
		}
		return lane{"undone", colour}
	case saga.StepStuck:
		return lane{"stuck, " + times(s.UndoAttempts, "attempt"), colour}
	case saga.StepNotUndone:
		return lane{"not undone", colour}
	case saga.StepRunning, saga.StepWaiting, saga.StepCompleted, saga.StepFailed:
	}
	return lane{}
}

// notes are the lines below a step: its errors, and what is asked of people.
func (d *drawing) notes(s saga.StepView) (list []string) {
	if s.Error != "" && s.State != saga.StepCompleted {
		list = append(list, d.note(red, s.Error)...)
	}
	if s.UndoError != "" && s.State != saga.StepCompensated {
		list = append(list, d.note(red, "undo: "+s.UndoError)...)
	}
	if s.Human != nil && s.State == saga.StepWaiting {
		list = append(list, d.note("", human(s).Title)...)
		list = append(list, d.note(dim, "osp task answer "+d.task.ID+" "+shellWord(s.Path)+" --answer '{…}'")...)
	}
	if s.Child != "" {
		list = append(list, d.note(dim, "task "+s.Child)...)
	}
	return list
}

// note is a text below a step: one line while the task moves, all of it in the end.
func (d *drawing) note(colour, text string) []string { return d.noteAt(marginLeft+2, colour, text) }

func (d *drawing) noteAt(indent int, colour, text string) (list []string) {
	if text == "" {
		return nil
	}
	if !d.whole {
		return []string{d.line().put("", strings.Repeat(" ", indent)).put(colour, plain(text)).text}
	}
	for _, part := range lines(text) {
		room := 0
		if d.width > 0 {
			room = max(20, d.width-indent)
		}
		for _, l := range wrap(part, room) {
			list = append(list, strings.Repeat(" ", indent)+d.paint.in(colour, l))
		}
	}
	return list
}

func human(s saga.StepView) (h struct {
	Title string   `json:"title"`
	Roles []string `json:"roles"`
},
) {
	_ = json.Unmarshal(s.Human, &h) // of a newer API: then there is no more to say
	return h
}
