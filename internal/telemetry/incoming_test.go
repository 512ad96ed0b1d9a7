package telemetry

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// texts checks that an exporter takes the spans, and returns all that they say.
func texts(t *testing.T, kept *tracetest.InMemoryExporter) string {
	t.Helper()
	var all []string
	tell := func(list []attribute.KeyValue) {
		for _, a := range list {
			all = append(all, string(a.Key), a.Value.String())
		}
	}
	for _, s := range kept.GetSpans() {
		all = append(all, s.Name, s.Status.Description)
		tell(s.Attributes)
		for _, e := range s.Events {
			all = append(all, e.Name)
			tell(e.Attributes)
		}
	}
	said := strings.Join(all, " ")
	if !utf8.ValidString(said) {
		t.Errorf("the batch would be refused: %q", said)
	}
	return said
}

// asked sends requests to an API that lets in those who say who they are.
func asked(t *testing.T, req *http.Request) *tracetest.InMemoryExporter {
	t.Helper()
	tracing, kept := traced(t, sdktrace.ParentBased(sdktrace.AlwaysSample()))
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.Use(tracing.Requests)
	guard := func(c *gin.Context) {
		if c.GetHeader("Authorization") == "" {
			c.AbortWithStatus(http.StatusUnauthorized)
		}
	}
	done := func(c *gin.Context) { c.Status(http.StatusNoContent) }
	e.GET("/v1/tasks/:id", guard, func(c *gin.Context) { tracing.Admit(c, true) }, done)
	e.GET("/v1/webhooks/:id", guard, func(c *gin.Context) { tracing.Admit(c, true) }, done)
	e.GET("/v1/hooks/entities", func(c *gin.Context) { tracing.Admit(c, false) }, done)
	e.ServeHTTP(httptest.NewRecorder(), req)
	if n := len(kept.GetSpans()); n != 1 {
		t.Fatalf("%d spans", n)
	}
	return kept
}

func TestATraceparentIsBelievedOfThoseWhoAreKnown(t *testing.T) {
	const foreign = "4bf92f3577b34da6a3ce929d0e0e4736"
	for _, c := range []struct {
		path, key string
		believed  bool
	}{
		{"/v1/tasks/a", "Bearer x", true}, {"/v1/tasks/a", "", false}, {"/v1/hooks/entities", "Bearer x", false}, {"/nowhere", "Bearer x", false},
	} {
		req := httptest.NewRequest(http.MethodGet, c.path, nil)
		req.Header.Set("Traceparent", "00-"+foreign+"-00f067aa0ba902b7-01")
		if c.key != "" {
			req.Header.Set("Authorization", c.key)
		}
		if got := asked(t, req).GetSpans()[0].SpanContext.TraceID().String(); (got == foreign) != c.believed {
			t.Errorf("%s as %q: trace %s", c.path, c.key, got)
		}
	}
}

func TestOnlyTheIDOfATaskIsTold(t *testing.T) {
	for path, told := range map[string]bool{"/v1/tasks/a-1": true, "/v1/tasks/%FF": false, "/v1/tasks/%C3%28": false, "/v1/webhooks/a-1": false} {
		if said := texts(t, asked(t, httptest.NewRequest(http.MethodGet, path, nil))); strings.Contains(said, "osp.task.id") != told {
			t.Errorf("%s: %s", path, said)
		}
	}
}

func TestTextsOfSpansAreUTF8(t *testing.T) {
	for n := range 8 {
		got := textOf(strings.Repeat("a", longest-n) + strings.Repeat("\U0001F600", 9))
		if !utf8.ValidString(got) || !strings.HasSuffix(got, "…") || strings.ContainsRune(got, utf8.RuneError) {
			t.Errorf("%d: %q", n, got)
		}
	}
	for given, want := range map[string]string{"a": "a", "": "", "a\xffb": "a\uFFFDb", "\xc3": "\uFFFD"} {
		if got := textOf(given); got != want {
			t.Errorf("%q: %q", given, got)
		}
	}
	if got := textOf(strings.Repeat("\xbf", 1000)); !utf8.ValidString(got) || len(got) > 2*longest {
		t.Errorf("%q", got)
	}
}
