package tasks

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks/definition"
)

// VersionStore has every version of the workflows that are data, and the audit of what was done to them. The result stores
// are.
type VersionStore interface {
	// Deploy adds a version, a draft, unless the content has one.
	Deploy(ctx context.Context, d saga.Deployment) (saga.Deployed, error)
	// ChangeVersion brings a version into another state, if its own allows that. The one that was active becomes
	// deprecated with another's activation. Errors: [saga.ErrNotFound].
	ChangeVersion(ctx context.Context, c saga.VersionChange) (saga.VersionChanged, error)
	// Workflows returns the current version of each: the active one or, if none is, the newest.
	Workflows(ctx context.Context, q saga.WorkflowQuery) ([]saga.WorkflowVersion, error)
	// Versions returns versions of a workflow, the newest first, before one of them (0: from the newest on).
	Versions(ctx context.Context, w saga.WorkflowKey, before, limit int) ([]saga.WorkflowVersion, error)
	// Version returns one, with its content. Errors: [saga.ErrNotFound].
	Version(ctx context.Context, w saga.WorkflowKey, version int) (saga.WorkflowVersion, error)
	// VersionNotes returns the audit of a workflow, the newest first, before one of its entries (0: from the newest on).
	VersionNotes(ctx context.Context, w saga.WorkflowKey, before int64, limit int) ([]saga.VersionNote, error)
}

// Deployer takes definitions in, and governs their versions.
type Deployer struct {
	VersionStore

	Catalogue *Catalogue // the names that are taken; its Definitions try what is deployed
}

// Check tells what deploying a definition would come to: its id and hash, and warnings. The error is an
// *[saga.InvalidError] with a JSON pointer into the definition, a line and a column for each problem.
func (d *Deployer) Check(raw []byte) (saga.Deployment, []saga.Problem, error) {
	parsed, problems := definition.Parse(raw)
	if parsed == nil {
		return saga.Deployment{}, nil, invalidDefinition(problems)
	}
	if _, taken := d.Catalogue.Type(parsed.ID); taken {
		return saga.Deployment{}, nil, saga.Invalid("/id", "%q is the name of a built-in task type: take another id.", parsed.ID)
	}
	stored, unread := definition.Load(parsed.Content)
	switch { // what could not be read again would be a version that nobody can start, look at or go on with
	case stored == nil:
		return saga.Deployment{}, nil, saga.Invalid("", "Written as JSON it cannot be read again: %s", unread[0].Detail)
	case stored.Hash != parsed.Hash:
		return saga.Deployment{}, nil, saga.Invalid("", "Written as JSON it is another definition: %.12s, and not %.12s.", stored.Hash, parsed.Hash)
	}
	if _, err := d.Catalogue.Definitions.ready(stored); err != nil {
		return saga.Deployment{}, nil, err
	}
	return saga.Deployment{Workflow: parsed.ID, Hash: parsed.Hash, Definition: string(parsed.Content)}, told(problems, definition.Warning), nil
}

// Deploy checks a definition and adds a version of a service's workflow, or of the platform's, a draft. The same content again
// is the same version.
func (d *Deployer) Deploy(ctx context.Context, service string, raw []byte, by, reason string) (saga.Deployed, []saga.Problem, error) {
	deployment, warnings, err := d.Check(raw)
	if err != nil {
		return saga.Deployed{}, nil, err
	}
	deployment.Service, deployment.By, deployment.Reason = service, by, reason
	deployed, err := d.VersionStore.Deploy(ctx, deployment)
	if err != nil {
		return deployed, nil, fmt.Errorf("deploy workflow %s: %w", deployment.Key(), err)
	}
	d.Catalogue.Definitions.forget(deployment.Key())
	return deployed, append(warnings, d.idle(deployment)...), nil
}

// idle warns of a trigger that will not start anything: rows are a service's.
func (d *Deployer) idle(deployment saga.Deployment) []saga.Problem {
	parsed, _ := definition.Parse([]byte(deployment.Definition))
	if parsed == nil || deployment.Service != "" {
		return nil
	}
	trigger, entity := parsed.StartsBy()
	if entity == "" || trigger == saga.TriggerSignal {
		return nil
	}
	return []saga.Problem{{Pointer: "/trigger/entity", Detail: "Rows are those of a service, and this workflow is of none: no row " +
		"starts it. Deploy it with ?service=."}}
}

// ChangeVersion brings a version into another state. One that its state does not allow is an *[saga.InvalidError].
func (d *Deployer) ChangeVersion(ctx context.Context, c saga.VersionChange) (saga.WorkflowVersion, error) {
	changed, err := d.VersionStore.ChangeVersion(ctx, c)
	if err != nil {
		return saga.WorkflowVersion{}, fmt.Errorf("version %d of workflow %s: %w", c.Version, c.Key(), err)
	}
	d.Catalogue.Definitions.forget(c.Key())
	if changed.State != c.State {
		return changed.WorkflowVersion, saga.Invalid("/state", "Version %d is %s: %s.", c.Version, shown(changed.State), mayBecome(changed.State))
	}
	return changed.WorkflowVersion, nil
}

func mayBecome(s saga.VersionState) string {
	next := s.Next()
	if len(next) == 0 {
		return "that is for ever; deploy another version"
	}
	words := make([]string, len(next))
	for i, n := range next {
		words[i] = string(n)
	}
	return "it may become " + strings.Join(words, " or ") + " only"
}

// Differences tells in what two versions of a workflow differ. Errors: [saga.ErrNotFound].
func (d *Deployer) Differences(ctx context.Context, w saga.WorkflowKey, from, to int) ([]saga.Difference, error) {
	older, err := d.Version(ctx, w, from)
	if err != nil {
		return nil, fmt.Errorf("version %d of workflow %s: %w", from, w, err)
	}
	newer, err := d.Version(ctx, w, to)
	if err != nil {
		return nil, fmt.Errorf("version %d of workflow %s: %w", to, w, err)
	}
	return definition.Differences(older.Definition, newer.Definition)
}

// Startable returns the type of a service's tasks of a workflow that is data. Errors: [saga.ErrNotFound] when they cannot be
// started, [saga.ErrUnavailable] when that is not known.
func (d *Deployer) Startable(ctx context.Context, of saga.WorkflowKey) (saga.TaskType, error) {
	_, f, err := d.Catalogue.Definitions.startable(ctx, of)
	_, inactive := errors.AsType[*saga.InvalidError](err)
	switch {
	case inactive, errors.Is(err, saga.ErrUnknownType):
		return saga.TaskType{}, fmt.Errorf("type %s: %w", of, saga.ErrNotFound)
	case err != nil:
		return saga.TaskType{}, err
	}
	return f.public, nil
}

// DefinitionSchema is the JSON Schema of definitions.
func (d *Deployer) DefinitionSchema() []byte { return definition.Schema() }

// invalidDefinition is what is wrong with a definition, as clients are told.
func invalidDefinition(problems definition.Problems) error {
	return &saga.InvalidError{Problems: told(problems, definition.Error)}
}

func told(problems definition.Problems, severity definition.Severity) []saga.Problem {
	list := []saga.Problem{}
	for _, p := range problems {
		if p.Severity == severity {
			list = append(list, saga.Problem{Pointer: p.Pointer, Detail: p.Detail, Line: p.Line, Column: p.Column})
		}
	}
	return list
}
