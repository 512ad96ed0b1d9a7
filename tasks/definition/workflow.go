package definition

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/osp-platform/osp/internal/sentence"
	"github.com/osp-platform/osp/saga"
)

// Action is what an activity of some type does.
type Action struct {
	// Do carries the activity out. Params are the definition's, with the templates filled in; those that name secrets,
	// ${secrets.NAME}, stand there as they are: their values are for Do alone.
	Do func(ctx context.Context, c saga.Call, params json.RawMessage) (json.RawMessage, error)
	// Undo takes back what Do did, for the types that are undone without a word of the definition: create_entity,
	// update_entity, delete_entity. Output is nil when it is not known whether Do happened.
	Undo func(ctx context.Context, c saga.Call, params, output json.RawMessage) error
}

// Activities supplies what the activities of definitions do.
type Activities interface {
	// Action returns what activities of a type do. It fails when it has none of the type.
	Action(activityType string) (Action, error)
}

// Workflow makes the engine's tree of the definition. The tree, and so its hash, follows from the definition alone: not
// from what the activities are.
func (d *Definition) Workflow(by Activities) (*saga.Workflow, error) {
	b := &builder{d: d, activities: by}
	steps, err := b.sequence(d.main)
	if err != nil {
		return nil, fmt.Errorf("workflow %s: %w", d.ID, err)
	}
	if len(d.cleanup) > 0 {
		first, err := b.cleanup()
		if err != nil {
			return nil, fmt.Errorf("workflow %s: %w", d.ID, err)
		}
		steps = append([]saga.Step{first}, steps...)
	}
	w := &saga.Workflow{Name: d.ID, Version: max(1, d.Version), Root: saga.Sequence(steps...), Deadline: d.deadline}
	return w, w.Check()
}

type builder struct {
	d          *Definition
	activities Activities
}

// Names of the steps that stand for parts of a definition's step. A definition's own ids have no dots.
const (
	cleanupName  = "on.undo"    // undone last of all
	answerSuffix = ".answer"    // what follows a human task's answer, or its absence
	lateSuffix   = ".late"      // what follows when a human task is not answered before its escalation
	besideSuffix = ".beside"    // the steps of an escalation, and the second wait beside them
	secondSuffix = ".escalated" // the second wait of a human task
	afterSuffix  = ".goes-on"   // what follows a step that may have terminated the task
	absentSuffix = ".timeout"   // what follows a signal that did not come
)

// sequence makes steps that run one after the other. What follows a step that may end the task early runs only if it
// has not.
func (b *builder) sequence(nodes []*node) ([]saga.Step, error) {
	var steps []saga.Step
	for i, n := range nodes {
		made, err := b.step(n)
		if err != nil {
			return nil, fmt.Errorf("step %s: %w", n.ID, err)
		}
		steps = append(steps, made...)
		ends := endings(n)
		if len(ends) == 0 || i+1 == len(nodes) {
			continue
		}
		rest, err := b.sequence(nodes[i+1:])
		if err != nil {
			return nil, err
		}
		return append(steps, choice(n.ID+afterSuffix, func(s saga.Scope) (int, error) {
			for _, id := range ends {
				if _, ended := s.Output(id); ended {
					return -1, nil
				}
			}
			return 0, nil
		}, saga.Sequence(rest...))), nil
	}
	return steps, nil
}

// endings are the steps in n that end the task well.
func endings(n *node) (ids []string) {
	if n.Type == typeTerminate && n.Terminate.Outcome == outcomeCompleted {
		ids = append(ids, n.ID)
	}
	for _, l := range n.lists {
		for _, inner := range l {
			ids = append(ids, endings(inner)...)
		}
	}
	return ids
}

func choice(name string, choose func(saga.Scope) (int, error), branches ...saga.Step) saga.Step {
	return saga.Step{Kind: saga.KindCondition, Name: name, Choose: choose, Steps: branches}
}

// step makes the steps of the engine that one step of a definition stands for.
func (b *builder) step(n *node) ([]saga.Step, error) {
	inner := make([]saga.Step, len(n.lists))
	for i, l := range n.lists {
		steps, err := b.sequence(l)
		if err != nil {
			return nil, err
		}
		inner[i] = saga.Sequence(steps...)
	}
	one := func(s saga.Step) ([]saga.Step, error) { return []saga.Step{s}, nil }
	switch n.kind() {
	case typeActivity:
		s, err := b.activity(n)
		return []saga.Step{s}, err
	case typeParallel:
		return one(saga.Parallel(n.ID, inner...))
	case typeCondition:
		return one(choice(n.ID, b.test(n), inner...))
	case typeLoop:
		return one(b.loop(n, inner[0]))
	case typeSignal:
		return b.signal(n, inner[0]), nil
	case typeHuman:
		return b.human(n, inner), nil
	case typeTimer:
		return one(saga.Step{Kind: saga.KindTimer, Name: n.ID, For: b.duration(n)})
	case typeDelay:
		return one(saga.Step{Kind: saga.KindTimer, Name: n.ID, For: b.delay(n)})
	case typeChild:
		return one(saga.Child(n.ID, n.ChildWorkflow.WorkflowID, func(s saga.Scope) (json.RawMessage, error) {
			return n.params.json(b.d.bind(s, n))
		}))
	}
	return one(terminate(n))
}

// terminate is a step that fails for good, or one that leaves a mark for what would come after it.
func terminate(n *node) saga.Step {
	if n.Terminate.Outcome == outcomeFailed {
		return choice(n.ID, func(saga.Scope) (int, error) {
			return 0, errors.New("the workflow ends it: " + n.Terminate.Reason)
		}, saga.Sequence())
	}
	return saga.Step{
		Kind: saga.KindActivity, Name: n.ID, NoEffect: true,
		Do: func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) {
			return marshal(map[string]string{"terminated": n.Terminate.Reason})
		},
	}
}

func (b *builder) test(n *node) func(saga.Scope) (int, error) {
	return func(s saga.Scope) (int, error) {
		v, err := whole{n.test}.give(b.d.bind(s, n))
		if err != nil {
			return 0, err
		}
		switch v {
		case true:
			return 0, nil
		case false:
			return 1, nil
		}
		return 0, fmt.Errorf("expression %s (%s) is %s: it must be true or false", sentence.Shorten(n.test.source, 80), n.test.at, sentence.Value(v))
	}
}

func (b *builder) duration(n *node) func(saga.Scope) (time.Duration, error) {
	return func(s saga.Scope) (time.Duration, error) {
		v, err := n.wait.give(b.d.bind(s, n))
		if err != nil {
			return 0, err
		}
		return timer(v)
	}
}

func timer(v any) (time.Duration, error) {
	seconds, err := seconds(v)
	if err != nil || seconds < 0 || seconds > maxTimer {
		return 0, fmt.Errorf("%s is no number of seconds from 0 to %d", sentence.Value(v), maxTimer)
	}
	return Seconds(seconds).Duration(), nil
}

const maxTimer = 365 * 24 * 3600

func seconds(v any) (float64, error) {
	switch v := v.(type) {
	case json.Number:
		return v.Float64()
	case int64:
		return float64(v), nil
	case float64:
		return v, nil
	}
	return 0, errors.New("not a number")
}
