package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
)

// What an endpoint has said may be anything, and its address may have a secret in it.
func TestSpansTellThatSomethingFailedAndNotWhatWasSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := errors.New("POST https://a.example/the-path: 400: the answer\xff")
		no := func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) {
			return nil, saga.Permanent(said)
		}
		w := &saga.Workflow{Name: "w", Version: 1, Root: saga.Sequence(
			saga.Step{Kind: saga.KindActivity, Name: "a", Do: func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) {
				return nil, nil
			}, Undo: func(context.Context, saga.Call, json.RawMessage, json.RawMessage) error { return saga.Permanent(said) }},
			saga.Step{Kind: saga.KindActivity, Name: "b", Do: no},
		)}
		journal := storetest.NewMemory(time.Now)
		c := saga.Created{ID: "t", Type: "w", Workflow: "w", TreeHash: w.TreeHash(), Hash: "h"}
		if _, err := journal.Start(t.Context(), saga.Start{Created: c}); err != nil {
			t.Fatal(err)
		}
		tracing, kept := traced(t, sdktrace.ParentBased(sdktrace.AlwaysSample()))
		_ = worker(journal, w, tracing).Run(t.Context(), "t") // it is stuck
		all := texts(t, kept)
		for _, want := range []string{"failed", "compensation_started", "stuck", "undo a"} {
			if !strings.Contains(all, want) {
				t.Errorf("no %q in %s", want, all)
			}
		}
		for _, secret := range []string{"the-path", "the answer", "400"} {
			if strings.Contains(all, secret) {
				t.Errorf("%q is in %s", secret, all)
			}
		}
	})
}
