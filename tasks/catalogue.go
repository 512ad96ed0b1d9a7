package tasks

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/osp-platform/osp/saga"
)

// Type is a type of task: what its input looks like, and what is done with it.
type Type struct {
	// Name is what requests call it, such as "service.create".
	Name        string
	Description string
	// Access says who may start it. Empty: [saga.AccessOpen].
	Access saga.Access
	// Schema is the JSON Schema (2020-12) of the input. Empty: any input will do.
	Schema json.RawMessage
	// Build makes the workflow for an input that passed Validate. It is a pure function.
	Build func(in json.RawMessage) (*saga.Workflow, error)
	// Static promises that the tree does not depend on the input. Build is then called once, with nil, and its
	// workflow serves every task.
	Static bool
	// Earlier are the builds of earlier releases whose tasks may not have ended yet. A task goes on with the tree that it
	// began with; new ones begin with Build's.
	Earlier []func(in json.RawMessage) (*saga.Workflow, error)
	// Check holds a request that keeps its schema to the rules that a schema cannot say. It returns an
	// *[saga.InvalidError]. Nil: there are none.
	Check func(saga.Request) error
}

// Catalogue is what can be asked for. It does not change, and is safe for concurrent use.
type Catalogue struct {
	// Definitions are asked for workflows that are data, by names that are no type's. Nil: there are none.
	Definitions *Definitions

	entries map[string]*entry
}

type entry struct {
	Type
	contract *contract
	static   *Plan // nil: built for each task
	earlier  []*entry
}

// Plan is a workflow with the hash of its tree.
type Plan struct {
	Workflow   *saga.Workflow
	TreeHash   string
	Definition string          // the hash of the definition that it was made of; empty: it is a type's
	Opening    *saga.Opening   // what every task of the type begins with; nil: that depends
	Input      json.RawMessage // what the trigger makes of an occasion; nil: the request has it
}

// NewCatalogue compiles the types' schemas and checks the workflows of those that are static.
func NewCatalogue(types ...Type) (*Catalogue, error) {
	c := &Catalogue{entries: make(map[string]*entry, len(types))}
	for _, t := range types {
		if c.entries[t.Name] != nil {
			return nil, fmt.Errorf("task type %s: there are two of that name", t.Name)
		}
		e, err := newEntry(t)
		if err != nil {
			return nil, fmt.Errorf("task type %s: %w", t.Name, err)
		}
		c.entries[t.Name] = e
	}
	return c, nil
}

func newEntry(t Type) (*entry, error) {
	switch {
	case t.Name == "":
		return nil, errors.New("it has no name")
	case t.Build == nil:
		return nil, errors.New("it has no Build")
	}
	held, err := newContract(t.Name, t.Schema)
	if err != nil {
		return nil, err
	}
	e := &entry{Type: t, contract: held}
	for i, build := range t.Earlier {
		old, err := newEntry(Type{Name: t.Name, Build: build, Static: t.Static})
		if err != nil {
			return nil, fmt.Errorf("its earlier build %d: %w", i, err)
		}
		e.earlier = append(e.earlier, old)
	}
	if t.Static {
		plan, err := e.build(nil)
		if err != nil {
			return nil, err
		}
		e.static = &plan
	}
	return e, nil
}

func (e *entry) build(in json.RawMessage) (Plan, error) {
	w, err := e.Build(in)
	if err != nil {
		return Plan{}, err
	}
	if err := w.Check(); err != nil {
		return Plan{}, err
	}
	return Plan{Workflow: w, TreeHash: w.TreeHash(), Opening: w.Opening()}, nil
}

func (e *entry) plan(in json.RawMessage) (Plan, error) {
	if e.static != nil {
		return *e.static, nil
	}
	return e.build(in)
}

// Types lists by name what clients may start.
func (c *Catalogue) Types() []saga.TaskType {
	list := make([]saga.TaskType, 0, len(c.entries))
	for _, name := range slices.Sorted(maps.Keys(c.entries)) {
		if t, ok := c.Type(name); ok {
			list = append(list, t)
		}
	}
	return list
}

