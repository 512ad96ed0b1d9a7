package tasks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

// WorkerOptions are the settings of a [Worker].
type WorkerOptions struct {
	Queues          map[string]int // name to weight
	Concurrency     int            // deliveries at once
	CheckInterval   time.Duration  // how long an idle worker waits between two looks at the queues though nobody rang
	ShutdownTimeout time.Duration  // how long running steps may take after Stop
	Log             *slog.Logger
	// Bell is that of the client, and rings when there is work. Nil: nobody rings.
	Bell *Bell
	// Opening is what every task of a type begins with; see [Catalogue.Opening]. Nil: that is not known.
	Opening func(typeName string) *saga.Opening
	// Context is that of a delivery with headers of [Queue.Headers]. Nil: asynq's own.
	Context func(ctx context.Context, headers map[string]string) context.Context
}

// Worker takes deliveries from asynq and has the runner look at their journals.
type Worker struct {
	server  *asynq.Server
	runner  *saga.Runner
	opening func(typeName string) *saga.Opening
	context func(ctx context.Context, headers map[string]string) context.Context
	queue   *Queue
	log     *slog.Logger
	now     func() time.Time
	drained chan struct{}

	bell      *Bell
	queues    map[string]int
	handlers  int
	every     time.Duration
	unheard   context.CancelFunc // ends listening to the bell
	listeners sync.WaitGroup

	running  sync.WaitGroup // deliveries
	handOver sync.WaitGroup // of those that are parked only because this worker stops
}

// delivery is an asynq task that was delivered: a task's own, or one that was made to take it over.
type delivery struct{ queue, asynqID string }

// asynqInterval is how long asynq sleeps after its dequeue found nothing, where the doorman holds the dequeue back.
const asynqInterval = time.Millisecond

// near is how far ahead a worker itself wakes what it parked: asynq counts whole seconds and looks every five.
const near = time.Minute

// NewWorker returns a worker that is not started. It closes drained when it begins to stop, so that the runner starts
// no new step.
func NewWorker(client redis.UniversalClient, runner *saga.Runner, queue *Queue, o WorkerOptions) *Worker {
	if o.Opening == nil {
		o.Opening = func(string) *saga.Opening { return nil }
	}
	if o.Context == nil {
		o.Context = func(ctx context.Context, _ map[string]string) context.Context { return ctx }
	}
	w := &Worker{
		opening: o.Opening, context: o.Context, runner: runner, queue: queue, log: o.Log, now: runner.Now, drained: make(chan struct{}),
		bell: o.Bell, queues: o.Queues, handlers: o.Concurrency, every: o.CheckInterval,
	}
	runner.Draining = w.drained
	if w.bell != nil {
		o.CheckInterval = asynqInterval
	}
	w.server = asynq.NewServerFromRedisClient(client, asynq.Config{
		Queues: o.Queues, Concurrency: o.Concurrency, TaskCheckInterval: o.CheckInterval,
		ShutdownTimeout: o.ShutdownTimeout, RetryDelayFunc: retryDelay,
		// A park is not a failure, and a task that fails for good has ended in the journal: asynq counts nothing.
		IsFailure: func(error) bool { return false },
		Logger:    newAsynqLog(o.Log, runner.Now), LogLevel: asynq.WarnLevel,
	})
	return w
}

// Start begins to take deliveries.
func (w *Worker) Start() error {
	if w.bell != nil {
		var ctx context.Context
		ctx, w.unheard = context.WithCancel(context.Background())
		w.bell.serve(ctx, w.queues, w.handlers, w.every, &w.listeners)
	}
	if err := w.server.Start(asynq.HandlerFunc(w.handle)); err != nil {
		if w.unheard != nil {
			w.unheard()
		}
		return fmt.Errorf("start the worker: %w", err)
	}
	return nil
}

// Stop starts no new step, gives those that run their time, and wakes the rest for other workers.
func (w *Worker) Stop(ctx context.Context) {
	close(w.drained)
	var back sync.WaitGroup
	if w.unheard != nil {
		w.unheard()
		back.Go(func() { w.bell.release(w.handlers) })
	}
	w.server.Shutdown()
	back.Wait()
	w.await(ctx)
	w.handOver.Wait()
	if w.unheard != nil {
		w.bell.left()
		w.listeners.Wait()
	}
}

// passOn has another worker go on with a task at once, not only when this one has stopped. asynq may still take a moment to
// note that the delivery is over.
func (w *Worker) passOn(d delivery) {
	var err error
	for wait := 5 * time.Millisecond; wait < time.Second; wait *= 2 {
		<-time.After(wait)
		if err = w.queue.deliver(d); err == nil || !w.queue.active(d) {
			return
		}
	}
	w.log.Debug("task is on its way, or the sweeper finds it", "task", d.asynqID, "error", err)
}

// await gives deliveries that asynq has let go of the time to write what they know and to release their leases.
func (w *Worker) await(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		w.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		w.log.WarnContext(ctx, "steps that ignore their context are left behind; other workers take their tasks over")
	}
}

func (w *Worker) handle(ctx context.Context, t *asynq.Task) error {
	w.running.Add(1)
	defer w.running.Done()
	defer w.bell.handled()
	err := w.runner.RunFrom(w.context(ctx, t.Headers()), string(t.Payload()), w.opening(t.Type()))
	var parked *saga.ParkedError
	if !errors.As(err, &parked) {
		return err
	}
	var d delivery
	d.queue, _ = asynq.GetQueueName(ctx)
	d.asynqID, _ = asynq.GetTaskID(ctx)
	switch {
	case parked.UntilWoken(): // asynq may forget it: whoever wakes it enqueues it
		return nil
	case parked.Now && w.stops():
		w.handOver.Go(func() { w.passOn(d) })
	case parked.Now: // asynq took the delivery back, or Redis was away: this worker may go on itself
		w.deliverIn(0, d)
	case !parked.Due.IsZero() && parked.For < near:
		w.deliverIn(parked.For, d)
	}
	return err
}

func (w *Worker) stops() bool {
	select {
	case <-w.drained:
		return true
	default:
		return false
	}
}

// deliverIn has a parked task delivered at its due time exactly. If this process dies before, the sweeper does it two
// seconds late.
func (w *Worker) deliverIn(after time.Duration, d delivery) {
	time.AfterFunc(max(after, 5*time.Millisecond), func() {
		if w.stops() {
			return
		}
		if err := w.queue.deliver(d); err != nil {
			w.log.Debug("task is on its way, or the sweeper finds it", "task", d.asynqID, "error", err)
		}
	})
}

// retryDelay tells asynq when to deliver a parked task again.
func retryDelay(_ int, err error, _ *asynq.Task) time.Duration {
	var parked *saga.ParkedError
	switch {
	case errors.Is(err, asynq.ErrLeaseExpired):
		// Several servers recover the same orphans at once; without a delay their runs overlap.
		return 5*time.Second + rand.N(5*time.Second) //nolint:gosec // jitter needs no secrecy
	case !errors.As(err, &parked):
		return 5 * time.Second
	case parked.Now:
		return 0
	}
	// asynq cuts to whole seconds, and would be early.
	return time.Duration(math.Ceil(parked.For.Seconds())) * time.Second
}
