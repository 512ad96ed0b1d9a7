package saga

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Moment is what a decision depends on besides the workflow and the record.
type Moment struct {
	Now time.Time // the journal's clock
	// InFlight are the paths of the calls that this runner has under way.
	InFlight map[string]bool
	// Opened is the step whose start was recorded with the claim. Nobody has called it.
	Opened string
	// Full tells that the journal is over its soft limit: no further forward step.
	Full bool
	// Paused tells that no forward step is to begin, or to be tried again.
	Paused bool
}

// Decision is what comes next for a task.
type Decision struct {
	// Events are to be recorded first. What follows from them is decided afterwards.
	Events []Event
	// Work are the calls to make, each after its step_started event.
	Work []Work
	// Cancel says that the calls in flight are to be cancelled and awaited before anything else happens.
	Cancel bool
	// Due is when there is something to decide again although nothing came. Zero: never.
	Due time.Time
	// Held tells that a step would begin if the task were not paused.
	Held bool
	// Panic is set when one of the workflow's own functions panicked; its stack is for the log.
	Panic *PanicError
}

// Work is a call to make: the do of a step, or its undo.
type Work struct {
	Step    *Step
	Path    string
	Undo    bool
	Attempt int // from 1
	N       int // number in the idempotency key
	Input   json.RawMessage
	Output  json.RawMessage // an undo's: what the do returned, if that is known
	Child   string          // a child step: the child task's id
	Task    ChildTask       // a child step: what is started, or undone

	deadline time.Time // of the call, by the journal's clock
}

// Decide says what comes next. It is a pure function: the same workflow, record and moment give the same decision.
func Decide(w *Workflow, r *Record, m Moment) Decision {
	k := &walker{w: w, r: r, m: m}
	switch {
	case r.State.Finished() || r.State == Stuck:
	case r.Phase == Undo:
		k.compensate()
	default:
		k.forward()
	}
	k.d.Panic = k.panicked
	return k.d
}

// walker walks the tree of one workflow once, from the top.
type walker struct {
	w        *Workflow
	r        *Record
	m        Moment
	d        Decision
	failure  string // why the walk failed: the first failure met
	panicked *PanicError
	consumed map[int64]bool // signals that waits of this walk consume
}

// outcome is how far a step is.
type outcome uint8

const (
	open   outcome = iota // not at its end yet
	done                  // at its end
	failed                // failed for good
)

// forward decides for a task that moves forward.
func (k *walker) forward() {
	r := k.r
	if r.Cancel != nil {
		k.turnBack(r.Cancel.reason(), true)
		return
	}
	if deadline := r.Created.Deadline.Time(); !deadline.IsZero() {
		if !k.m.Now.Before(deadline) {
			k.turnBack("the task's deadline passed", false)
			return
		}
		k.due(deadline)
	}
	if path := k.undoneAlready(); path != "" {
		k.turnBack("it was being undone when its journal was lost: step "+path+" has been undone", false)
		return
	}
	if at := r.Created.ProcessAt.Time(); r.State == Pending && k.m.Now.Before(at) {
		k.due(at)
		return
	}
	root := Scope{record: r}
	switch k.walk(&k.w.Root, root) {
	case failed:
		k.turnBack(k.failure, false)
	case done:
		if output, err := k.output(root); err != nil {
			k.turnBack(fmt.Sprintf("the workflow's output: %v", err), false)
		} else {
			k.record(Event{Kind: KindCompleted, Data: output})
		}
	case open:
		if k.m.Full && len(k.d.Work) > 0 {
			k.turnBack(fmt.Sprintf("the task's journal is over %d MiB", SoftJournal>>20), false)
		}
	}
}

// turnBack starts compensation, once the calls in flight are joined.
func (k *walker) turnBack(reason string, wished bool) {
	if len(k.m.InFlight) > 0 {
		k.d = Decision{Cancel: true}
		return
	}
	if k.opened(k.m.Opened) {
		k.d = Decision{Events: []Event{neverCalled(k.m.Opened, reason)}}
		return
	}
	e := Event{Kind: KindCompensationStarted, Error: shorten(reason)}
	if wished {
		e.Name = string(Cancelled)
	}
	k.d = Decision{Events: append(k.assume(), e)}
}

