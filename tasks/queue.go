package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

// Settings of every asynq task of ours.
const (
	// maxRetry keeps asynq from ever archiving a task: what is given up is decided by the journal. More than 1<<30 is
	// stored as a negative number.
	maxRetry = 1 << 30
	// deliveryTimeout is how long one delivery may hold its handler. Unset it would be 30 minutes, after which asynq
	// starts a second handler beside the first.
	deliveryTimeout = 24 * time.Hour
)

// Queue wakes tasks through asynq. A delivery says no more than "look at the journal of this id": nothing about a task
// is known only to asynq.
type Queue struct {
	// Headers are what deliveries carry of the context of what enqueues them, for whoever reads the queue: nothing depends on
	// them. Nil: nothing. Set before use.
	Headers func(ctx context.Context) map[string]string

	redis     redis.UniversalClient
	client    *asynq.Client
	inspector *asynq.Inspector
}

// NewQueue returns a queue on a client that it shares and does not close.
func NewQueue(client redis.UniversalClient) *Queue {
	return &Queue{redis: client, client: asynq.NewClientFromRedisClient(client), inspector: asynq.NewInspectorFromRedisClient(client)}
}

// Enqueue makes sure that asynq has the task. A task that it has already, in whatever state, is left as it is.
func (q *Queue) Enqueue(ctx context.Context, ref saga.Ref) error {
	return q.enqueue(ctx, q.client, ref, ref.ID)
}

func (q *Queue) enqueue(ctx context.Context, client *asynq.Client, ref saga.Ref, taskID string) error {
	options := []asynq.Option{
		asynq.TaskID(taskID), asynq.Queue(ref.Queue), asynq.MaxRetry(maxRetry), asynq.Timeout(deliveryTimeout),
	}
	if !ref.Due.IsZero() {
		options = append(options, asynq.ProcessAt(ref.Due))
	}
	task := asynq.NewTask(ref.Type, []byte(ref.ID))
	if q.Headers != nil {
		if headers := q.Headers(ctx); len(headers) > 0 {
			task = asynq.NewTaskWithHeaders(ref.Type, []byte(ref.ID), headers)
		}
	}
	_, err := client.EnqueueContext(ctx, task, options...)
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue task %s: %w", ref.ID, err)
	}
	return nil
}

// Wake has the task delivered now if asynq has it parked, and enqueues it if asynq does not have it.
// A task that is pending or being delivered is left as it is: the error says so.
func (q *Queue) Wake(ctx context.Context, ref saga.Ref) error {
	err := q.inspector.RunTask(ref.Queue, ref.ID)
	switch {
	case errors.Is(err, asynq.ErrTaskNotFound):
		ref.Due = time.Time{}
		return q.Enqueue(ctx, ref)
	case errors.Is(err, asynq.ErrQueueNotFound):
		return q.announce(ctx, ref)
	}
	if err != nil {
		return fmt.Errorf("wake task %s: %w", ref.ID, err)
	}
	return nil
}

// announce enqueues a task on a queue that asynq does not know: it is new, or Redis came back empty. A client makes a
// queue known only once, so the one that has done so before would not do it again.
func (q *Queue) announce(ctx context.Context, ref saga.Ref) error {
	ref.Due = time.Time{}
	if err := q.enqueue(ctx, asynq.NewClientFromRedisClient(q.redis), ref, ref.ID); err != nil {
		return err
	}
	_ = q.inspector.RunTask(ref.Queue, ref.ID) // it may have been parked there; pending or active is just as good
	return nil
}

// deliver has a parked asynq task delivered now.
func (q *Queue) deliver(d delivery) error { return q.inspector.RunTask(d.queue, d.asynqID) }

// active tells whether asynq believes that a worker has the delivery.
func (q *Queue) active(d delivery) bool {
	info, err := q.inspector.GetTaskInfo(d.queue, d.asynqID)
	return err == nil && info.State == asynq.TaskStateActive
}

// Backlog is how many deliveries of a queue are waiting for a worker.
func (q *Queue) Backlog(queue string) (int, error) {
	info, err := q.inspector.GetQueueInfo(queue)
	if err == nil {
		return info.Pending, nil
	}
	// Here asynq has no ErrQueueNotFound for a queue that it never had a task of.
	if queues, listErr := q.inspector.Queues(); listErr == nil && !slices.Contains(queues, queue) {
		return 0, nil
	}
	return 0, fmt.Errorf("backlog of queue %s: %w", queue, err)
}

// Pending is how many deliveries of each of some queues are waiting for a worker. It is far cheaper than asynq's own
// statistics.
func (q *Queue) Pending(ctx context.Context, queues ...string) ([]int, error) {
	counts := make([]*redis.IntCmd, len(queues))
	_, err := q.redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, name := range queues {
			counts[i] = pipe.LLen(ctx, "asynq:{"+name+"}:pending")
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count pending tasks: %w", err)
	}
	pending := make([]int, len(queues))
	for i, c := range counts {
		pending[i] = int(c.Val())
	}
	return pending, nil
}

// TakeOver has a task delivered whose runner is gone. While asynq still believes that the dead worker has it (for 60 to
// 120 s, or for ever), a second asynq task is made for the same id: its own bookkeeping stays untouched, and when it
// delivers the first one again the journal says that there is nothing to do. One such task is made for an epoch, however
// many workers see the orphan, and another one for each of them whose worker died before it could claim.
func (q *Queue) TakeOver(ctx context.Context, ref saga.Ref) error {
	err := q.Wake(ctx, ref)
	if err == nil {
		return nil
	}
	ref.Due = time.Time{}
	second := fmt.Sprintf("%s~%d", ref.ID, ref.Epoch)
	asynqID := ref.ID
	for n := 1; ; n++ {
		info, infoErr := q.inspector.GetTaskInfo(ref.Queue, asynqID)
		switch {
		case infoErr != nil:
			return errors.Join(err, infoErr)
		case info.State == asynq.TaskStatePending:
			return nil // it is on its way
		case info.State != asynq.TaskStateActive:
			return err
		}
		if asynqID = second; n > 1 {
			asynqID = fmt.Sprintf("%s~%d", second, n)
		}
		if err = q.enqueue(ctx, q.client, ref, asynqID); err != nil {
			return err
		}
		if err = q.inspector.RunTask(ref.Queue, asynqID); err == nil {
			return nil // it was parked itself
		}
	}
}
