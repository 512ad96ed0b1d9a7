package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
)

// traced is a tracing that keeps its spans, as the process of some role.
func traced(t *testing.T, sampler sdktrace.Sampler) (*Tracing, *tracetest.InMemoryExporter) {
	t.Helper()
	kept := tracetest.NewInMemoryExporter()
	return newTracing(TraceConfig{Sampler: sampler}, Build{}, "worker", time.Now, sdktrace.WithSyncer(kept)), kept
}

// known finds one workflow whatever is asked for.
type known func() *saga.Workflow

func (k known) Workflow(context.Context, saga.Created) (*saga.Workflow, error) { return k(), nil }

// worker is one that traces.
func worker(j saga.RunnerJournal, w *saga.Workflow, o saga.Observer) *saga.Runner {
	var nonces atomic.Int64
	return &saga.Runner{
		Journal: j, Workflows: known(func() *saga.Workflow { return w }), Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Random: func() float64 { return 0 }, Nonce: func() string { return fmt.Sprint(nonces.Add(1)) }, Observer: o,
	}
}

// dead is the journal of a worker that dies in its first call.
type dead struct{ saga.RunnerJournal }

func (dead) Renew(context.Context, saga.Lease) (saga.Renewed, error) {
	return saga.Renewed{}, saga.ErrOvertaken
}

func lines(kept *tracetest.InMemoryExporter) (list []string) {
	for _, s := range kept.GetSpans() {
		attributes := ""
		for _, a := range s.Attributes {
			if a.Key == "osp.run.took_over" && a.Value.AsBool() {
				attributes = " took over"
			}
		}
		list = append(list, s.Name+attributes)
	}
	return list
}

// checkTree checks that all spans are of one trace, under known ones.
func checkTree(t *testing.T, kept *tracetest.InMemoryExporter, root string) {
	t.Helper()
	names := map[string]string{}
	for _, s := range kept.GetSpans() {
		names[s.SpanContext.SpanID().String()] = s.Name
	}
	for _, s := range kept.GetSpans() {
		if s.SpanContext.TraceID() != kept.GetSpans()[0].SpanContext.TraceID() {
			t.Errorf("%s is of another trace", s.Name)
		}
		above := names[s.Parent.SpanID().String()]
		if above == "" && s.Name != root {
			t.Errorf("%s is under nothing", s.Name)
		}
	}
}

func TestATakeOverKeepsTheTrace(t *testing.T) {
	for name, trace := range map[string]string{
		"of a request":                           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"that nobody else has made: the id does": "",
	} {
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int32
			let := make(chan struct{})
			w := &saga.Workflow{Name: "w", Version: 1, Root: saga.Step{
				Kind: saga.KindActivity, Name: "a", Do: func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) {
					if calls.Add(1) == 1 {
						<-let
					}
					return nil, nil
				},
			}}
			journal := storetest.NewMemory(time.Now)
			c := saga.Created{ID: "t", Type: "w", Workflow: "w", TreeHash: w.TreeHash(), Hash: "h", Trace: trace}
			if _, err := journal.Start(t.Context(), saga.Start{Created: c}); err != nil {
				t.Fatal(err)
			}
			first, ofFirst := traced(t, sdktrace.ParentBased(sdktrace.AlwaysSample()))
			if err := worker(dead{journal}, w, Observer(NewMetrics(Build{}, time.Now), first)).Run(t.Context(), "t"); err == nil {
				t.Error("the first worker did not die")
			}
			close(let)
			time.Sleep(6 * time.Second) // virtual: its lease ends
			second, kept := traced(t, sdktrace.ParentBased(sdktrace.AlwaysSample()))
			m := NewMetrics(Build{}, time.Now)
			if err := worker(journal, w, Observer(m, second)).Run(t.Context(), "t"); err != nil {
				t.Error(err)
			}
			if got := strings.Join(lines(kept), ", "); got != "do a, task w, run w took over" {
				t.Errorf("%s: %s", name, got)
			}
			if err := kept.ExportSpans(t.Context(), ofFirst.GetSpans().Snapshots()); err != nil {
				t.Error(err)
			}
			checkTree(t, kept, "task w")
			if got := kept.GetSpans()[0].SpanContext.TraceID().String(); trace != "" && !strings.Contains(trace, got) {
				t.Errorf("the trace is %s", got)
			}
			wants(t, m, `osp_takeovers_total{type="w"} 1`)
		})
	}
}