// opened tells whether the step's start was recorded with the claim, and nothing came of it yet.
func (k *walker) opened(path string) bool {
	return path != "" && path == k.m.Opened && k.r.Step(path).Do.State == AttemptStarted
}

// neverCalled is the end of a step whose start was recorded and that is not to be called: it certainly never happened.
func neverCalled(path, reason string) Event {
	return Event{Kind: KindAttemptFailed, Path: path, Flags: Final, Error: shorten(reason)}
}

func (c *Cancel) reason() string {
	if c.Reason == "" {
		return "cancelled"
	}
	return "cancelled: " + c.Reason
}

func (k *walker) record(e Event) { k.d.Events = append(k.d.Events, e) }

// due asks for another decision at t.
func (k *walker) due(t time.Time) {
	if k.d.Due.IsZero() || t.Before(k.d.Due) {
		k.d.Due = t
	}
}

func (k *walker) fail(path string, reason error) outcome {
	if k.failure == "" {
		k.failure = "step " + path + ": " + reason.Error()
		k.notice(reason)
	}
	return failed
}

// notice keeps the panic that an error tells of.
func (k *walker) notice(err error) {
	if p, ok := errors.AsType[*PanicError](err); ok {
		k.panicked = p
	}
}

func (k *walker) walk(s *Step, sc Scope) outcome {
	switch s.Kind {
	case KindSequence:
		return k.sequence(s, sc)
	case KindParallel:
		return k.parallel(s, sc)
	case KindCondition:
		return k.condition(s, sc)
	case KindLoop:
		return k.loop(s, sc)
	case KindTimer:
		return k.timer(s, sc)
	case KindSignalled:
		return k.signal(s, sc)
	case KindActivity, KindChild:
		return k.leaf(s, sc)
	}
	return k.fail(s.Name, fmt.Errorf("unknown kind %q", s.Kind))
}

func (k *walker) sequence(s *Step, sc Scope) outcome {
	for i := range s.Steps {
		if o := k.walk(&s.Steps[i], sc); o != done {
			return o
		}
	}
	return done
}

func (k *walker) parallel(s *Step, sc Scope) outcome {
	all := done
	for i := range s.Steps {
		switch k.walk(&s.Steps[i], sc) {
		case failed:
			return failed
		case open:
			all = open
		case done:
		}
	}
	return all
}

func (k *walker) condition(s *Step, sc Scope) outcome {
	path := sc.prefix + s.Name
	raw, ok := k.r.Decisions[path]
	if !ok {
		branch, err := guard2(func() (int, error) { return s.Choose(sc) })
		if err == nil && branch >= len(s.Steps) {
			err = fmt.Errorf("chose branch %d of %d", branch, len(s.Steps))
		}
		if err != nil {
			return k.fail(path, err)
		}
		k.record(Event{Kind: KindDecided, Path: path, StepKind: s.Kind, Data: json.RawMessage(strconv.Itoa(branch))})
		return open
	}
	branch, err := strconv.Atoi(string(raw))
	if err != nil || branch >= len(s.Steps) {
		return k.fail(path, fmt.Errorf("the recorded branch %.20q does not exist", raw))
	}
	if branch < 0 {
		return done
	}
	return k.walk(&s.Steps[branch], sc)
}

func (k *walker) loop(s *Step, sc Scope) outcome {
	path := sc.prefix + s.Name
	items, ok := k.r.items(path)
	if !ok {
		items, err := guard2(func() ([]json.RawMessage, error) { return s.Items(sc) })
		if err != nil {
			return k.fail(path, err)
		}
		if items == nil {
			items = []json.RawMessage{}
		}
		data, err := json.Marshal(items)
		if err == nil && len(data) > MaxOutput {
			err = fmt.Errorf("the collection has %d bytes, at most %d are allowed", len(data), MaxOutput)
		}
		if err != nil {
			return k.fail(path, err)
		}
		k.record(Event{Kind: KindDecided, Path: path, StepKind: s.Kind, Data: data})
		return open
	}
	running := 0
	for i := range items {
		switch k.walk(&s.Steps[0], k.inLoop(path, items, i)) {
		case failed:
			return failed
		case open:
			if running++; running >= max(1, s.Concurrency) {
				return open
			}
		case done:
		}
	}
	if running > 0 {
		return open
	}
	return done
}

