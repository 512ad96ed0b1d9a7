package server

import (
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// spans is a receiver of OTLP over HTTP.
type spans struct {
	*httptest.Server
	mu      sync.Mutex
	list    []*tracepb.Span
	of      map[string]string // by span: the process's role
	headers []http.Header
}

func collect(t *testing.T) *spans {
	t.Helper()
	s := &spans{of: map[string]string{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		var sent collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(raw, &sent)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL, err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.headers = append(s.headers, r.Header)
		for _, resource := range sent.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				for _, span := range scope.GetSpans() {
					s.list = append(s.list, span)
					s.of[id(span.GetSpanId())] = attribute(resource.GetResource().GetAttributes(), "osp.role")
				}
			}
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func id(raw []byte) string { return hex.EncodeToString(raw) }

func attribute(list []*common.KeyValue, name string) string {
	for _, kv := range list {
		if kv.GetKey() != name {
			continue
		}
		switch v := kv.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			return v.StringValue
		case *common.AnyValue_BoolValue:
			return fmt.Sprint(v.BoolValue)
		case *common.AnyValue_IntValue:
			return fmt.Sprint(v.IntValue)
		}
	}
	return ""
}

// received is what has come so far of one trace.
func (s *spans) received(trace string) []*tracepb.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*tracepb.Span
	for _, span := range s.list {
		if id(span.GetTraceId()) == trace {
			list = append(list, span)
		}
	}
	slices.SortStableFunc(list, func(a, b *tracepb.Span) int { return int(a.GetStartTimeUnixNano()) - int(b.GetStartTimeUnixNano()) })
	return list
}

// tree draws a trace, each span a line, with the attributes that are asked for. Above all is the span that the test names; any
// span whose parent is not there is an error.
func (s *spans) tree(t *testing.T, trace, above string, attributes ...string) string {
	t.Helper()
	list := s.received(trace)
	below := map[string][]*tracepb.Span{}
	known := map[string]bool{above: true}
	for _, span := range list {
		if known[id(span.GetSpanId())] {
			t.Errorf("span %s (%x) comes twice", span.GetName(), span.GetSpanId())
		}
		known[id(span.GetSpanId())] = true
	}
	for _, span := range list {
		parent := id(span.GetParentSpanId())
		if !known[parent] {
			t.Errorf("the parent of %s (%s) is not there", span.GetName(), parent)
		}
		below[parent] = append(below[parent], span)
	}
	var b strings.Builder
	var draw func(parent, indent string)
	draw = func(parent, indent string) {
		for _, span := range below[parent] {
			b.WriteString(indent + span.GetName())
			for _, name := range attributes {
				if v := attribute(span.GetAttributes(), name); v != "" {
					b.WriteString(" " + v)
				}
			}
			b.WriteString("\n")
			draw(id(span.GetSpanId()), indent+"  ")
		}
	}
	draw(above, "")
	return b.String()
}

// seen is every string that any span has: what should not be among them is looked for there.
func (s *spans) seen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]bool{}
	for _, span := range s.list {
		all[span.String()] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(all)), "\n")
}

// has tells whether a span with that id and name has come.
func (s *spans) has(spanID, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.list, func(span *tracepb.Span) bool { return id(span.GetSpanId()) == spanID && span.GetName() == name })
}
