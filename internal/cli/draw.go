package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// drawing is a task as it is shown: on the screen while it moves, and as what is left in the end.
type drawing struct {
	task   saga.Task
	now    time.Time // by the API's clock
	tick   int       // which sign of the spinner
	width  int       // of the terminal; 0: no limit
	height int       // how many lines there may be; 0: no limit
	whole  bool      // errors in full, not on one line
	still  bool      // nothing turns
	notice string    // what is wrong with the connection
	paint  paint
}

// line is a text with its colour, as it is put together.
type line struct {
	paint paint
	limit int
	used  int
	text  string
}

// put appends a text, cut at the terminal's edge.
func (l *line) put(colour, s string) *line {
	if l.limit > 0 {
		s = clip(s, l.limit-l.used)
	}
	l.used += width(s)
	l.text += l.paint.in(colour, s)
	return l
}

// at moves to a column; at least one blank is left to what stands before.
func (l *line) at(column int) *line {
	return l.put("", strings.Repeat(" ", max(1, column-l.used)))
}

func (d *drawing) line() *line { return &line{paint: d.paint, limit: d.width} }

// lines draws the task.
func (d *drawing) lines() []string {
	head := d.head()
	foot := d.foot()
	steps := d.steps()
	if d.height > 0 { // the last steps are those that move; when it goes backwards, the place where that happens
		steps = d.window(steps, d.height-len(head)-len(foot))
	}
	return append(append(head, steps...), foot...)
}

// head says what task it is, and where it stands.
func (d *drawing) head() []string {
	t := d.task
	first := d.line().put(bold, plain(t.Type)).put("", "  ").put(dim, plain(t.ID))
	state := string(t.State)
	second := d.line()
	if t.State.Finished() || t.State == saga.Stuck || d.still {
		second.put(colourOf(state), d.sign(state)+" "+state)
	} else {
		second.put(colourOf(state), d.paint.glyphs.spinner[d.tick%len(d.paint.glyphs.spinner)]+" "+state)
	}
	if t.State == saga.Waiting && t.Phase == saga.Undo {
		second.put(colourOf("compensating"), " (undo)")
	}
	second.put("", "  "+lasting(d.elapsed()))
	if w := t.WaitingFor; w != nil && w.After(d.now) {
		second.put(cyan, "  goes on"+until(w, d.now))
	}
	if t.Service != "" {
		second.put(dim, "  service "+plain(t.Service))
	}
	if t.RetryOf != "" {
		second.put(dim, "  runs "+plain(t.RetryOf)+" again")
	}
	return append([]string{first.text, second.text}, d.held()...)
}

// held says which pauses hold the task, and whether it has no worker.
func (d *drawing) held() (list []string) {
	if d.task.Unserved {
		list = append(list, d.noteAt(0, yellow, unserved)...)
	}
	for _, p := range d.task.PausedBy {
		list = append(list, d.noteAt(0, yellow, pauseSays(p, d.now))...)
	}
	return list
}

const unserved = "no worker serves its queue at the moment"

// pauseSays tells who holds what, since when and why.
func pauseSays(p saga.Pause, now time.Time) string {
	return fmt.Sprintf("paused %s by %s (%s %s): %s", ago(now.Sub(p.Since)), p.By, p.Kind, p.Name, p.Reason)
}

// elapsed is how long the task has taken, as lists and pages tell it; before it has ended how long it is there.
func (d *drawing) elapsed() time.Duration {
	t := d.task
	switch {
	case t.CompletedAt == nil:
		return d.now.Sub(t.CreatedAt)
	case t.StartedAt == nil: // it ended before it began
		return t.CompletedAt.Sub(t.CreatedAt)
	}
	return t.CompletedAt.Sub(*t.StartedAt)
}

// bar has a cell for each step that began, or for several of them.
func (d *drawing) bar() string {
	steps := d.task.Steps
	if len(steps) == 0 {
		return ""
	}
	cells := min(len(steps), 30)
	l := d.line().put("", "  ")
	count := map[saga.StepState]int{}
	for _, s := range steps {
		count[s.State]++
	}
	for i := range cells {
		group := steps[i*len(steps)/cells : (i+1)*len(steps)/cells]
		glyph, colour := d.cell(group)
		l.put(colour, glyph)
	}
	l.put("", "  ")
	if d.task.Phase == saga.Undo {
		// What has failed for certain needs no undo.
		l.put("", fmt.Sprintf("%d of %d steps undone", count[saga.StepCompensated], len(steps)-count[saga.StepFailed]))
	} else {
		l.put("", fmt.Sprintf("%d of %d begun steps done", count[saga.StepCompleted], len(steps)))
	}
	return l.text
}

// cell is what stands for some steps: the one of them that needs most attention.
func (d *drawing) cell(group []saga.StepView) (glyph, colour string) {
	worst := group[0].State
	for _, s := range group {
		if attention(s.State) > attention(worst) {
			worst = s.State
		}
	}
	g := d.paint.glyphs
	colour = colourOf(string(worst))
	switch worst {
	case saga.StepCompleted:
		return g.full, colour
	case saga.StepRunning, saga.StepCompensating:
		return g.half, colour
	case saga.StepWaiting:
		return g.light, colour
	case saga.StepFailed:
		return g.failed, colour
	case saga.StepStuck:
		return g.stuck, colour
	case saga.StepNotUndone:
		return g.kept, colour
	case saga.StepCompensated:
	}
	return g.none, colour
}

func attention(s saga.StepState) int {
	order := []saga.StepState{
		saga.StepCompleted, saga.StepCompensated, saga.StepNotUndone, saga.StepFailed, saga.StepWaiting, saga.StepRunning,
		saga.StepCompensating, saga.StepStuck,
	}
	for i, o := range order {
		if o == s {
			return i
		}
	}
	return len(order)
}

// sign is the sign beside a state.
func (d *drawing) sign(state string) string {
	g := d.paint.glyphs
	switch state {
	case "completed":
		return g.done
	case "failed":
		return g.failed
	case "stuck":
		return g.stuck
	case "cancelled", "compensated":
		return g.undone
	case "compensating", "running":
		return g.running
	case "waiting":
		return g.waiting
	case "not_undone":
		return g.kept
	}
	return g.none
}
