package journal

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

// Options are the settings of a journal. Zero values mean the defaults. All processes that share a journal must agree
// on Prefix and Partitions, and Partitions cannot change while there are tasks.
type Options struct {
	Prefix            string        // of all keys; "osp"
	Partitions        int           // how many hash tags the keys are spread over; 1, more on a cluster
	LeaseTTL          time.Duration // how long a claim or a renewal holds a task; 5 s
	KeepFinished      time.Duration // how long a finished task's journal is kept once its row is written; 24 h
	IdempotencyWindow time.Duration // how much longer its id stays taken; 24 h
	// Replicated requires replicas: what is accepted, and what is to be confirmed, fails without the word of one. Else
	// only the latter waits for them, where there are some (see [Redis.SeeReplicas]).
	Replicated bool
}

// Redis is a [saga.Journal] in Redis 6 or newer, single, replicated or a cluster.
type Redis struct {
	client     redis.UniversalClient
	o          Options
	partitions []*partition
	turn       atomic.Uint32 // rotates over partitions, so that none is always last
	watches    watches
	recent     recent
	masters    sync.Map // of *master, by its *redis.Client
}

var _ saga.Journal = (*Redis)(nil)

// Delays, in microseconds where scripts get them.
const (
	dueSlack  = int64(2 * time.Second / time.Microsecond)        // how long after its due time an open task is overdue
	wakeAge   = int64(100 * time.Millisecond / time.Microsecond) // how old a wake mark is when it is swept
	hold      = int64(10 * time.Second / time.Microsecond)       // how long what was handed out is not handed out again
	farFuture = int64(9e15)                                      // the year 2255; Lua's numbers are exact up to 2^53
)

// New returns the journal in client's Redis. It opens no connection; [Redis.Close] ends what Watch opens later.
func New(client redis.UniversalClient, o Options) *Redis {
	o.Prefix = cmp.Or(o.Prefix, "osp")
	o.Partitions = max(o.Partitions, 1)
	o.LeaseTTL = cmp.Or(o.LeaseTTL, 5*time.Second)
	o.KeepFinished = cmp.Or(o.KeepFinished, 24*time.Hour)
	o.IdempotencyWindow = cmp.Or(o.IdempotencyWindow, 24*time.Hour)
	r := &Redis{client: client, o: o}
	for n := range o.Partitions {
		r.partitions = append(r.partitions, newPartition(o.Prefix, n))
	}
	return r
}

// Start implements [saga.Journal].
func (r *Redis) Start(ctx context.Context, s saga.Start) (saga.Started, error) {
	c := s.Created
	if !saga.ValidID(c.ID) {
		return saga.Started{}, fmt.Errorf("start task %q: the id is not valid", c.ID)
	}
	if len(c.Input) > saga.MaxInput {
		return saga.Started{}, sentence("start task", c.ID, saga.ErrTooLarge)
	}
	body, err := saga.Encode(c.Begins())
	if err != nil {
		return saga.Started{}, sentence("start task", c.ID, err)
	}
	p := r.of(c.ID)
	client := c.Parent == "" // else another task starts it
	args := append(operation(p, opStart, c.ID, 10),
		c.ID, digest(c.Hash), c.Type, c.Queue, int64(c.ProcessAt), dueSlack, body, c.Parent, c.ParentPath, s.Given)
	if s.Hold != "" {
		args = joined(args, holding(p, c.ID, c.Queue, s.Hold, true))
	}
	answers, err := relied(r.operateAll(ctx, p, !client || r.o.Replicated, client, args))
	answer, err := answers.of(0, err)
	if err != nil {
		return saga.Started{}, fail(ctx, "start task", c.ID, err)
	}
	switch answer.int(0) {
	case 0:
		return saga.Started{}, sentence("start task", c.ID, saga.ErrConflict)
	case 3:
		return saga.Started{}, sentence("start task", c.ID, saga.ErrIncomplete)
	case 1:
		ref := saga.Ref{ID: c.ID, Type: answer.text(2), Queue: answer.text(3), Epoch: number(answer.text(4))}
		ref.Due = saga.Micros(number(answer.text(5))).Time()
		return saga.Started{Ref: ref, Finished: answer.int(1) == 1}, nil
	}
	ref := saga.Ref{ID: c.ID, Type: c.Type, Queue: c.Queue, Due: c.ProcessAt.Time()}
	started := saga.Started{Ref: ref, New: true, At: moment(answer.int(1)), Held: answers.list(1).int(0) == 1}
	if started.Held {
		r.rememberHeld(started, body)
	}
	return started, nil
}

// Read implements [saga.Journal].
func (r *Redis) Read(ctx context.Context, id string) (saga.Snapshot, error) {
	p := r.of(id)
	answers, err := r.run(ctx, snapshotScript, []string{p.dirty, p.journal(id), p.meta(id)}, "", "")
	if err != nil {
		return saga.Snapshot{}, fail(ctx, "read task", id, err)
	}
	answer := answers.list(0)
	if len(answer) == 0 {
		return saga.Snapshot{}, sentence("read task", id, saga.ErrNotFound)
	}
	return snapshot(id, answer)
}

// snapshot reads one answer of snapshot.lua.
func snapshot(id string, answer reply) (saga.Snapshot, error) {
	ref := saga.Ref{
		ID: id, Type: answer.text(0), Queue: answer.text(1), Epoch: number(answer.text(2)),
		Due: saga.Micros(number(answer.text(3))).Time(),
	}
	list := answer.list(6)
	events, err := decode(list)
	if err != nil {
		return saga.Snapshot{}, sentence("read task", id, err)
	}
	stored := make([]string, len(list))
	for i := range list {
		stored[i] = list.text(i)
	}
	return saga.Snapshot{Ref: ref, Events: events, Stored: stored, Version: number(answer.text(4)), Finished: answer.text(5) != ""}, nil
}

// decode reads stored events. With an error it returns those before the one that it cannot read.
func decode(list reply) ([]saga.Event, error) {
	if len(list) == 0 {
		return nil, nil
	}
	events := make([]saga.Event, len(list))
	for i := range list {
		e, err := saga.Decode(list.text(i))
		if err != nil {
			return events[:i], err
		}
		events[i] = e
	}
	return events, nil
}

// number reads a decimal that our own scripts wrote; nothing is 0.
func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

func moment(us int64) time.Time { return saga.Micros(us).Time() }
