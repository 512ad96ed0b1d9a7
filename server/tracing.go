package server

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel"

	"github.com/osp-platform/osp/internal/telemetry"
)

// trace begins to make spans, where somebody said where they go.
func (s *Server) trace(ctx context.Context) (err error) {
	if s.config.Traces == nil {
		return nil
	}
	s.tracing, err = telemetry.NewTracing(ctx, *s.config.Traces, s.config.Build, string(s.config.Role), time.Now)
	return err
}

// lastSpans is how long a process that stops tries to get rid of its spans.
const lastSpans = 3 * time.Second

// untrace exports the last spans.
func (s *Server) untrace() {
	ctx, cancel := context.WithTimeout(context.Background(), lastSpans)
	defer cancel()
	if err := s.tracing.Close(ctx); err != nil {
		s.log.WarnContext(ctx, "the last spans are not exported", "error", err)
	}
}

// watched is what requests are watched by.
func (s *Server) watched() []gin.HandlerFunc {
	list := []gin.HandlerFunc{s.metrics.Requests}
	if s.tracing != nil {
		list = append(list, s.tracing.Requests)
	}
	return list
}

// throughStore is around what asks the result store.
func (s *Server) throughStore(next http.RoundTripper) http.RoundTripper {
	if s.tracing != nil {
		next = s.tracing.REST(next)
	}
	return s.metrics.REST(next)
}

// throughCalls is around what makes the calls of steps; nil: nothing is.
func (s *Server) throughCalls() func(http.RoundTripper) http.RoundTripper {
	if s.tracing == nil {
		return nil
	}
	return s.tracing.Calls
}

// tellOfSpans logs what OpenTelemetry, which tells the whole process, says of spans that are not exported: once a minute.
func tellOfSpans(say func(error)) {
	var last atomic.Int64
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		now := time.Now().Unix()
		if before := last.Load(); now-before >= 60 && last.CompareAndSwap(before, now) {
			say(err)
		}
	}))
}
