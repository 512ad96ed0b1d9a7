package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/osp-platform/osp/saga"
)

// flows keeps versions in memory, of the workflows that its tests know. A definition is taken when it begins with "id:".
type flows struct {
	list   []saga.WorkflowVersion
	notes  []saga.VersionNote
	change saga.VersionChange
}

func (f *fake) Check(raw []byte) (saga.Deployment, []saga.Problem, error) {
	leave, err := f.enter()
	defer leave()
	id, found := strings.CutPrefix(string(raw), "id: ")
	switch {
	case err != nil:
		return saga.Deployment{}, nil, err
	case !found:
		return saga.Deployment{}, nil, &saga.InvalidError{Problems: []saga.Problem{{Pointer: "/id", Line: 3, Column: 7, Detail: "id is missing."}}}
	}
	d := saga.Deployment{Workflow: strings.TrimSpace(id), Hash: fmt.Sprint(len(raw)), Definition: `{}`}
	return d, []saga.Problem{{Pointer: "/trigger", Line: 1, Column: 2, Detail: "Mind this."}}, nil
}

func (f *fake) Deploy(_ context.Context, raw []byte, by, reason string) (saga.Deployed, []saga.Problem, error) {
	d, warnings, err := f.Check(raw)
	if err != nil {
		return saga.Deployed{}, nil, err
	}
	for _, v := range f.flows.list {
		if v.Workflow == d.Workflow && v.Hash == d.Hash {
			return saga.Deployed{WorkflowVersion: v}, warnings, nil
		}
	}
	list, _ := f.Versions(context.Background(), d.Workflow, 0, 1000)
	v := saga.WorkflowVersion{Workflow: d.Workflow, Version: len(list) + 1, Hash: d.Hash, State: saga.VersionDraft, By: by, CreatedAt: noon}
	f.flows.list = append(f.flows.list, v)
	f.flows.notes = append(f.flows.notes, saga.VersionNote{
		ID: int64(len(f.flows.notes) + 1), At: noon, Workflow: v.Workflow, Version: v.Version, Action: saga.ActionCreate, By: by, Reason: reason,
	})
	return saga.Deployed{WorkflowVersion: v, Created: true}, warnings, nil
}

func (f *fake) ChangeVersion(ctx context.Context, c saga.VersionChange) (saga.WorkflowVersion, error) {
	v, err := f.Version(ctx, c.Workflow, c.Version)
	if err != nil {
		return v, err
	}
	f.flows.change, v.State, v.Definition = c, c.State, nil
	return v, nil
}

func (f *fake) Workflows(_ context.Context, after string, limit int) ([]saga.WorkflowVersion, error) {
	leave, err := f.enter()
	defer leave()
	list := []saga.WorkflowVersion{}
	for _, v := range f.flows.list {
		if v.Version == 1 && v.Workflow > after && len(list) < limit {
			list = append(list, v)
		}
	}
	return list, err
}

func (f *fake) Versions(_ context.Context, id string, before, limit int) ([]saga.WorkflowVersion, error) {
	leave, err := f.enter()
	defer leave()
	list := []saga.WorkflowVersion{}
	for _, v := range slices.Backward(f.flows.list) {
		if v.Workflow == id && (before == 0 || v.Version < before) && len(list) < limit {
			list = append(list, v)
		}
	}
	return list, err
}

func (f *fake) Version(_ context.Context, id string, version int) (saga.WorkflowVersion, error) {
	leave, err := f.enter()
	defer leave()
	for _, v := range f.flows.list {
		if v.Workflow == id && v.Version == version && err == nil {
			v.Definition = json.RawMessage(`{}`)
			return v, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("workflow %s: %w", id, saga.ErrNotFound)
	}
	return saga.WorkflowVersion{}, err
}

func (f *fake) Differences(ctx context.Context, id string, from, to int) ([]saga.Difference, error) {
	for _, n := range []int{from, to} {
		if _, err := f.Version(ctx, id, n); err != nil {
			return nil, err
		}
	}
	return []saga.Difference{{Pointer: "/name", Old: json.RawMessage(`"a"`), New: json.RawMessage(`null`)}, {Pointer: "/x", New: json.RawMessage(`1`)}}, nil
}

func (f *fake) VersionNotes(_ context.Context, id string, before int64, limit int) ([]saga.VersionNote, error) {
	leave, err := f.enter()
	defer leave()
	list := []saga.VersionNote{}
	for _, n := range slices.Backward(f.flows.notes) {
		if n.Workflow == id && (before == 0 || n.ID < before) && len(list) < limit {
			list = append(list, n)
		}
	}
	return list, err
}

func (f *fake) DefinitionSchema() []byte {
	return []byte(`{"$schema":"https://json-schema.org/draft/2020-12/schema"}`)
}
