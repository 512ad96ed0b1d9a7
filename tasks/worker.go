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
	Servers         int            // asynq servers that share them: one takes one task per round trip
	CheckInterval   time.Duration  // how long an idle worker sleeps between two looks at the queues
	ShutdownTimeout time.Duration  // how long running steps may take after Stop
	Log             *slog.Logger
}

// Worker takes deliveries from asynq and has the runner look at their journals.
type Worker struct {
	servers []*asynq.Server
	runner  *saga.Runner
	queue   *Queue
	log     *slog.Logger
	now     func() time.Time
	drained chan struct{}

	mu       sync.Mutex
	handOver []saga.Ref // parked only because this worker stops
}

// near is how far ahead a worker itself wakes what it parked: asynq counts whole seconds and looks every five.
const near = time.Minute

// NewWorker returns a worker that is not started. It closes drained when it begins to stop, so that the runner starts
// no new step.
func NewWorker(client redis.UniversalClient, runner *saga.Runner, queue *Queue, o WorkerOptions) *Worker {
	w := &Worker{runner: runner, queue: queue, log: o.Log, now: runner.Now, drained: make(chan struct{})}
	runner.Draining = w.drained
	for i := range max(1, o.Servers) {
		w.servers = append(w.servers, asynq.NewServerFromRedisClient(client, asynq.Config{
			Queues: o.Queues, Concurrency: share(o.Concurrency, max(1, o.Servers), i), TaskCheckInterval: o.CheckInterval,
			ShutdownTimeout: o.ShutdownTimeout, RetryDelayFunc: retryDelay,
			// A park is not a failure, and a task that fails for good has ended in the journal: asynq counts nothing.
			IsFailure: func(error) bool { return false },
			Logger:    asynqLog{o.Log.With("component", "asynq")}, LogLevel: asynq.WarnLevel,
		}))
	}
	return w
}

// share is the part of n that the i'th of k gets.
func share(n, k, i int) int {
	return max(1, (n+k-1-i)/k)
}

// Start begins to take deliveries.
func (w *Worker) Start() error {
	for _, s := range w.servers {
		if err := s.Start(asynq.HandlerFunc(w.handle)); err != nil {
			return fmt.Errorf("start the worker: %w", err)
		}
	}
	return nil
}

// Stop starts no new step, gives those that run their time, and wakes the rest for other workers.
func (w *Worker) Stop(ctx context.Context) {
	close(w.drained)
	var all sync.WaitGroup
	for _, s := range w.servers {
		all.Go(s.Shutdown)
	}
	all.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ref := range w.handOver {
		if err := w.queue.Wake(ctx, ref); err != nil {
			w.log.WarnContext(ctx, "task not handed over; the reconciler finds it", "task", ref.ID, "error", err)
		}
	}
}

func (w *Worker) handle(ctx context.Context, t *asynq.Task) error {
	id := string(t.Payload())
	err := w.runner.Run(ctx, id)
	var parked *saga.ParkedError
	if !errors.As(err, &parked) {
		return err
	}
	queue, _ := asynq.GetQueueName(ctx)
	ref := saga.Ref{ID: id, Type: t.Type(), Queue: queue}
	if parked.Now {
		w.mu.Lock()
		w.handOver = append(w.handOver, ref)
		w.mu.Unlock()
		return err
	}
	if !parked.Due.IsZero() && parked.For < near {
		w.wakeIn(parked.For, ref)
	}
	return err
}

// wakeIn wakes a task at its due time exactly. If this process dies before, the reconciler does it two seconds late.
func (w *Worker) wakeIn(d time.Duration, ref saga.Ref) {
	time.AfterFunc(max(d, 5*time.Millisecond), func() {
		select {
		case <-w.drained:
			return
		default:
		}
		if err := w.queue.Wake(context.Background(), ref); err != nil {
			w.log.Debug("task not woken; it is on its way or the reconciler finds it", "task", ref.ID, "error", err)
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
	case parked.Due.IsZero() && parked.For == 0:
		return untilWoken
	}
	// asynq cuts to whole seconds, and would be early.
	return time.Duration(math.Ceil(parked.For.Seconds())) * time.Second
}

// asynqLog hands asynq's own messages to slog.
type asynqLog struct{ log *slog.Logger }

func (l asynqLog) Debug(args ...any) { l.log.Debug(fmt.Sprint(args...)) }
func (l asynqLog) Info(args ...any)  { l.log.Info(fmt.Sprint(args...)) }
func (l asynqLog) Warn(args ...any)  { l.log.Warn(fmt.Sprint(args...)) }
func (l asynqLog) Error(args ...any) { l.log.Error(fmt.Sprint(args...)) }
func (l asynqLog) Fatal(args ...any) { l.log.Error(fmt.Sprint(args...)) }
