package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
	"github.com/osp-platform/osp/tasks"
)

const owner = "6b0f3c1e-8f2a-4a53-9a57-2f6f1d8e4c11"

// world runs tasks of a catalogue on the real engine with a journal in memory. Its clock jumps over every wait.
type world struct {
	t         *testing.T
	catalogue *tasks.Catalogue
	journal   *storetest.Memory
	runner    *saga.Runner
	skipped   atomic.Int64 // nanoseconds
}

func newWorld(t *testing.T, types ...tasks.Type) *world {
	t.Helper()
	c, err := tasks.NewCatalogue(types...)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, catalogue: c}
	w.journal = storetest.NewMemory(w.now)
	nonces := 0
	w.runner = &saga.Runner{
		Journal: w.journal, Workflows: c, Log: slog.New(slog.DiscardHandler), Now: w.now,
		Random: func() float64 { return 0 },
		Nonce:  func() string { nonces++; return fmt.Sprint(nonces) },
	}
	return w
}

// now is never behind the real clock: the calls of a step end by that.
func (w *world) now() time.Time {
	return time.Now().Add(time.Duration(w.skipped.Load()))
}

// run starts a task and carries it on until it ends or is stuck.
func (w *world) run(id string, r saga.Request) *saga.Record {
	w.t.Helper()
	w.start(id, r)
	return w.settle(id)
}

func (w *world) start(id string, r saga.Request) {
	w.t.Helper()
	if err := w.catalogue.Validate(r); err != nil {
		w.t.Fatalf("the request is not valid: %v", err)
	}
	w.accept(id, r)
}

// accept records a task as if it had been valid when it was accepted.
func (w *world) accept(id string, r saga.Request) {
	w.t.Helper()
	p, err := w.catalogue.Plan(r.Type, r.Input)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = w.journal.Start(w.t.Context(), saga.Start{Created: saga.Created{
		ID: id, Type: r.Type, Workflow: p.Workflow.Name, Version: p.Workflow.Version, TreeHash: p.TreeHash,
		Input: r.Input, Owner: owner, Service: r.Service, By: r.By, Hash: id,
	}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// settle delivers the task, and skips the time that it is parked.
func (w *world) settle(id string) *saga.Record {
	w.t.Helper()
	for range 1000 {
		err := w.runner.Run(w.t.Context(), id)
		record := w.record(id)
		var parked *saga.ParkedError
		switch {
		case record.State.Finished() || record.State == saga.Stuck:
			return record
		case errors.As(err, &parked) && parked.Cause != nil:
			w.t.Fatalf("the task was left alone: %v", parked.Cause)
		case errors.As(err, &parked):
			w.skipped.Add(int64(max(parked.For, parked.Due.Sub(w.now()))))
		case err != nil:
			w.t.Fatal(err)
		}
	}
	w.t.Fatal("the task does not settle")
	return nil
}

func (w *world) record(id string) *saga.Record {
	w.t.Helper()
	s, err := w.journal.Read(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := saga.Fold(s.Events)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// database is a fake of [tasks.Effects]: it answers as the contract says, and notes what it was asked.
type database struct {
	mu    sync.Mutex
	trail []string
	args  map[string]json.RawMessage
	fails map[string]error // by effect, for its do
}

var answers = map[string]string{
	"service.reserve":   `{"schema":"the_schema"}`,
	"service.register":  `{"service_id":"the_service"}`,
	"tables.create":     `{"tables":["menu","item"]}`,
	"rows.insert":       `{"inserted":{"menu":["m1"]}}`,
	"manifest.store":    `{"version":7}`,
	"manifest.activate": `{"version":7}`,
	"entity.insert":     `{"row":{"id":"r1"}}`,
	"entity.update":     `{"before":{"id":"r1","name":"old"},"after":{"id":"r1","name":"new"}}`,
	"entity.delete":     `{"before":{"id":"r1"}}`,
}

// Apply implements [tasks.Effects].
func (d *database) Apply(_ context.Context, f saga.Fence, effect string, args json.RawMessage) (json.RawMessage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f.Undo {
		d.trail = append(d.trail, "undo "+effect)
		if string(d.args[effect]) != string(args) {
			return nil, saga.Permanent(fmt.Errorf("undo with other args than the do: %s", args))
		}
		return nil, nil
	}
	d.trail = append(d.trail, effect)
	if d.args == nil {
		d.args = map[string]json.RawMessage{}
	}
	d.args[effect] = args
	if err := d.fails[effect]; err != nil {
		return nil, err
	}
	if answer := answers[effect]; answer != "" {
		return json.RawMessage(answer), nil
	}
	return json.RawMessage(`{}`), nil
}

func (d *database) told() string { return strings.Join(d.trail, ", ") }

// same holds JSON to JSON.
func same(t *testing.T, what string, got json.RawMessage, want string) {
	t.Helper()
	if a, b := canonical(t, got), canonical(t, json.RawMessage(want)); a != b {
		t.Errorf("%s:\n got %s\nwant %s", what, a, b)
	}
}

func canonical(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// complaints gives the problems of a request, one a line.
func complaints(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var invalid *saga.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("%v is not an InvalidError", err)
	}
	lines := make([]string, len(invalid.Problems))
	for i, p := range invalid.Problems {
		lines[i] = p.Pointer + ": " + p.Detail
	}
	return strings.Join(lines, "\n")
}
