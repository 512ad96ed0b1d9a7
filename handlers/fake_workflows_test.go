package handlers

import (
	"cmp"
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

func (f *fake) Deploy(_ context.Context, service string, raw []byte, by, reason string) (saga.Deployed, []saga.Problem, error) {
	d, warnings, err := f.Check(raw)
	if err != nil {
		return saga.Deployed{}, nil, err
	}
	for _, v := range f.flows.list {
		if v.Service == service && v.Workflow == d.Workflow && v.Hash == d.Hash {
			return saga.Deployed{WorkflowVersion: v}, warnings, nil
		}
	}
	list, _ := f.Versions(context.Background(), saga.WorkflowKey{Service: service, ID: d.Workflow}, 0, 1000)
	v := saga.WorkflowVersion{
		Service: service, Workflow: d.Workflow, Version: len(list) + 1, Hash: d.Hash, State: saga.VersionDraft, By: by, CreatedAt: noon,
	}
	f.flows.list = append(f.flows.list, v)
	f.flows.notes = append(f.flows.notes, saga.VersionNote{
		ID: int64(len(f.flows.notes) + 1), At: noon, Service: service, Workflow: v.Workflow, Version: v.Version, Action: saga.ActionCreate, By: by, Reason: reason,
	})
	return saga.Deployed{WorkflowVersion: v, Created: true}, warnings, nil
}

func (f *fake) ChangeVersion(ctx context.Context, c saga.VersionChange) (saga.WorkflowVersion, error) {
	v, err := f.Version(ctx, c.Key(), c.Version)
	if err != nil {
		return v, err
	}
	f.flows.change, v.State, v.Definition = c, c.State, nil
	return v, nil
}

func (f *fake) Workflows(_ context.Context, q saga.WorkflowQuery) ([]saga.WorkflowVersion, error) {
	leave, err := f.enter()
	defer leave()
	list := []saga.WorkflowVersion{}
	ordered := slices.SortedFunc(slices.Values(f.flows.list), func(a, b saga.WorkflowVersion) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Workflow, b.Workflow))
	})
	for _, v := range ordered {
		after := cmp.Or(cmp.Compare(v.Service, q.After.Service), cmp.Compare(v.Workflow, q.After.ID)) > 0
		if v.Version == 1 && after && len(list) < q.Limit && (q.Services == nil || slices.Contains(q.Services, v.Service)) {
			list = append(list, v)
		}
	}
	return list, err
}

func (f *fake) Versions(_ context.Context, w saga.WorkflowKey, before, limit int) ([]saga.WorkflowVersion, error) {
	leave, err := f.enter()
	defer leave()
	list := []saga.WorkflowVersion{}
	for _, v := range slices.Backward(f.flows.list) {
		if v.Key() == w && (before == 0 || v.Version < before) && len(list) < limit {
			list = append(list, v)
		}
	}
	return list, err
}

func (f *fake) Version(_ context.Context, w saga.WorkflowKey, version int) (saga.WorkflowVersion, error) {
	leave, err := f.enter()
	defer leave()
	for _, v := range f.flows.list {
		if v.Key() == w && v.Version == version && err == nil {
			v.Definition = json.RawMessage(`{}`)
			return v, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("workflow %s: %w", w, saga.ErrNotFound)
	}
	return saga.WorkflowVersion{}, err
}

func (f *fake) Differences(ctx context.Context, w saga.WorkflowKey, from, to int) ([]saga.Difference, error) {
	for _, n := range []int{from, to} {
		if _, err := f.Version(ctx, w, n); err != nil {
			return nil, err
		}
	}
	return []saga.Difference{{Pointer: "/name", Old: json.RawMessage(`"a"`), New: json.RawMessage(`null`)}, {Pointer: "/x", New: json.RawMessage(`1`)}}, nil
}

func (f *fake) VersionNotes(_ context.Context, w saga.WorkflowKey, before int64, limit int) ([]saga.VersionNote, error) {
	leave, err := f.enter()
	defer leave()
	list := []saga.VersionNote{}
	for _, n := range slices.Backward(f.flows.notes) {
		if n.Service == w.Service && n.Workflow == w.ID && (before == 0 || n.ID < before) && len(list) < limit {
			list = append(list, n)
		}
	}
	return list, err
}

// Startable knows the workflows whose service has one.
func (f *fake) Startable(_ context.Context, of saga.WorkflowKey) (saga.TaskType, error) {
	leave, err := f.enter()
	defer leave()
	for _, v := range f.flows.list {
		if v.Key() == of && err == nil {
			return saga.TaskType{Name: of.ID, Description: "of " + of.Service, Access: saga.AccessOpen, Input: json.RawMessage(`true`)}, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("type %s: %w", of, saga.ErrNotFound)
	}
	return saga.TaskType{}, err
}

func (f *fake) DefinitionSchema() []byte {
	return []byte(`{"$schema":"https://json-schema.org/draft/2020-12/schema"}`)
}
