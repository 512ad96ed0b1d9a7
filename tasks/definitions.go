package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks/definition"
)

// DefinitionSource is where definitions are found for good. The result stores are.
type DefinitionSource interface {
	// Workflow returns the version that a service's tasks of a type begin with: the active version of the workflow, or, if none
	// is active, the newest. The workflow is the service's own if a version of that was ever active, else the platform's, if
	// there is one. Errors: [saga.ErrNotFound].
	Workflow(ctx context.Context, of saga.WorkflowKey) (saga.WorkflowVersion, error)
	// Definition returns the version of a content, with the content. Errors: [saga.ErrNotFound].
	Definition(ctx context.Context, hash string) (saga.WorkflowVersion, error)
}

// Shelf has copies of what tasks need of a [DefinitionSource], so that they begin and go on while that is away. The
// journal is one. What is not on it gives [saga.ErrNotFound].
type Shelf interface {
	Shelve(ctx context.Context, hash string, content []byte) error
	Shelved(ctx context.Context, hash string) ([]byte, error)
	// ShelveCurrent notes what [DefinitionSource.Workflow] has answered.
	ShelveCurrent(ctx context.Context, of saga.WorkflowKey, v saga.WorkflowVersion) error
	ShelvedCurrent(ctx context.Context, of saga.WorkflowKey) (saga.WorkflowVersion, error)
}

const (
	// currentFor is how long a process goes by what it has heard of a workflow's active version.
	currentFor = 2 * time.Second
	// sourceWithin bounds a question to the source: a runner holds its lease meanwhile.
	sourceWithin = 2 * time.Second
)

// Definitions are the workflows that are data. New tasks begin with the active version; a task goes on with the content
// that it began with, whatever becomes of the version.
type Definitions struct {
	Source     DefinitionSource
	Shelf      Shelf
	Activities definition.Activities
	Log        *slog.Logger
	Now        func() time.Time

	mu      sync.Mutex
	current map[saga.WorkflowKey]heard // by whose task is to begin, and its type
	changes int                        // of versions, by this process
	built   map[string]*defined        // by hash
	size    int                        // of what is built
}

// defined is a definition that is ready to run.
type defined struct {
	Plan

	parsed   *definition.Definition
	contract *contract
	public   saga.TaskType
}

// begin validates a request and plans a task of the active version.
func (d *Definitions) begin(ctx context.Context, r saga.Request) (Plan, error) {
	v, f, err := d.startable(ctx, saga.WorkflowKey{Service: r.Service, ID: r.Type})
	if err != nil {
		return Plan{}, err
	}
	plan, flow := f.Plan, *f.Workflow
	if r.Occasion != nil {
		if plan.Input, err = f.triggered(*r.Occasion); err != nil {
			return Plan{}, fmt.Errorf("version %d of workflow %s: %w", v.Version, v.Key(), err)
		}
		r.Input = plan.Input
	}
	if err := f.contract.problems(r.Input).err(); err != nil {
		return Plan{}, err
	}
	flow.Version = v.Version
	plan.Workflow = &flow
	return plan, nil
}

// startable returns what a service's tasks of a type begin with. Errors: those of active.
func (d *Definitions) startable(ctx context.Context, of saga.WorkflowKey) (saga.WorkflowVersion, *defined, error) {
	v, err := d.active(ctx, of)
	if err != nil {
		return v, nil, err
	}
	f, err := d.of(ctx, v)
	return v, f, err
}

// triggered makes the input of a task that the definition's trigger starts. Errors: [saga.ErrNotTriggered], and an
// *[saga.InvalidError] when the trigger's own expressions cannot tell.
func (f *defined) triggered(o saga.Occasion) (json.RawMessage, error) {
	input, fires, err := f.parsed.Fires(o)
	switch {
	case err != nil:
		return nil, saga.Invalid("", "The trigger cannot tell: %s", asSentence(err))
	case !fires:
		return nil, saga.ErrNotTriggered
	}
	return input, nil
}

// schedule is when the content of a hash is started by itself; nil: it is not.
func (d *Definitions) schedule(ctx context.Context, hash string) (*definition.Schedule, error) {
	f, err := d.find(ctx, hash)
	if err != nil {
		return nil, err
	}
	return f.parsed.Schedule(), nil
}

