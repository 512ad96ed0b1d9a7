package saga_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

// What a worker does for a task besides asking Redis: `make bench-go`, for benchstat.

// at is the journal's clock in benchmarks.
var at = time.UnixMicro(1_700_000_000_000_000).UTC()

// chainOf is a workflow of so many steps that do nothing, and can be undone.
func chainOf(steps int) *saga.Workflow {
	list := make([]saga.Step, steps)
	for i := range list {
		list[i] = saga.Step{
			Kind: saga.KindActivity, Name: fmt.Sprintf("step%d", i),
			Do:   func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) { return nil, nil },
			Undo: func(context.Context, saga.Call, json.RawMessage, json.RawMessage) error { return nil },
		}
	}
	return &saga.Workflow{Name: "bench", Version: 1, Root: saga.Sequence(list...)}
}

// history is the journal of a task of which so many steps are done, and so many events of it as stored.
func history(b *testing.B, w *saga.Workflow, done int) (events []saga.Event, stored []string) {
	b.Helper()
	created := saga.Created{
		ID: "0193523e8a7c7d3f9b1e100000000000", Type: w.Name, Workflow: w.Name, Version: 1, TreeHash: w.TreeHash(),
		Input: json.RawMessage(`"` + strings.Repeat("x", 198) + `"`), Owner: saga.NilOwner, Queue: "default",
		Hash: strings.Repeat("0123456789abcdef", 4),
	}
	events = []saga.Event{created.Begins()}
	for _, s := range w.Root.Steps[:done] {
		events = append(events, started(s.Name), saga.Event{Kind: saga.KindStepDone, Path: s.Name, Data: json.RawMessage(`{"id":"12345678"}`)})
	}
	for i := range events {
		events[i].Seq, events[i].At = int64(i+1), at
		body, err := saga.Encode(events[i])
		if err != nil {
			b.Fatal(err)
		}
		stored = append(stored, saga.Header(events[i].Seq, at)+string(body))
	}
	return events, stored
}

func started(step string) saga.Event {
	return saga.Event{Kind: saga.KindStepStarted, Path: step, StepKind: saga.KindActivity, Due: saga.MicrosOf(at.Add(2 * time.Minute))}
}

// bySteps runs a benchmark for workflows of several lengths.
func bySteps(b *testing.B, f func(b *testing.B, steps int)) {
	b.Helper()
	for _, steps := range []int{3, 20, 200} {
		b.Run(fmt.Sprintf("steps=%d", steps), func(b *testing.B) {
			b.ReportAllocs()
			f(b, steps)
		})
	}
}

// BenchmarkFold makes the record of a whole journal, as every claim does.
func BenchmarkFold(b *testing.B) {
	bySteps(b, func(b *testing.B, steps int) {
		events, _ := history(b, chainOf(steps), steps)
		for b.Loop() {
			if _, err := saga.Fold(events); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkDecide decides once, when all steps but the last are done: the walk passes them all.
func BenchmarkDecide(b *testing.B) {
	bySteps(b, func(b *testing.B, steps int) {
		w := chainOf(steps)
		events, _ := history(b, w, steps-1)
		record, err := saga.Fold(events)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if d := saga.Decide(w, record, saga.Moment{Now: at}); len(d.Work) != 1 {
				b.Fatalf("decided: %+v", d)
			}
		}
	})
}

// BenchmarkEncode encodes a whole journal, event by event.
func BenchmarkEncode(b *testing.B) {
	bySteps(b, func(b *testing.B, steps int) {
		events, _ := history(b, chainOf(steps), steps)
		for b.Loop() {
			for i := range events {
				if _, err := saga.Encode(events[i]); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkDecode decodes a whole journal, event by event.
func BenchmarkDecode(b *testing.B) {
	bySteps(b, func(b *testing.B, steps int) {
		_, stored := history(b, chainOf(steps), steps)
		for b.Loop() {
			for _, s := range stored {
				if _, err := saga.Decode(s); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkWalk takes a task from its first event to its end without a journal: it decides and folds, again and again.
func BenchmarkWalk(b *testing.B) {
	bySteps(b, func(b *testing.B, steps int) {
		w := chainOf(steps)
		events, _ := history(b, w, 0)
		for b.Loop() {
			record, err := saga.Fold(events)
			if err != nil {
				b.Fatal(err)
			}
			apply := func(e saga.Event) {
				e.Seq, e.At = record.Last+1, at
				if err := record.Apply(e); err != nil {
					b.Fatal(err)
				}
			}
			for !record.State.Finished() {
				d := saga.Decide(w, record, saga.Moment{Now: at})
				for _, e := range d.Events {
					apply(e)
				}
				for _, work := range d.Work {
					apply(started(work.Path))
					apply(saga.Event{Kind: saga.KindStepDone, Path: work.Path})
				}
			}
		}
	})
}