func (k *walker) inLoop(path string, items []json.RawMessage, i int) Scope {
	return Scope{record: k.r, prefix: iteration(path, i), item: items[i], index: i}
}

// leaf decides about an activity or a child.
func (k *walker) leaf(s *Step, sc Scope) outcome {
	path := sc.prefix + s.Name
	rec := k.r.Step(path)
	if rec == nil {
		return k.call(s, sc, path, &Attempts{})
	}
	switch rec.Do.State {
	case AttemptDone:
		return done
	case AttemptFailed:
		return k.gaveUp(s, rec)
	case AttemptRetry:
		if k.m.Now.Before(rec.Do.RetryAt.Time()) {
			k.due(rec.Do.RetryAt.Time())
			return open
		}
	case AttemptStarted:
		if k.m.InFlight[path] || rec.ChildStarted {
			return open
		}
		if k.crashLoop(rec, false) {
			return open
		}
	case AttemptNone:
	}
	return k.call(s, sc, path, &rec.Do)
}

// crashLoop fails a do or an undo for good that its workers did not survive too often.
func (k *walker) crashLoop(rec *StepRecord, undo bool) bool {
	a := rec.attempts(undo)
	if a.Interrupted+1 < MaxInterruptions {
		return false
	}
	k.record(Event{
		Kind: KindAttemptFailed, Path: rec.Path, Undo: undo, Flags: Final | Indefinite | Abandoned,
		Error: fmt.Sprintf("its worker died %d times while it ran", a.Interrupted+1),
	})
	return true
}

// call asks for the next attempt of a do.
func (k *walker) call(s *Step, sc Scope, path string, a *Attempts) outcome {
	if !k.opened(path) && k.hold() { // one that the claim has begun is under way
		return open
	}
	work := Work{Step: s, Path: path, Attempt: a.next(), N: a.N}
	if s.Kind == KindChild {
		work.Child = childID(k.r.Created.ID, path)
	}
	if err := work.ask(sc); err != nil {
		if k.opened(path) {
			k.notice(err)
			k.record(neverCalled(path, err.Error()))
			return open
		}
		if s.OnError == ContinueOnError && a.State == AttemptNone {
			return done // it never began
		}
		return k.fail(path, err)
	}
	k.d.Work = append(k.d.Work, work)
	return open
}

// hold tells whether a step that would begin is not to.
func (k *walker) hold() bool {
	k.d.Held = k.d.Held || k.m.Paused
	return k.m.Paused
}

// ask makes what the call is given from what is known so far.
func (w *Work) ask(sc Scope) error {
	return guard(func() (err error) {
		switch {
		case w.Step.Kind == KindChild:
			w.Task, err = w.Step.Child(sc)
			w.Task.Again = !sc.record.Recovered.IsZero()
		case w.Step.Input != nil:
			w.Input, err = w.Step.Input(sc)
		default:
			w.Input = sc.record.Created.Input
		}
		return err
	})
}

// childID is the same for the same step of the same parent, whoever asks.
func childID(parent, path string) string {
	sum := sha256.Sum256([]byte(parent + "/" + path))
	return hex.EncodeToString(sum[:16])
}

// MaybeChild tells whether an id has the form that children's ids have. A client may have given it to a task that is none.
var MaybeChild = regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString

// gaveUp decides about a step that failed for good.
func (k *walker) gaveUp(s *Step, rec *StepRecord) outcome {
	if s.OnError != ContinueOnError {
		return k.fail(rec.Path, errors.New(rec.Do.Error))
	}
	switch {
	case s.settled(rec):
		return done
	case rec.Undo.State == AttemptFailed:
		return k.fail(rec.Path, errors.New(rec.Undo.Error))
	}
	k.undo(s, rec)
	return open
}