func TestATaskThatIsNotSampledIsNotTraced(t *testing.T) {
	for name, c := range map[string]struct {
		trace   string
		sampler sdktrace.Sampler
	}{
		"the client says so":  {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", sdktrace.ParentBased(sdktrace.AlwaysSample())},
		"the sampler says so": {"", sdktrace.ParentBased(sdktrace.NeverSample())},
	} {
		w := &saga.Workflow{Name: "w", Version: 1, Root: saga.Step{
			Kind: saga.KindActivity, Name: "a", Do: func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) {
				return nil, errors.New("no")
			},
		}}
		journal := storetest.NewMemory(time.Now)
		if _, err := journal.Start(t.Context(), saga.Start{Created: saga.Created{
			ID: "t", Type: "w", Workflow: "w", TreeHash: w.TreeHash(), Hash: "h", Trace: c.trace,
		}}); err != nil {
			t.Fatal(err)
		}
		tracing, kept := traced(t, c.sampler)
		_ = worker(journal, w, tracing).Run(t.Context(), "t") // it parks
		if got := lines(kept); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
		snapshot, err := journal.Read(t.Context(), "t")
		if last := snapshot.Events[len(snapshot.Events)-1]; err != nil || last.Kind != saga.KindWaiting || last.Run != "" {
			t.Errorf("%s: %+v, %v", name, last, err)
		}
	}
}

// Only what W3C has said is taken from a client, and anything else makes a trace of its own.
func TestForeignTraceparents(t *testing.T) {
	const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for given, taken := range map[string]bool{
		good: true, "": false, "garbage": false, good + "-more": false, strings.ToUpper(good): false, "ff" + good[2:]: false,
		"01" + good[2:] + "-more": true, "00-00000000000000000000000000000000-00f067aa0ba902b7-01": false, good[:52] + "-zz": false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01": false, strings.Repeat("0", 100_000): false,
	} {
		tracing, kept := traced(t, sdktrace.ParentBased(sdktrace.AlwaysSample()))
		gin.SetMode(gin.ReleaseMode)
		e := gin.New()
		e.Use(tracing.Requests)
		e.GET("/v1/tasks/:id", func(c *gin.Context) { tracing.Admit(c, true) }, func(c *gin.Context) {
			if got := tracing.Traceparent(c.Request.Context()); got == "" || strings.HasPrefix(got, good[:35]) != taken {
				t.Errorf("%.60q gives %q", given, got)
			}
		})
		req := httptest.NewRequest(http.MethodGet, "/v1/tasks/a", nil)
		req.Header.Set("Traceparent", given)
		e.ServeHTTP(httptest.NewRecorder(), req)
		if got := lines(kept); len(got) != 1 || got[0] != "GET /v1/tasks/:id" {
			t.Errorf("%.60q: %v", given, got)
		}
	}
}

func TestALineOfTheLogNamesItsTrace(t *testing.T) {
	tracing, _ := traced(t, sdktrace.AlwaysSample())
	var text bytes.Buffer
	log := slog.New(Log(slog.NewTextHandler(&text, nil))).With("a", 1)
	ctx, span := tracing.tracer.Start(t.Context(), "x")
	log.InfoContext(ctx, "inside")
	span.End()
	log.InfoContext(t.Context(), "outside")
	inside, outside, _ := strings.Cut(text.String(), "\n")
	if !strings.Contains(inside, "a=1 trace_id="+span.SpanContext().TraceID().String()+" span_id="+span.SpanContext().SpanID().String()) {
		t.Errorf("got %s", inside)
	}
	if strings.Contains(outside, "trace_id") {
		t.Errorf("got %s", outside)
	}
}

func TestNothingIsTracedWhereNobodyAsked(t *testing.T) {
	var off *Tracing
	if got := off.Traceparent(t.Context()); got != "" || off.Close(t.Context()) != nil {
		t.Errorf("got %q", got)
	}
	m := NewMetrics(Build{}, time.Now)
	if o := Observer(m, off); o != saga.Observer(m) {
		t.Errorf("got %T", o)
	}
}