// Type returns one entry of the catalogue, if clients may start it.
func (c *Catalogue) Type(name string) (saga.TaskType, bool) {
	e, ok := c.entries[name]
	if !ok || e.Access == saga.AccessNone {
		return saga.TaskType{}, false
	}
	return e.public(), true
}

// anything is the schema that any input keeps.
var anything = json.RawMessage(`true`)

func (e *entry) public() saga.TaskType {
	t := saga.TaskType{Name: e.Name, Description: e.Description, Access: cmp.Or(e.Access, saga.AccessOpen), Input: e.Schema}
	if len(t.Input) == 0 {
		t.Input = anything
	}
	return t
}

// Begin validates a request and builds the workflow of its task: of the type, or of the active version of the workflow that
// is data. Errors: those of [Catalogue.Validate], [saga.ErrUnavailable] when it is not known what is active, and
// [saga.ErrNotTriggered].
func (c *Catalogue) Begin(ctx context.Context, r saga.Request) (Plan, error) {
	if c.entries[r.Type] == nil && c.Definitions != nil {
		return c.Definitions.begin(ctx, r)
	}
	if r.Occasion != nil {
		return Plan{}, fmt.Errorf("task type %s: %w", r.Type, saga.ErrNotTriggered)
	}
	if err := c.Validate(r); err != nil {
		return Plan{}, err
	}
	return c.Plan(r.Type, r.Input)
}

// Validate tells all that is wrong with a request: an *[saga.InvalidError] with a JSON pointer into the request's body
// and a sentence for each problem, or [saga.ErrUnknownType].
func (c *Catalogue) Validate(r saga.Request) error {
	e, ok := c.entries[r.Type]
	if !ok || e.Access == saga.AccessNone && !r.Own {
		return fmt.Errorf("%w: %s", saga.ErrUnknownType, r.Type)
	}
	if err := e.contract.problems(r.Input).err(); err != nil {
		return err
	}
	if e.Check == nil {
		return nil
	}
	return e.Check(r)
}

// Plan builds the workflow of a new task. Errors: [saga.ErrUnknownType], or what Build finds wrong with the input, which
// is nothing after [Catalogue.Validate].
func (c *Catalogue) Plan(typeName string, in json.RawMessage) (Plan, error) {
	e, ok := c.entries[typeName]
	if !ok {
		return Plan{}, fmt.Errorf("%w: %s", saga.ErrUnknownType, typeName)
	}
	p, err := e.plan(in)
	if err != nil {
		return Plan{}, fmt.Errorf("build the workflow of %s: %w", typeName, err)
	}
	return p, nil
}

// Opening is what every task of a type begins with, or nil when that depends on its input.
func (c *Catalogue) Opening(typeName string) *saga.Opening {
	if e, ok := c.entries[typeName]; ok && e.static != nil {
		return e.static.Opening
	}
	return nil
}

// Workflow builds the workflow of a recorded task, with the tree that the task began with, be it an earlier release's. A task
// whose tree is none of these, or cannot be built, gives [saga.ErrUnknownWorkflow]: it is parked, never guessed at.
func (c *Catalogue) Workflow(ctx context.Context, t saga.Created) (*saga.Workflow, error) {
	if t.Definition != "" {
		return c.Definitions.workflow(ctx, t)
	}
	p, err := c.Plan(t.Type, t.Input)
	if err == nil && p.TreeHash == t.TreeHash {
		return p.Workflow, nil
	}
	if w := c.earlier(t); w != nil {
		return w, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: task %s: %w", saga.ErrUnknownWorkflow, t.ID, err)
	}
	return nil, fmt.Errorf("%w: task %s began with tree %s of %s, this program has %s",
		saga.ErrUnknownWorkflow, t.ID, t.TreeHash, t.Type, p.TreeHash)
}

// earlier finds a task's tree among those of earlier releases; nil: it is none of them.
func (c *Catalogue) earlier(t saga.Created) *saga.Workflow {
	e := c.entries[t.Type]
	if e == nil {
		return nil
	}
	for _, old := range e.earlier {
		if p, err := old.plan(t.Input); err == nil && p.TreeHash == t.TreeHash {
			return p.Workflow
		}
	}
	return nil
}
