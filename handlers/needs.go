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
}

// Reader reads tasks.
type Reader interface {
	// Get returns a task. Errors: [saga.ErrNotFound].
	Get(ctx context.Context, id string) (saga.Task, error)
	// List returns one page of tasks, newest first. A cursor that it did not make gives a *[saga.InvalidError] about
	// /cursor.
	List(ctx context.Context, q saga.Query) (saga.Page, error)
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

// Watcher follows a task.
type Watcher interface {
	// Events returns the events with Seq > after, and the task as of the last one. Errors: [saga.ErrNotFound].
	Events(ctx context.Context, id string, after int64) ([]saga.Event, saga.Task, error)
	// Watch tells of every append to the task's journal until ctx is done; what comes in a burst is told once. After a
	// lost connection it tells once more, so that a reader that only listens misses nothing.
	Watch(ctx context.Context, id string) (<-chan struct{}, error)
}

// Catalogue knows the types of tasks.
type Catalogue interface {
	Types() []saga.TaskType
	Type(name string) (saga.TaskType, bool)
}

// Readiness tells whether the process can do its work.
type Readiness interface {
	// Ready fails when Redis or the result store does not answer.
	Ready(ctx context.Context) error
}

// Tasks is all that the API needs.
type Tasks interface {
	Starter
	Reader
	Commander
	Watcher
	Catalogue
	Readiness
}
