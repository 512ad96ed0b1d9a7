package results

import (
	"context"
	"encoding/json"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Store keeps tasks and carries out effects. Its methods are safe for concurrent use.
type Store interface {
	// Save upserts rows; of two versions of a task the higher stays. It returns what is stored now, one for each id
	// but those that were deleted on request, which are not taken.
	// An error for which [saga.IsPermanent] holds means that (at least) one of the tasks will never be taken.
	Save(ctx context.Context, rows []Row) ([]Saved, error)
	// Get returns a task. Errors: [saga.ErrNotFound].
	Get(ctx context.Context, id string) (saga.Task, error)
	// List returns tasks, newest first. A cursor that is none gives a *[saga.InvalidError].
	List(ctx context.Context, q saga.Query) (saga.Page, error)

	// Counts returns how many tasks of a query there are. A state is counted up to the query's limit (0: 10,000), and it may
	// look at the newest five times as many only: a store may have millions.
	Counts(ctx context.Context, q saga.Query) (saga.TaskCounts, error)

	// HumanTasks returns what waits for people in any of the query's scopes, those first that have waited longest. The paths
	// are those of the waits. A cursor that is none gives a *[saga.InvalidError].
	HumanTasks(ctx context.Context, q saga.HumanQuery) (saga.HumanPage, error)

	// Kept returns what is kept of a task, so that its journal can be made again. Errors: [saga.ErrNotFound], when
	// nothing is needed of it any longer: it has ended, or the store does not know it.
	Kept(ctx context.Context, id string) (saga.Kept, error)
	// AllKept returns what is kept, in the order of the ids, after one of them (the empty one: from the first on). An
	// empty page is the last; the others may have fewer than limit, at most [KeptPage].
	AllKept(ctx context.Context, after string, limit int) ([]saga.Kept, error)
	// Effects returns what fences tell of a task, oldest first, whether anything else is kept of it or not.
	Effects(ctx context.Context, task string) ([]saga.Effect, error)

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

	// ServiceOwner returns the UUID, in lower case, of the user whose service a schema is. Errors: [saga.ErrNotFound].
	ServiceOwner(ctx context.Context, schema string) (string, error)
	// Expire deletes up to limit tasks that ended before a moment, and their fences, but no child that the tasks above it
	// may still want undone. It returns how many it deleted. Any number may call it at once.
	Expire(ctx context.Context, before time.Time, limit int) (int, error)
	// Settle records how tasks have ended whose last rows were refused for good, in the rows that there are of them. Their
	// journals are kept no longer than those of others that have ended.
	Settle(ctx context.Context, ended []saga.Unwritten) error
	// Delete deletes all that is kept of a subject, in one transaction, and takes note of it in the audit. A row of one of
	// its tasks that is saved later is not taken, and no effect of theirs happens any more. It only tells what there is
	// when d says so, while tasks have not ended, and while not all of them are in d.Forgotten. A deletion whose ID the
	// audit has is told as it was.
	Delete(ctx context.Context, d saga.Deletion) (saga.Deleted, error)

	// Deploy adds a version of a workflow, a draft, unless the content has one of that. Reason may be empty.
	Deploy(ctx context.Context, d saga.Deployment) (saga.Deployed, error)
	// ChangeVersion brings a version into another state, if its own allows that ([saga.VersionState.MayBecome]). The one that
	// was active becomes deprecated with another's activation: whatever comes at once, one is active. A change to the state
	// that it has is none. Errors: [saga.ErrNotFound].
	ChangeVersion(ctx context.Context, c saga.VersionChange) (saga.VersionChanged, error)
	// Workflows returns the current version of each workflow: the active one or, if none is, the newest.
	Workflows(ctx context.Context, q saga.WorkflowQuery) ([]saga.WorkflowVersion, error)
	// Workflow returns what a service's tasks of a type begin with: the current version of its own workflow, if a version of
	// that was ever active, else of the platform's, if there is one, else of its own. Errors: [saga.ErrNotFound].
	Workflow(ctx context.Context, of saga.WorkflowKey) (saga.WorkflowVersion, error)
	// Versions returns versions of a workflow, the newest first, before one of them (0: from the newest on).
	Versions(ctx context.Context, w saga.WorkflowKey, before, limit int) ([]saga.WorkflowVersion, error)
	// Version returns one version, with its content; Definition one that has a content. Errors: [saga.ErrNotFound].
	Version(ctx context.Context, w saga.WorkflowKey, version int) (saga.WorkflowVersion, error)
	Definition(ctx context.Context, hash string) (saga.WorkflowVersion, error)
	// VersionNotes returns the audit of a workflow, the newest first, before one of its entries (0: from the newest on).
	VersionNotes(ctx context.Context, w saga.WorkflowKey, before int64, limit int) ([]saga.VersionNote, error)

	// Triggered returns active versions by what starts them.
	Triggered(ctx context.Context, q saga.TriggerQuery) ([]saga.Triggered, error)

	// SaveActions writes entries of the audit. One that is there stays as it is, unless it had only begun.
	SaveActions(ctx context.Context, list []saga.Action) error
	// Actions returns a page of the audit, the newest first.
	Actions(ctx context.Context, q saga.ActionQuery) ([]saga.Action, error)

	// Webhooks returns webhooks, in the order of their ids.
	Webhooks(ctx context.Context, q saga.WebhookQuery) ([]saga.Webhook, error)
	// AddWebhook keeps a webhook that is new, with the times of now: enabled, if it says so, since then.
	AddWebhook(ctx context.Context, w saga.Webhook) (saga.Webhook, error)
	// ChangeWebhook changes what is not nil. Errors: [saga.ErrNotFound].
	ChangeWebhook(ctx context.Context, c saga.WebhookChange) (saga.Webhook, error)
	// RemoveWebhook removes one. Errors: [saga.ErrNotFound].
	RemoveWebhook(ctx context.Context, id string) error
	// Deliveries returns tasks of the type webhook.deliver, newest first. A cursor that is none gives a *[saga.InvalidError].
	Deliveries(ctx context.Context, q saga.DeliveryQuery) (saga.Page, error)

	// Ping tells whether the store is there and ready to be used.
	Ping(ctx context.Context) error
	// ID is what tells this store from others. It stays with the data, wherever that is moved. It is a Ping, too.
	ID(ctx context.Context) (string, error)
	Close() error
}

// Row is a task to be stored, with what its journal can be made of again.
type Row struct {
	Task   saga.Task
	Parent string // the task whose child it is
	// Journal has the events as they are stored. It is kept until the task has ended and, of a child, until the tasks
	// above it have, too: for they may still want it undone.
	Journal []string
}

// Rows are rows of tasks whose journals are not kept.
func Rows(tasks ...saga.Task) []Row {
	rows := make([]Row, len(tasks))
	for i, t := range tasks {
		rows[i].Task = t
	}
	return rows
}

// Saved is the version of a task that the store has now: higher than the one saved when somebody else's was newer.
type Saved struct {
	ID      string `json:"id"`
	Version int64  `json:"version"`
}

// Limits of a list's page.
const (
	defaultLimit = 50
	maxLimit     = 200
)

// countLimit is how far tasks of a state are counted.
const countLimit = 10_000

// countLimitOf returns how far counting is meant to go.
func countLimitOf(q saga.Query) int {
	if q.Limit <= 0 {
		return countLimit
	}
	return q.Limit
}

// limitOf returns the page size that is meant.
func limitOf(q saga.Query) int {
	if q.Limit <= 0 {
		return defaultLimit
	}
	return min(q.Limit, maxLimit)
}

// pageOf makes a page of at most limit tasks out of one more than that.
func pageOf(tasks []saga.Task, limit int) saga.Page {
	p := saga.Page{Tasks: tasks}
	if len(tasks) > limit {
		p.Tasks = tasks[:limit]
		p.Next = saga.CursorAfter(tasks[limit-1])
	}
	return p
}
