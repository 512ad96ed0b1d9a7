package cli

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

var (
	noon  = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	quiet = paint{glyphs: utf8Glyphs}
)

// after is a moment behind noon.
func after(seconds float64) *time.Time {
	t := noon.Add(time.Duration(seconds * float64(time.Second)))
	return &t
}

// step is a step that began at noon.
func step(path string, state saga.StepState, change func(*saga.StepView)) saga.StepView {
	s := saga.StepView{Path: path, Kind: saga.KindActivity, State: state, Attempts: 1, StartedAt: noon}
	if state != saga.StepRunning && state != saga.StepWaiting {
		s.CompletedAt = after(0.4)
	}
	if change != nil {
		change(&s)
	}
	return s
}

func TestDrawings(t *testing.T) {
	cases := []struct {
		name string
		task saga.Task
		want string
	}{
		{"forwards", saga.Task{State: saga.Waiting, Phase: saga.Forward, WaitingFor: after(14), Service: "bistro", Steps: []saga.StepView{
			step("book", saga.StepCompleted, nil),
			step("charge", saga.StepWaiting, func(s *saga.StepView) {
				s.NextAttemptAt, s.Error = after(14), "the bank is away\nfor now"
			}),
			step("ask[0]", saga.StepWaiting, func(s *saga.StepView) {
				s.Kind, s.Human, s.DueAt = saga.KindSignalled, json.RawMessage(`{"title":"May they?","roles":["chef"]}`), after(70)
			}),
			step("pause", saga.StepWaiting, func(s *saga.StepView) { s.Kind = saga.KindTimer }),
			step("cook", saga.StepRunning, func(s *saga.StepView) { s.Attempts = 2 }),
		}}, `
work  t1
⠋ waiting  10 s  goes on in 4.0 s  service bistro

    STEP    FORWARD
  ✓ book    completed  0.4 s
  ◌ charge  attempt 2 in 4.0 s
      the bank is away for now
  ◌ ask[0]  waits for chef, due in 1 min
      May they?
      osp task answer t1 'ask[0]' --answer '{…}'
  ◌ pause   goes on in 4.0 s
  ⠋ cook    running  10 s, attempt 2

  █░░░▓  1 of 5 begun steps done`},
		{"held", saga.Task{State: saga.Pending, Phase: saga.Forward, Unserved: true, PausedBy: []saga.Pause{
			{PauseKey: saga.PauseKey{Kind: saga.PauseType, Name: "work"}, By: "ada", Reason: "the bank\nis\u009b2J away", Since: noon},
			{PauseKey: saga.PauseKey{Kind: saga.PauseQueue, Name: "low"}, By: "asynqmon", Reason: "r", Since: noon.Add(-3 * time.Hour)},
		}}, `
work  t1
⠋ pending  10 s
no worker serves its queue at the moment
paused 10 s ago by ada (type work): the bank is\u009b2J away
paused 3 h ago by asynqmon (queue low): r`},
		{"backwards", saga.Task{State: saga.Compensating, Phase: saga.Undo, Error: "step c: no", Steps: []saga.StepView{
			step("a", saga.StepCompleted, nil),
			step("b", saga.StepCompensating, func(s *saga.StepView) { s.UndoAttempts, s.NextAttemptAt, s.UndoError = 2, after(11), "busy" }),
			step("c", saga.StepFailed, func(s *saga.StepView) { s.Attempts, s.Error = 3, "no" }),
			step("d", saga.StepCompensated, func(s *saga.StepView) { s.CompletedAt = nil }),
			step("e", saga.StepNotUndone, nil),
		}, NotUndone: []string{"e"}}, `
work  t1
⠋ compensating  10 s

    STEP  FORWARD                    UNDO
  ✓ a     completed  0.4 s
  ● b     completed  0.4 s           attempt 3 in 1.0 s
      undo: busy
  ✗ c     failed  0.4 s, 3 attempts
      no
  ↶ d     outcome unknown            undone
  ≠ e     completed  0.4 s           not undone

  █▓✗·≠  1 of 4 steps undone

      Not undone: e`},
		{"stuck", saga.Task{State: saga.Stuck, Phase: saga.Undo, Error: "it was cancelled", Steps: []saga.StepView{
			step("lines[3]/buy", saga.StepStuck, func(s *saga.StepView) { s.UndoAttempts, s.UndoError = 5, "gone" }),
		}}, `
work  t1
! stuck  10 s

    STEP          FORWARD           UNDO
  ! lines[3]/buy  completed  0.4 s  stuck, 5 attempts
      undo: gone

  !  0 of 1 steps undone

      it was cancelled

  osp task resolve t1 'lines[3]/buy' --action retry|skip|done --reason …`},
		{"not begun", saga.Task{State: saga.Pending, WaitingFor: after(3600), RetryOf: "t0"}, `
work  t1
⠋ pending  10 s  goes on in 59 min 50 s  runs t0 again`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.task.ID, c.task.Type, c.task.CreatedAt = "t1", "work", noon
			d := drawing{task: c.task, now: *after(10), width: 80, paint: quiet}
			var list []string
			for _, l := range d.lines() {
				list = append(list, strings.TrimRight(l, " "))
			}
			if got, want := strings.Join(list, "\n"), strings.TrimPrefix(c.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// Whatever a task has, no line is wider than the terminal, and nothing but colours gets through to it.
func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	texts := []string{"a", strings.Repeat("long", 40), "日本語の名前", "esc\x1b[2J", "rtl\u202e", "", strings.Repeat("w ", 90), "lines[3]/x"}
	text := func() string { return texts[r.IntN(len(texts))] }
	states := []saga.StepState{
		saga.StepRunning, saga.StepWaiting, saga.StepCompleted, saga.StepFailed, saga.StepCompensating, saga.StepCompensated,
		saga.StepStuck, saga.StepNotUndone,
	}
	for range 400 {
		task := saga.Task{
			ID: text(), Type: text(), Service: text(), Error: text(), RetryOf: text(), CreatedAt: noon,
			State: saga.States[r.IntN(len(saga.States))], Phase: []saga.Phase{saga.Forward, saga.Undo}[r.IntN(2)], WaitingFor: after(60),
		}
		for range r.IntN(40) {
			task.Steps = append(task.Steps, step(text(), states[r.IntN(len(states))], func(s *saga.StepView) {
				s.Error, s.UndoError, s.Child, s.Attempts = text(), text(), text(), r.IntN(9)
				if r.IntN(4) == 0 {
					s.Human, s.NextAttemptAt = json.RawMessage(fmt.Sprintf(`{"title":%q,"roles":["r"]}`, "t\x1b")), after(70)
				}
			}))
		}
		columns, rows := 40+r.IntN(100), 12+r.IntN(40)
		d := drawing{task: task, now: *after(10), width: columns, height: rows, notice: text(), paint: paint{colour: true, glyphs: utf8Glyphs}}
		list := d.lines()
		for _, l := range list {
			if strings.ContainsAny(bare(l), "\x1b\u202e") || width(bare(l)) > columns && !strings.Contains(l, "osp task resolve") {
				t.Fatalf("in %d columns: %q", columns, l)
			}
		}
		if len(task.NotUndone) == 0 && task.State != saga.Stuck && len(list) > rows {
			t.Fatalf("%d lines in %d rows:\n%s", len(list), rows, strings.Join(list, "\n"))
		}
	}
}

func TestATaskWithManySteps(t *testing.T) {
	task := saga.Task{ID: "t1", Type: "work", State: saga.Running, CreatedAt: noon}
	for i := range 5000 {
		state := saga.StepCompleted
		if i == 4999 {
			state = saga.StepRunning
		}
		task.Steps = append(task.Steps, step(fmt.Sprintf("s%d", i), state, nil))
	}
	d := drawing{task: task, now: *after(10), width: 80, height: 23, paint: quiet}
	got := strings.Join(d.lines(), "\n")
	for _, want := range []string{"more lines: osp task get shows all", "⠋ s4999  running", strings.Repeat("█", 29) + "▓  4999 of 5000 begun steps done"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	for i := range task.Steps { // the other way: what is being undone is in sight
		if i > 2000 {
			task.Steps[i].State = saga.StepCompensated
		}
	}
	task.Steps[2000].State, task.State, task.Phase = saga.StepCompensating, saga.Compensating, saga.Undo
	d.task = task
	if got := strings.Join(d.lines(), "\n"); !strings.Contains(got, "s2000") || strings.Contains(got, "s4999") {
		t.Errorf("what is being undone is not in sight:\n%s", got)
	}
}

func TestTheScreenIsDrawnOver(t *testing.T) {
	var b strings.Builder
	columns := 20
	s := &screen{out: &b, size: func() (int, int) { return columns, 10 }}
	s.draw([]string{"one", strings.Repeat("x", 20)})
	b.Reset()
	s.draw([]string{"one", strings.Repeat("x", 20)})
	if b.String() != "" {
		t.Errorf("nothing has changed, and %q is written", b.String())
	}
	s.draw([]string{"one", "two"})
	if !strings.Contains(b.String(), "\r\x1b[2A") {
		t.Errorf("it does not go back 2 lines: %q", b.String())
	}
	s.draw([]string{"one", strings.Repeat("x", 20)})
	columns = 10 // the terminal has broken the second line
	b.Reset()
	s.erase()
	if got, want := b.String(), "\r\x1b[3A\x1b[J\x1b[?25h"; got != want {
		t.Errorf("it is taken away by %q, want %q", got, want)
	}
}

func TestTablesFitTheTerminal(t *testing.T) {
	table := newTable("ID", "ID", "TYPE", "EMPTY", "ERROR")
	table.add(cell{"0199aaaabbbbccccddddeeeeffff0000", ""}, cell{"a.type.of.tasks", ""}, cell{}, cell{strings.Repeat("long ", 50) + "\x1b[2J", red})
	table.add(cell{"short", ""}, cell{"日本語", ""}, cell{}, cell{})
	table.dropEmpty()
	for _, columns := range []int{0, 40, 60, 80, 200} {
		var b strings.Builder
		if err := table.write(&b, quiet, columns); err != nil {
			t.Fatal(err)
		}
		for l := range strings.Lines(b.String()) {
			if l = strings.TrimRight(l, "\n"); columns > 0 && width(l) > columns || strings.Contains(l, "\x1b") || strings.Contains(l, "EMPTY") {
				t.Errorf("in %d columns: %q takes %d", columns, l, width(l))
			}
		}
		if columns >= 60 && !strings.Contains(b.String(), "0199aaaabbbbccccddddeeeeffff0000") {
			t.Errorf("in %d columns the id is cut:\n%s", columns, b.String())
		}
	}
}

func TestColoursAreWanted(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want bool
	}{
		"no terminal":                    {nil, false},
		"forced":                         {map[string]string{"CLICOLOR_FORCE": "1"}, true},
		"not wanted, whatever is forced": {map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, false},
	} {
		w := World{Lookup: func(n string) (string, bool) { v, ok := c.env[n]; return v, ok }}
		if got := paintFor(w, &strings.Builder{}).colour; got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestColumnsAreLeftOutBeforeIdsAreCut(t *testing.T) {
	const id = "0199aaaabbbbccccddddeeeeffff0000"
	table := newTable("ID TYPE STATE AGE", "ID", "TYPE", "STATE", "AGE", "TOOK", "SERVICE", "ERROR")
	table.add(cell{id, ""}, cell{"entity.create", ""}, cell{"cancelled", ""}, cell{"22 s", ""}, cell{"1.0 s", ""}, cell{"restaurant_1", ""}, cell{strings.Repeat("why ", 30), ""})
	var b strings.Builder
	if err := table.write(&b, quiet, 80); err != nil {
		t.Fatal(err)
	}
	if want := "ID                                TYPE           STATE      AGE   TOOK\n" + id + "  entity.create  cancelled  22 s  1.0 s\n"; b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
