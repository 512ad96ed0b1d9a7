package results

import (
	"context"
	"encoding/json"

	"github.com/osp-platform/osp/saga"
)

// Store keeps tasks and carries out effects. Its methods are safe for concurrent use.
type Store interface {
	// Save upserts tasks; of two versions of a task the higher stays. It returns what is stored now, one for each id.
	// An error for which [saga.IsPermanent] holds means that (at least) one of the tasks will never be taken.
	Save(ctx context.Context, tasks []saga.Task) ([]Saved, error)
	// Get returns a task. Errors: [saga.ErrNotFound].
	Get(ctx context.Context, id string) (saga.Task, error)
	// List returns tasks, newest first. A cursor that is none gives a *[saga.InvalidError].
	List(ctx context.Context, q saga.Query) (saga.Page, error)

	// Apply carries out an effect once for the fence, or with f.Undo takes it back, given the same args. Errors come
	// classified by [saga.Permanent], [saga.RetryAfter] and [saga.Definite]; a do that comes after its undo gets
	// [saga.ErrUndone].
	//
	// The effects, their args and their results, as JSON objects:
	//
	//	service.reserve    schema, name, user_id                → schema
	//	service.register   schema, name, user_id, entities      → service_id
	//	schema.create      schema, user_id                      → {}
	//	tables.create      schema, user_id, entities            → tables
	//	security.enable    schema, user_id, entities            → {}
	//	keys.create        schema, user_id, entities            → created
	//	rows.insert        schema, user_id, rows                → inserted
	//	manifest.store     schema, user_id, manifest, by        → version
	//	manifest.activate  schema, user_id, version, by         → version, was, earlier
	//	entity.insert      schema, user_id, entity, data        → row
	//	entity.update      schema, user_id, entity, id, data    → before, after
	//	entity.delete      schema, user_id, entity, id          → before
	//	entity.query       schema, user_id, entity, filters, limit → rows (it changes nothing and needs no fence)
	Apply(ctx context.Context, f saga.Fence, effect string, args json.RawMessage) (json.RawMessage, error)

	// Ping tells whether the store is there and ready to be used.
	Ping(ctx context.Context) error
	Close() error
}

// Saved is the version of a task that the store has now: higher than the one saved when somebody else's was newer.
type Saved struct {
	ID      string `json:"id"`
	Version int64  `json:"version"`
}

// Limits of a list's page.
const (
	DefaultLimit = 20
	MaxLimit     = 200
)

// limitOf returns the page size that is meant.
func limitOf(q saga.Query) int {
	if q.Limit <= 0 {
		return DefaultLimit
	}
	return min(q.Limit, MaxLimit)
}

// pageOf makes a page of at most limit tasks out of one more than that.
func pageOf(tasks []saga.Task, limit int) saga.Page {
	p := saga.Page{Tasks: tasks}
	if len(tasks) > limit {
		p.Tasks = tasks[:limit]
		p.Next = cursorAfter(tasks[limit-1]).String()
	}
	return p
}
