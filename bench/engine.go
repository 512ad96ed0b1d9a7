package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// The types of task that are measured.
const (
	forwardType     = "bench.forward"
	compensatedType = "bench.compensated"
	waitingType     = "bench.waiting"
	longType        = "bench.long"
)

func step(name string, err error) saga.Step {
	return saga.Step{
		Kind: saga.KindActivity, Name: name,
		Do: func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) { return nil, err },
		Undo: func(context.Context, saga.Call, json.RawMessage, json.RawMessage) error {
			return nil
		},
	}
}

func benchType(name string, root saga.Step) tasks.Type {
	return tasks.Type{Name: name, Static: true, Build: func(json.RawMessage) (*saga.Workflow, error) {
		return &saga.Workflow{Name: name, Version: 1, Root: root}, nil
	}}
}

// engine is a worker and a dispatcher in this process, as `osp all` has them.
type engine struct {
	dispatcher *tasks.Dispatcher
	worker     *tasks.Worker
	journal    *journal.Redis
	stop       context.CancelFunc
	loops      sync.WaitGroup
}

func (d *database) engine(ctx context.Context, s settings, ended func()) (*engine, error) {
	catalogue, err := tasks.NewCatalogue(
		benchType(forwardType, saga.Sequence(step("a", nil), step("b", nil), step("c", nil))),
		benchType(compensatedType, saga.Sequence(step("a", nil), step("b", nil), step("c", saga.Permanent(errors.New("no"))))),
		benchType(codeType, inCode()),
		benchType(longType, long()),
		benchType(waitingType, saga.Sequence(step("a", nil), step("b", nil), saga.Signal("wait", "go", 0), step("c", nil))),
	)
	if err != nil {
		return nil, err
	}
	e := &engine{journal: journal.New(d.client, journal.Options{})}
	if catalogue.Definitions, err = definitions(e.journal); err != nil {
		return nil, err
	}
	queues := s.queueNames()
	queue := tasks.NewQueue(d.client)
	d.bell.Connect(e.journal)
	sweeper := tasks.NewSweeper(e.journal, queue, quiet, time.Now)
	flusher := results.NewFlusher(e.journal, nowhere{}, quiet, time.Now)
	changed := func() {}
	fair := tasks.NewFair(e.journal, queue, quiet, 2*s.inFlight, queues)
	ctx, e.stop = context.WithCancel(ctx)
	e.loops.Go(func() { fair.Run(ctx) })
	e.loops.Go(func() { sweeper.Run(ctx) })
	if s.flush {
		changed = flusher.Notify
		e.loops.Go(func() { flusher.Run(ctx) })
	}
	e.dispatcher = &tasks.Dispatcher{
		Catalogue: catalogue, Journal: e.journal, Queue: queue, Fair: fair, Rows: nowhere{}, Queues: queues, Log: quiet, Now: time.Now,
		NewID: id, Changed: changed, Nudge: sweeper.Nudge,
	}
	runner := &saga.Runner{
		Journal: e.journal, Workflows: catalogue, Children: e.dispatcher, Log: quiet, Now: time.Now,
		Random: saga.DefaultRandom, Nonce: nonce, Changed: changed, Remember: e.journal.Remember, Observer: s.observer,
		Ended: func(saga.Created, saga.State) { ended() },
	}
	e.worker = tasks.NewWorker(d.client, runner, queue, tasks.WorkerOptions{
		Opening: catalogue.Opening,
		Queues:  queues, Concurrency: s.inFlight, CheckInterval: 2 * time.Second, ShutdownTimeout: 5 * time.Second, Log: quiet, Bell: d.bell,
	})
	if s.noWorker {
		return e, nil
	}
	return e, e.worker.Start()
}

func (e *engine) close(ctx context.Context) {
	e.worker.Stop(ctx)
	e.stop()
	e.loops.Wait()
	_ = e.journal.Close()
}

func (e *engine) start(ctx context.Context, typeName string, input json.RawMessage) error {
	_, _, err := e.dispatcher.Start(ctx, saga.Request{Type: typeName, Input: input})
	return err
}

// nonce is as long as a server's.
func nonce() string {
	u := uuid.New()
	return fmt.Sprintf("%x", u[:6])
}

func id() string {
	u := uuid.Must(uuid.NewV7())
	return fmt.Sprintf("%x", u[:])
}

// input is 200 bytes.
var input = json.RawMessage(`{"text":"` + strings.Repeat("x", 189) + `"}`)

// throughput is the engine's, for one type.
func (d *database) throughput(ctx context.Context, s settings, typeName string) (outcome, error) {
	slots := make(chan struct{}, s.inFlight)
	e, err := d.engine(ctx, s, func() {
		select {
		case <-slots:
		default: // there is a backlog, and the run is over
		}
	})
	if err != nil {
		return outcome{}, err
	}
	defer e.close(ctx)
	for s.backlog && len(slots) < cap(slots) {
		slots <- struct{}{}
	}
	return d.closedLoop(ctx, s, slots, func(i int) error {
		_, _, err := e.dispatcher.Start(ctx, saga.Request{Type: typeName, Input: input, Queue: s.queueOf(i)})
		return err
	})
}

func (d *database) lone(ctx context.Context, s settings) ([]float64, error) {
	done := make(chan struct{})
	e, err := d.engine(ctx, s, func() { done <- struct{}{} })
	if err != nil {
		return nil, err
	}
	defer e.close(ctx)
	return oneByOne(ctx, s.lone, func(int) error { return e.start(ctx, forwardType, input) }, done)
}

// idle counts the commands per second of an idle worker.
func (d *database) idle(ctx context.Context, s settings) (float64, error) {
	e, err := d.engine(ctx, s, func() {})
	if err != nil {
		return 0, err
	}
	defer e.close(ctx)
	return d.commands(ctx, s), nil
}

func (d *database) commands(ctx context.Context, s settings) float64 {
	time.Sleep(s.settle)
	before := d.info(ctx, "total_commands_processed")
	time.Sleep(s.idle)
	return (d.info(ctx, "total_commands_processed") - before - 1) / s.idle.Seconds()
}

// nowhere is a result store that keeps nothing.
type nowhere struct{ results.Store }

func (nowhere) Save(_ context.Context, rows []results.Row) ([]results.Saved, error) {
	saved := make([]results.Saved, len(rows))
	for i, r := range rows {
		saved[i] = results.Saved{ID: r.Task.ID, Version: r.Task.Version}
	}
	return saved, nil
}
