package crashpoints

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// types are the scenario's workflows, whose steps act in the world on behalf of this process.
func (p *process) types() *tasks.Catalogue {
	flows := p.w.s.flows(builder{p})
	var types []tasks.Type
	for name, root := range flows {
		types = append(types, tasks.Type{Name: name, Static: true, Build: func(json.RawMessage) (*saga.Workflow, error) {
			return &saga.Workflow{Name: name, Version: 1, Root: root, Deadline: p.w.s.deadline}, nil
		}})
	}
	c, err := tasks.NewCatalogue(types...)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return c
}

// builder makes the steps of a process.
type builder struct{ p *process }

// step makes an activity with an effect. Marks after the name say how it behaves:
//
//	!  has its effect, and fails for good     #  is definitely refused: no effect
//	?  has its effect, and fails once         x  its undo fails for good, until the world is mended
//	~  cannot be undone                       *  continues on error
//	+  takes longer than a lease
func (b builder) step(spec string) saga.Step {
	name := strings.TrimRight(spec, "!?#~x*+")
	marks := spec[len(name):]
	has := func(mark string) bool { return strings.Contains(marks, mark) }
	s := saga.Step{
		Kind: saga.KindActivity, Name: name, Timeout: 9 * time.Second, UndoTimeout: 9 * time.Second,
		UndoRetry: saga.Retry{Attempts: 3}, Irreversible: has("~"),
	}
	s.Do = func(ctx context.Context, c saga.Call, _ json.RawMessage) (json.RawMessage, error) {
		e := b.p.w.effects
		call := e.begin(c)
		err := saga.Permanent(saga.Definite(errors.New("refused")))
		if !has("#") {
			err = b.do(ctx, c, has("+"))
		}
		switch e.end(c, call); {
		case err != nil:
			return nil, err
		case has("!"):
			return nil, saga.Permanent(errors.New("broken"))
		case has("?") && call == 1:
			return nil, errors.New("hiccup")
		}
		return json.Marshal(c.Path)
	}
	s.Undo = func(_ context.Context, c saga.Call, _, _ json.RawMessage) error {
		if has("x") && b.p.w.effects.broken() {
			return saga.Permanent(errors.New("undo broken"))
		}
		return b.act(c, "undo", func() error { b.p.w.effects.undo(c.Fence()); return nil })
	}
	if has("*") {
		s.OnError = saga.ContinueOnError
	}
	return s
}

// do is the effect of a step, which may take longer than a lease.
func (b builder) do(ctx context.Context, c saga.Call, long bool) error {
	if long {
		if err := pass(ctx, 6*time.Second); err != nil {
			return err
		}
	}
	return b.act(c, "do", func() error { return b.p.w.effects.do(c.Fence()) })
}

// act is one effect of a call, which takes its time.
func (b builder) act(c saga.Call, what string, f func() error) error {
	a := b.p.actor("step " + c.Task.ID + "/" + c.Path)
	time.Sleep(10 * time.Millisecond)
	return a.call(what, f)
}

// pass lets time pass, unless the call is cancelled.
func pass(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// steps makes several, one after the other.
func (b builder) steps(specs string) saga.Step {
	var list []saga.Step
	for spec := range strings.FieldsSeq(specs) {
		list = append(list, b.step(spec))
	}
	return saga.Sequence(list...)
}

// each makes a loop of three.
func (b builder) each(name string, concurrency int, body saga.Step) saga.Step {
	s := saga.Loop(name, func(saga.Scope) ([]int, error) { return []int{1, 2, 3}, nil }, body)
	s.Concurrency = concurrency
	return s
}

func (b builder) child(name, taskType string) saga.Step {
	return saga.Child(name, taskType, func(saga.Scope) (json.RawMessage, error) { return nil, nil })
}
