package tasks

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/osp-platform/osp/saga"
)

// Forgetter is what a [Deleter] uses of a journal.
type Forgetter interface {
	Unwritten(ctx context.Context, about func(saga.Created) bool) ([]saga.Unwritten, error)
	Forget(ctx context.Context, ids []string) (left []string, err error)
}

// Erasable is what a [Deleter] uses of a result store.
type Erasable interface {
	Settle(ctx context.Context, ended []saga.Unwritten) error
	Delete(ctx context.Context, d saga.Deletion) (saga.Deleted, error)
}

// Deleter deletes all that is kept of a task, a service or a user: first the journals, then the rows. What stops it in
// between is mended by the same deletion once more; the other way round nobody would know which journals to look for.
type Deleter struct {
	Journal Forgetter
	Store   Erasable
	Log     *slog.Logger
	NewID   func() string
}

// rounds bounds how often tasks may have come and ended between a look at the store and the deletion.
const rounds = 3

// Delete carries out a deletion, or with DryRun tells what it would delete. Errors: *[saga.InvalidError],
// *[saga.UnfinishedError].
func (d *Deleter) Delete(ctx context.Context, r saga.Deletion) (saga.Deleted, error) {
	if err := r.Check(); err != nil {
		return saga.Deleted{}, err
	}
	if r.ID == "" || r.DryRun {
		r.ID = d.NewID()
	}
	for range rounds {
		deleted, err := d.round(ctx, &r)
		if err != nil {
			return saga.Deleted{}, err
		}
		if deleted.Done || r.DryRun {
			deleted.ID = r.ID
			return deleted, nil
		}
	}
	return saga.Deleted{}, fmt.Errorf("delete a %s: tasks of it come and end all the time: %w", r.Kind, saga.ErrUnavailable)
}

// round deletes what there is, unless tasks come in the meantime: the next one sees them.
func (d *Deleter) round(ctx context.Context, r *saga.Deletion) (saga.Deleted, error) {
	plan, ended, err := d.plan(ctx, *r)
	if err != nil || plan.Done || r.DryRun {
		return plan, err
	}
	if err := d.forget(ctx, r, plan.Tasks, ended); err != nil {
		return saga.Deleted{}, err
	}
	deleted, err := d.Store.Delete(ctx, *r)
	if err == nil && deleted.Done {
		// The audit has the subject; the log is kept by others.
		d.Log.InfoContext(ctx, "deleted", "deletion", r.ID, "kind", r.Kind, "by", r.By, "tasks", deleted.Counts.Tasks,
			"services", deleted.Counts.Services, "rows", deleted.Counts.Rows)
	}
	return deleted, err
}

// plan finds what a deletion is about, and which of its tasks have ended although the store does not say so.
func (d *Deleter) plan(ctx context.Context, r saga.Deletion) (plan saga.Deleted, ended []saga.Unwritten, err error) {
	dry := r
	dry.DryRun = true
	plan, err = d.Store.Delete(ctx, dry)
	if err != nil || plan.Done { // it was done before
		return plan, nil, err
	}
	unwritten, err := d.Journal.Unwritten(ctx, about(r, plan))
	if err != nil {
		return saga.Deleted{}, nil, err
	}
	unfinished := map[string]bool{}
	for _, id := range plan.Unfinished {
		unfinished[id] = true
	}
	for _, u := range unwritten {
		if u.State != "" {
			ended = append(ended, u)
			delete(unfinished, u.ID)
			continue
		}
		unfinished[u.ID] = true
	}
	if len(unfinished) > 0 {
		return saga.Deleted{}, nil, &saga.UnfinishedError{IDs: slices.Sorted(maps.Keys(unfinished))}
	}
	return plan, ended, nil
}

// about tells whether a task that the store may not know yet is one of those that a deletion is about.
func about(d saga.Deletion, plan saga.Deleted) func(saga.Created) bool {
	tasks, services := map[string]bool{}, map[string]bool{}
	for _, id := range plan.Tasks {
		tasks[id] = true
	}
	for _, schema := range plan.Services {
		services[schema] = true
	}
	if d.Kind == saga.SubjectService {
		services[d.Subject] = true
	}
	return func(c saga.Created) bool {
		return tasks[c.ID] || tasks[c.Parent] || services[c.Service] ||
			d.Kind == saga.SubjectUser && strings.EqualFold(c.Owner, d.Subject)
	}
}

// forget removes journals. What only they knew of the end of a task the store is told first. The flusher may have a journal
// in hand, or a parent may not have let its child go.
func (d *Deleter) forget(ctx context.Context, r *saga.Deletion, tasks []string, ended []saga.Unwritten) error {
	if len(ended) > 0 {
		if err := d.Store.Settle(ctx, ended); err != nil {
			return err
		}
	}
	r.Forgotten = append(r.Forgotten, tasks...)
	for _, u := range ended {
		r.Forgotten = append(r.Forgotten, u.ID)
	}
	slices.Sort(r.Forgotten)
	r.Forgotten = slices.Compact(r.Forgotten)
	left, err := d.Journal.Forget(ctx, r.Forgotten)
	if err == nil && len(left) > 0 {
		err = &saga.UnfinishedError{IDs: left}
	}
	return err
}
