package handlers

import (
	"context"

	"github.com/osp-platform/osp/saga"
)

// Starter starts tasks.
type Starter interface {
	// Start records a task and has it carried out. The same id and request again gives the task that exists, with
	// created false. Errors: *[saga.InvalidError], [saga.ErrUnknownType], [saga.ErrConflict], [saga.ErrTooLarge].
	Start(ctx context.Context, r saga.Request) (task saga.Task, created bool, err error)
	// Retry starts a new task with the request of a finished one; its RetryOf names it.
	Retry(ctx context.Context, id, by string) (saga.Task, error)
	// RetryAs is Retry with the new task's id, so that the same again is the same task. Errors also: [saga.ErrConflict].
	RetryAs(ctx context.Context, id, as, by string) (saga.Task, error)
}

// Reader reads tasks.
type Reader interface {
	// Get returns a task. Errors: [saga.ErrNotFound].
	Get(ctx context.Context, id string) (saga.Task, error)
	// List returns one page of tasks, newest first. A cursor that it did not make gives a *[saga.InvalidError] about
	// /cursor.
	List(ctx context.Context, q saga.Query) (saga.Page, error)
	// Counts tells how many tasks of a query there are.
	Counts(ctx context.Context, q saga.Query) (saga.TaskCounts, error)
}

// Commander tells running tasks something. Its errors: [saga.ErrNotFound], [saga.ErrFinished], *[saga.InvalidError].
type Commander interface {
	// Cancel asks for the task to be cancelled: what it began is undone.
	Cancel(ctx context.Context, id, by, reason string) (saga.Task, error)
	// Signal sends a signal; the same Dedupe is taken once.
	Signal(ctx context.Context, id string, s saga.SignalRequest) error
	// Resolve is an operator's word on a stuck step.
	Resolve(ctx context.Context, id string, r saga.Resolution) (saga.Task, error)
}

// Humans hears people who are to answer a task.
type Humans interface {
	// HumanTask tells how the human task at a step's path stands, and who may answer it. Errors: [saga.ErrNotFound].
	HumanTask(ctx context.Context, id, path string) (saga.HumanTask, error)
	// HumanTasks returns one page of those that are open. A cursor that it did not make gives a *[saga.InvalidError] about
	// /cursor.
	HumanTasks(ctx context.Context, q saga.HumanQuery) (saga.HumanPage, error)
	// Answer takes an answer. The first stands: the same again is told as it was. Errors: [saga.ErrNotFound],
	// *[saga.NotAskedError], [saga.ErrAnswered], [saga.ErrTooLarge].
	Answer(ctx context.Context, id, path string, a saga.HumanAnswer) (saga.Answered, error)
}

// Deleter deletes what is kept.
type Deleter interface {
	// Delete deletes all that is kept of a subject, and notes it in the audit; a dry run only counts. The same id again is
	// answered as it was the first time. Errors: *[saga.InvalidError], and *[saga.UnfinishedError] while tasks of it have
	// not ended.
	Delete(ctx context.Context, d saga.Deletion) (saga.Deleted, error)
}

// Watcher follows a task.
type Watcher interface {
	// Events returns the events with Seq > after, and the task as of the last one. Errors: [saga.ErrNotFound].
	Events(ctx context.Context, id string, after int64) ([]saga.Event, saga.Task, error)
	// Watch tells of every append to the task's journal until ctx is done; what comes in a burst is told once. After a
	// lost connection it tells once more, so that a reader that only listens misses nothing.
	Watch(ctx context.Context, id string) (<-chan struct{}, error)
}

// Undertaker keeps the rows that the result store has refused for good.
type Undertaker interface {
	// DeadLetters returns one page. A cursor that it did not make gives a *[saga.InvalidError] about /cursor.
	DeadLetters(ctx context.Context, cursor string, limit int) (saga.DeadLetters, error)
	// Resend has rows written again; it tells how many of the ids had been refused.
	Resend(ctx context.Context, ids []string) (int, error)
	// ResendAll is Resend for all that have been refused.
	ResendAll(ctx context.Context) (int, error)
}