// workflow finds the tree of a recorded task. Whatever is in the way, the task is parked.
func (d *Definitions) workflow(ctx context.Context, t saga.Created) (*saga.Workflow, error) {
	if d == nil {
		return nil, fmt.Errorf("%w: task %s is of a definition, and this program runs none", saga.ErrUnknownWorkflow, t.ID)
	}
	f, err := d.find(ctx, t.Definition)
	if err != nil {
		return nil, fmt.Errorf("%w: task %s: %w", saga.ErrUnknownWorkflow, t.ID, err)
	}
	if f.TreeHash != t.TreeHash {
		return nil, fmt.Errorf("%w: task %s began with tree %s of definition %.12s, this program makes %s of it",
			saga.ErrUnknownWorkflow, t.ID, t.TreeHash, t.Definition, f.TreeHash)
	}
	return f.Workflow, nil
}

// of returns the definition of a version that tasks are to begin with. Another process, or another moment, may have it.
func (d *Definitions) of(ctx context.Context, v saga.WorkflowVersion) (*defined, error) {
	f, err := d.find(ctx, v.Hash)
	if err != nil {
		return nil, fmt.Errorf("version %d of workflow %s: %w: %v", v.Version, v.Key(), saga.ErrUnavailable, err) //nolint:errorlint // whatever it is, it is no fault of the request's
	}
	return f, nil
}

// find returns the definition of a hash: from this process, from the shelf, or from the source.
func (d *Definitions) find(ctx context.Context, hash string) (*defined, error) {
	if f := d.kept(hash); f != nil {
		return f, nil
	}
	content, err := d.Shelf.Shelved(ctx, hash)
	if err != nil {
		var fetchErr error
		if content, fetchErr = d.fetch(ctx, hash); fetchErr != nil {
			return nil, fmt.Errorf("definition %.12s is not to be had: %w", hash, errors.Join(err, fetchErr))
		}
	}
	f, problems := d.build(content)
	switch {
	case problems != nil:
		return nil, fmt.Errorf("definition %.12s does not run here: %w", hash, problems)
	case f.Definition != hash:
		return nil, fmt.Errorf("definition %.12s has the content of %.12s", hash, f.Definition)
	}
	d.keep(f)
	return f, nil
}

// fetch gets a content from the source, and puts it on the shelf.
func (d *Definitions) fetch(ctx context.Context, hash string) ([]byte, error) {
	asked, cancel := context.WithTimeout(ctx, sourceWithin)
	defer cancel()
	v, err := d.Source.Definition(asked, hash)
	if err != nil {
		return nil, err
	}
	if err := d.Shelf.Shelve(ctx, hash, v.Definition); err != nil {
		d.Log.WarnContext(ctx, "a definition could not be put where workers find it", "definition", hash, "error", err)
	}
	return v.Definition, nil
}

// build makes a definition that was deployed ready to run. The error is an *[saga.InvalidError].
func (d *Definitions) build(raw []byte) (*defined, error) {
	parsed, problems := definition.Load(raw)
	if parsed == nil {
		return nil, invalidDefinition(problems)
	}
	return d.ready(parsed)
}

func (d *Definitions) ready(parsed *definition.Definition) (*defined, error) {
	flow, err := parsed.Workflow(d.Activities)
	if err != nil {
		return nil, saga.Invalid("", "%s", asSentence(err))
	}
	held, err := newContract(parsed.ID, parsed.Input())
	if err != nil {
		return nil, saga.Invalid("/input_schema", "%s", asSentence(err))
	}
	plan := Plan{Workflow: flow, TreeHash: flow.TreeHash(), Definition: parsed.Hash}
	public := saga.TaskType{Name: parsed.ID, Description: parsed.Description, Access: saga.AccessOpen, Input: parsed.Input()}
	if len(public.Input) == 0 {
		public.Input = anything
	}
	return &defined{Plan: plan, parsed: parsed, contract: held, public: public}, nil
}

// maxBuilt bounds what a process keeps ready, by the size of the contents: what they become is many times larger.
const maxBuilt = 4 << 20

func (d *Definitions) kept(hash string) *defined {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.built[hash]
}

func (d *Definitions) keep(f *defined) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.built == nil {
		d.built = map[string]*defined{}
	}
	if d.built[f.Definition] != nil {
		return
	}
	for hash, other := range d.built { // any of them will do: what is missed is made again
		if d.size+len(f.parsed.Content) <= maxBuilt {
			break
		}
		d.size -= len(other.parsed.Content)
		delete(d.built, hash)
	}
	d.built[f.Definition] = f
	d.size += len(f.parsed.Content)
}
