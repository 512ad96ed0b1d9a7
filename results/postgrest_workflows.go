package results

import (
	"context"
	"encoding/json"

	"github.com/osp-platform/osp/saga"
)

const (
	fnDeploy        function = "osp_deploy"
	fnChangeVersion function = "osp_change_version"
	fnWorkflows     function = "osp_workflows"
	fnWorkflow      function = "osp_workflow"
	fnVersions      function = "osp_versions"
	fnVersion       function = "osp_version"
	fnVersionNotes  function = "osp_version_notes"
)

// Deploy adds a version, unless the content has one.
func (p *PostgREST) Deploy(ctx context.Context, d saga.Deployment) (saga.Deployed, error) {
	deployed, err := ask[saga.Deployed](ctx, p, fnDeploy, map[string]any{"deployment": d})
	deployed.CreatedAt = deployed.CreatedAt.UTC()
	return deployed, err
}

// ChangeVersion brings a version into another state.
func (p *PostgREST) ChangeVersion(ctx context.Context, c saga.VersionChange) (saga.VersionChanged, error) {
	changed, err := ask[saga.VersionChanged](ctx, p, fnChangeVersion, map[string]any{"change": c})
	changed.CreatedAt = changed.CreatedAt.UTC()
	return changed, err
}

// Workflows returns the current version of each workflow.
func (p *PostgREST) Workflows(ctx context.Context, q saga.WorkflowQuery) ([]saga.WorkflowVersion, error) {
	query := map[string]any{"after_service": q.After.Service, "after": q.After.ID, "max": q.Limit}
	if q.Services != nil {
		query["services"] = q.Services
	}
	return p.versions(ctx, fnWorkflows, query)
}

// Workflow returns what a service's tasks of a type begin with.
func (p *PostgREST) Workflow(ctx context.Context, of saga.WorkflowKey) (v saga.WorkflowVersion, err error) {
	list, err := p.versions(ctx, fnWorkflow, about(of))
	if err == nil && len(list) == 0 {
		err = saga.ErrNotFound
	}
	if err != nil {
		return v, err
	}
	return list[0], nil
}

// about begins a question about a workflow.
func about(w saga.WorkflowKey) map[string]any {
	return map[string]any{"service": w.Service, "workflow": w.ID}
}

// Versions returns versions of a workflow, the newest first.
func (p *PostgREST) Versions(ctx context.Context, w saga.WorkflowKey, before, limit int) ([]saga.WorkflowVersion, error) {
	query := about(w)
	query["before"], query["max"] = before, limit
	return p.versions(ctx, fnVersions, query)
}

func (p *PostgREST) versions(ctx context.Context, fn function, query map[string]any) ([]saga.WorkflowVersion, error) {
	list, err := ask[[]saga.WorkflowVersion](ctx, p, fn, map[string]any{"query": query})
	for i := range list {
		list[i].CreatedAt = list[i].CreatedAt.UTC()
	}
	return list, err
}

// Version returns a version with its content.
func (p *PostgREST) Version(ctx context.Context, w saga.WorkflowKey, version int) (saga.WorkflowVersion, error) {
	query := about(w)
	query["version"] = version
	return p.content(ctx, query)
}

// Definition returns a version that has a content.
func (p *PostgREST) Definition(ctx context.Context, hash string) (saga.WorkflowVersion, error) {
	return p.content(ctx, map[string]any{"hash": hash})
}

// content reads a version whose content comes as text: as JSON the database would write it in its own way.
func (p *PostgREST) content(ctx context.Context, query map[string]any) (saga.WorkflowVersion, error) {
	answer, err := ask[struct {
		saga.WorkflowVersion

		Definition string `json:"definition"`
	}](ctx, p, fnVersion, map[string]any{"query": query})
	v := answer.WorkflowVersion
	v.CreatedAt, v.Definition = v.CreatedAt.UTC(), json.RawMessage(answer.Definition)
	return v, err
}

// VersionNotes returns the audit of a workflow.
func (p *PostgREST) VersionNotes(ctx context.Context, w saga.WorkflowKey, before int64, limit int) ([]saga.VersionNote, error) {
	query := about(w)
	query["before"], query["max"] = before, limit
	list, err := ask[[]saga.VersionNote](ctx, p, fnVersionNotes, map[string]any{"query": query})
	for i := range list {
		list[i].At = list[i].At.UTC()
	}
	return list, err
}
