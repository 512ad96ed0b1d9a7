package cli

import (
	"fmt"
	"strings"

	"github.com/osp-platform/osp/saga"
)

// foot is what stands below the steps: the bar, what went wrong, and what to do about it.
func (d *drawing) foot() []string {
	t := d.task
	var list []string
	if bar := d.bar(); bar != "" {
		list = append(list, "", bar)
	}
	if t.Error != "" && !d.told() {
		list = append(list, "")
		list = append(list, d.note(red, t.Error)...)
	}
	if len(t.NotUndone) > 0 {
		list = append(list, "")
		list = append(list, d.note(yellow, "Not undone: "+strings.Join(t.NotUndone, ", "))...)
	}
	if t.State == saga.Stuck {
		list = append(list, "")
		for _, s := range t.Steps {
			if s.State == saga.StepStuck {
				list = append(list, "  "+plain(fmt.Sprintf("osp task resolve %s %s --action retry|skip|done --reason …", t.ID, shellWord(s.Path))))
			}
		}
	}
	if d.notice != "" {
		list = append(list, "", d.line().put(yellow, "  "+plain(d.notice)).text)
	}
	return list
}

// told tells whether a step's error says what the task's does.
func (d *drawing) told() bool {
	for _, s := range d.task.Steps {
		if s.Error != "" && s.State != saga.StepCompleted && strings.HasSuffix(strings.TrimSpace(d.task.Error), strings.TrimSpace(s.Error)) {
			return true
		}
	}
	return false
}

// shellWord quotes what a shell would take for something else.
func shellWord(s string) string {
	if !strings.ContainsAny(s, " \t[]*?$&|;<>()'\"\\`!{}#~") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// window keeps n lines of the steps: around the last one that moves, with a word on how many are left out.
func (d *drawing) window(list []string, n int) []string {
	if len(list) <= n {
		return list
	}
	n = max(n, 4)
	if len(list) <= n {
		return list
	}
	top := list[:2] // a blank and the heads
	rest, keep := list[2:], n-3
	start := len(rest) - keep
	if at := d.focus(); at >= 0 && d.task.Phase == saga.Undo {
		at = at * len(rest) / max(1, len(d.task.Steps)) // notes make it less than exact
		start = max(0, min(start, at-keep/2))
	}
	out := append([]string{}, top...)
	out = append(out, d.line().put(dim, fmt.Sprintf("    … %d more lines: osp task get shows all", len(rest)-keep)).text)
	return append(out, rest[start:start+keep]...)
}

// focus is the first step that is being undone, or the last that is not.
func (d *drawing) focus() int {
	at := -1
	for i, s := range d.task.Steps {
		if s.State == saga.StepCompensating || s.State == saga.StepStuck {
			return i
		}
		if s.State != saga.StepCompensated {
			at = i
		}
	}
	return at
}
