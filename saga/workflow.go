package saga

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"time"
)

// StepKind says what a step is.
type StepKind string

// The kinds of steps. Activities are the leaves that have an effect.
const (
	KindActivity  StepKind = "activity"
	KindSequence  StepKind = "sequence"
	KindParallel  StepKind = "parallel"
	KindCondition StepKind = "condition"
	KindLoop      StepKind = "loop"
	KindTimer     StepKind = "timer"
	KindSignalled StepKind = "signal"
	KindChild     StepKind = "child"
)

// Workflow is what a task of some type does.
type Workflow struct {
	Name    string
	Version int
	Root    Step
	// Deadline is how long the whole task may take before it is compensated. Zero: for ever.
	Deadline time.Duration
	// Output makes the task's output. Nil: the output of the last step.
	Output func(Scope) (json.RawMessage, error)
}

// Step is a node of a workflow's tree. It is plain data with functions at the leaves: Go definitions make it with
// [Activity], [Sequence] and their like, definitions that are data make it directly.
type Step struct {
	Kind StepKind
	// Name is unique in the workflow. Sequences need none.
	Name string
	// Steps are: a sequence's steps in order, a parallel's branches, a condition's branches, a loop's body (one).
	Steps []Step

	// Input makes the input of an activity's calls. It must be a pure function of the scope.
	Input func(Scope) (json.RawMessage, error)
	// Do is called until it succeeds or fails for good.
	Do func(ctx context.Context, c Call, input json.RawMessage) (json.RawMessage, error)
	// Undo compensates Do. Output is nil when it is not known whether Do happened, so it tolerates "never happened".
	Undo func(ctx context.Context, c Call, input, output json.RawMessage) error

	Retry        Retry
	UndoRetry    Retry
	Timeout      time.Duration // of one attempt; for a signal: how long to wait (zero: for ever)
	UndoTimeout  time.Duration
	OnError      OnError
	Irreversible bool // has an effect that cannot be undone
	NoEffect     bool // has no effect: nothing to undo, never listed under not_undone

	// Choose picks a condition's branch by index; -1 picks none.
	Choose func(Scope) (int, error)
	// Items makes a loop's collection.
	Items func(Scope) ([]json.RawMessage, error)
	// Concurrency is how many of a loop's iterations run at once. Zero: one.
	Concurrency int
	// For is how long a timer waits.
	For func(Scope) (time.Duration, error)
	// Signal is the name of the signal that a wait consumes.
	Signal string
	// Human tells that a person is to send the signal. It is no part of the tree's hash.
	Human *Human
	// Child makes the child task of a child step.
	Child func(Scope) (ChildTask, error)
}

// ChildTask says what a child step starts. Its id follows from the parent and the step.
type ChildTask struct {
	Type  string
	Input json.RawMessage
	// Again is set by the engine: the child may have begun before although it has no journal. It was started, and is lost
	// now, or the parent's journal was.
	Again bool
}

// Call tells a do or an undo about the attempt it is.
type Call struct {
	Task    Created
	Path    string
	Key     string // idempotency key: the same for every attempt that may be a replay of an earlier one
	Undo    bool
	Attempt int // from 1
	// Deadline is when the attempt's context ends.
	Deadline time.Time
}

// Fence returns what identifies this call's effect.
func (c Call) Fence() Fence {
	return Fence{Task: c.Task.ID, Path: c.Path, Key: c.Key, Undo: c.Undo}
}

// Sequence runs steps one after the other.
func Sequence(steps ...Step) Step { return Step{Kind: KindSequence, Steps: steps} }

// Parallel runs branches side by side. When one fails for good, its siblings are cancelled and awaited.
func Parallel(name string, branches ...Step) Step {
	return Step{Kind: KindParallel, Name: name, Steps: branches}
}

// Condition runs then if test holds, else otherwise (which may be the zero Step: nothing).
func Condition(name string, test func(Scope) (bool, error), then, otherwise Step) Step {
	branches := []Step{then}
	if otherwise.Kind != "" {
		branches = append(branches, otherwise)
	}
	return Step{Kind: KindCondition, Name: name, Steps: branches, Choose: func(s Scope) (int, error) {
		ok, err := test(s)
		switch {
		case ok:
			return 0, err
		case len(branches) > 1:
			return 1, err
		}
		return -1, err
	}}
}