// Catalogue knows the types of tasks.
type Catalogue interface {
	Types() []saga.TaskType
	Type(name string) (saga.TaskType, bool)
}

// Workflows takes in workflows that are data, and governs their versions. Its errors: [saga.ErrNotFound] for a workflow or a
// version that is not there, *[saga.InvalidError].
type Workflows interface {
	// Check tells what deploying a definition would come to: id, hash and warnings.
	Check(definition []byte) (saga.Deployment, []saga.Problem, error)
	// Deploy adds a version of a service's workflow, or of the platform's, a draft, unless the content has one; with warnings.
	Deploy(ctx context.Context, service string, definition []byte, by, reason string) (saga.Deployed, []saga.Problem, error)
	// ChangeVersion brings a version into another state.
	ChangeVersion(ctx context.Context, c saga.VersionChange) (saga.WorkflowVersion, error)
	// Workflows returns each workflow's current version.
	Workflows(ctx context.Context, q saga.WorkflowQuery) ([]saga.WorkflowVersion, error)
	// Versions returns a workflow's versions, the newest first, before one of them (0: from the newest on).
	Versions(ctx context.Context, w saga.WorkflowKey, before, limit int) ([]saga.WorkflowVersion, error)
	// Version returns one, with its content.
	Version(ctx context.Context, w saga.WorkflowKey, version int) (saga.WorkflowVersion, error)
	// Differences tells in what two versions differ.
	Differences(ctx context.Context, w saga.WorkflowKey, from, to int) ([]saga.Difference, error)
	// VersionNotes returns a workflow's audit, the newest first, before one of its entries (0: from the newest on).
	VersionNotes(ctx context.Context, w saga.WorkflowKey, before int64, limit int) ([]saga.VersionNote, error)
	// Startable returns the type of a service's tasks of a workflow that is data, by the service's own or else by the
	// platform's. Errors: [saga.ErrNotFound] when there is none, or none is active, [saga.ErrUnavailable].
	Startable(ctx context.Context, of saga.WorkflowKey) (saga.TaskType, error)
	// DefinitionSchema is the JSON Schema of definitions.
	DefinitionSchema() []byte
}

// Triggers start tasks for what happens outside.
type Triggers interface {
	// Happen starts a task of each of a service's active workflows that the occasion triggers, and tells of each: the same
	// occasion again is the same tasks. Errors: [saga.ErrUnavailable].
	Happen(ctx context.Context, service string, o saga.Occasion, by string) ([]saga.Begun, error)
}

// Webhooks governs who is told how tasks end. Its errors: [saga.ErrNotFound] for a webhook that is not there,
// *[saga.InvalidError].
type Webhooks interface {
	AddWebhook(ctx context.Context, w saga.Webhook) (saga.Webhook, error)
	Webhook(ctx context.Context, id string) (saga.Webhook, error)
	ListWebhooks(ctx context.Context, q saga.WebhookQuery) ([]saga.Webhook, error)
	ChangeWebhook(ctx context.Context, c saga.WebhookChange) (saga.Webhook, error)
	RemoveWebhook(ctx context.Context, id string) error
	// TestWebhook starts the delivery of a test.
	TestWebhook(ctx context.Context, id, by string) (saga.Task, error)
	// Deliveries lists the tasks that deliver. A cursor that it did not make gives a *[saga.InvalidError] about /cursor.
	Deliveries(ctx context.Context, q saga.DeliveryQuery) (saga.Page, error)
}

// Readiness tells whether the process can do its work.
type Readiness interface {
	// Ready fails when Redis or the result store does not answer.
	Ready(ctx context.Context) error
}

// Services knows the services that there are.
type Services interface {
	// ServiceOwner returns the UUID of the user whose service a schema is. Errors: [saga.ErrNotFound]; any other means
	// that it cannot tell at the moment.
	ServiceOwner(ctx context.Context, schema string) (string, error)
}

// Tasks is all that the API needs.
type Tasks interface {
	Starter
	Reader
	Commander
	Humans
	Deleter
	Watcher
	Undertaker
	Catalogue
	Workflows
	Triggers
	Webhooks
	Scaler
	Fleet
	Readiness
}