// Loop runs body once for each item; in it, [Scope.Item] and [Scope.Index] tell which.
func Loop[T any](name string, items func(Scope) ([]T, error), body Step) Step {
	return Step{Kind: KindLoop, Name: name, Steps: []Step{body}, Items: func(s Scope) ([]json.RawMessage, error) {
		list, err := items(s)
		if err != nil {
			return nil, err
		}
		out := make([]json.RawMessage, len(list))
		for i, item := range list {
			if out[i], err = json.Marshal(item); err != nil {
				return nil, fmt.Errorf("item %d: %w", i, err)
			}
		}
		return out, nil
	}}
}

// Timer waits for d, holding no worker.
func Timer(name string, d time.Duration) Step {
	return Step{Kind: KindTimer, Name: name, For: func(Scope) (time.Duration, error) { return d, nil }}
}

// Signal waits for a signal, which may have come before; its payload is the step's output. A wait that lasts longer
// than timeout (zero: for ever) fails.
func Signal(name, signal string, timeout time.Duration) Step {
	return Step{Kind: KindSignalled, Name: name, Signal: signal, Timeout: timeout}
}

// Child starts a task of another type and waits for its end. Its undo cancels the child, or compensates it when it had
// completed.
func Child(name, taskType string, input func(Scope) (json.RawMessage, error)) Step {
	return Step{Kind: KindChild, Name: name, Child: func(s Scope) (ChildTask, error) {
		in, err := input(s)
		return ChildTask{Type: taskType, Input: in}, err
	}}
}

var validName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,63}$`).MatchString

// Check tells what is wrong with the workflow, if anything is.
func (w *Workflow) Check() error {
	if w.Name == "" {
		return fmt.Errorf("workflow: it has no name")
	}
	if err := w.Root.check(map[string]bool{}); err != nil {
		return fmt.Errorf("workflow %s: %w", w.Name, err)
	}
	return nil
}

func (s *Step) check(seen map[string]bool) error {
	if s.Kind != KindSequence {
		if !validName(s.Name) {
			return fmt.Errorf("%s step: the name %q is not a letter followed by at most 63 letters, digits, _ . -", s.Kind, s.Name)
		}
		if seen[s.Name] {
			return fmt.Errorf("step %s: the name is used twice", s.Name)
		}
		seen[s.Name] = true
	}
	if missing := s.missing(); missing != "" {
		return fmt.Errorf("step %s: a %s needs %s", s.Name, s.Kind, missing)
	}
	switch s.OnError {
	case "", Compensate, Fail, ContinueOnError:
	default:
		return fmt.Errorf("step %s: on_error %q is not fail, compensate or continue", s.Name, s.OnError)
	}
	for i := range s.Steps {
		if err := s.Steps[i].check(seen); err != nil {
			return err
		}
	}
	return nil
}

// missing names what a step of this kind cannot do without.
func (s *Step) missing() string {
	switch s.Kind {
	case KindActivity:
		return unless(s.Do != nil, "a do")
	case KindSequence, KindParallel:
		return ""
	case KindCondition:
		return unless(s.Choose != nil && len(s.Steps) > 0, "a choice and branches")
	case KindLoop:
		return unless(s.Items != nil && len(s.Steps) == 1, "items and one body")
	case KindTimer:
		return unless(s.For != nil, "a duration")
	case KindSignalled:
		return unless(s.Signal != "", "the name of a signal")
	case KindChild:
		return unless(s.Child != nil, "a child task")
	}
	return fmt.Sprintf("a kind that is known, not %q", string(s.Kind))
}

func unless(ok bool, what string) string {
	if ok {
		return ""
	}
	return what
}

// Opening returns the workflow's opening, or nil when it has none.
func (w *Workflow) Opening() *Opening {
	s := &w.Root
	for s.Kind == KindSequence && len(s.Steps) > 0 {
		s = &s.Steps[0]
	}
	if s.Kind != KindActivity {
		return nil
	}
	work := Work{Step: s, Path: s.Name}
	start := work.started(time.Time{})
	start.Due = 0
	return &Opening{TreeHash: w.TreeHash(), Start: start, Timeout: work.timeout(), Confirm: work.confirm()}
}

// TreeHash identifies the shape of the tree: what the walk of a journal depends on, so neither policies nor functions.
func (w *Workflow) TreeHash() string {
	h := sha256.New()
	w.Root.hash(h)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func (s *Step) hash(h io.Writer) {
	_, _ = fmt.Fprintf(h, "(%s %q %q %t %t", s.Kind, s.Name, s.Signal, s.Undo != nil, s.NoEffect)
	for i := range s.Steps {
		s.Steps[i].hash(h)
	}
	_, _ = io.WriteString(h, ")")
}
