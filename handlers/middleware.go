package handlers

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/gin-gonic/gin"
)

const requestIDHeader = "X-Request-Id"

var validRequestID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`).MatchString

type requestIDKey struct{}

// requestIDOf returns the id of the request with this context.
func requestIDOf(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// requestID gives the request an id, or keeps the one a proxy gave it.
func (a *API) requestID(c *gin.Context) {
	id := c.GetHeader(requestIDHeader)
	if !validRequestID(id) {
		id = a.newID()
	}
	c.Header(requestIDHeader, id)
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), requestIDKey{}, id))
}

// accessLog writes one line per request. It holds no header, no query and no body: any of them may be secret.
func (a *API) accessLog(c *gin.Context) {
	start := a.now()
	defer func() { // deferred, for a handler may leave by panic
		level := slog.LevelInfo
		route := c.FullPath()
		if c.Request.Method == http.MethodGet && !strings.HasPrefix(route, "/v1/") {
			level = slog.LevelDebug // probes, and the monitor's polling
		}
		ctx := c.Request.Context()
		a.log.LogAttrs(ctx, level, "request",
			slog.String("method", c.Request.Method), slog.String("route", route), slog.String("task", c.Param("id")),
			slog.Int("status", c.Writer.Status()), slog.Int("bytes", max(0, c.Writer.Size())),
			slog.Duration("took", a.now().Sub(start)), slog.String("by", PrincipalOf(ctx).Name),
			slog.String("request_id", requestIDOf(ctx)))
	}()
	c.Next()
}

// recovered turns a panic into a 500; its stack goes only to the log.
func (a *API) recovered(c *gin.Context) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if err, ok := v.(error); ok && err == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
			panic(v)
		}
		err := a.panicked(c.Request.Context(), v)
		if c.Writer.Written() {
			panic(http.ErrAbortHandler) // cut the connection: half an answer must not look whole
		}
		a.problem(c, err)
	}()
	c.Next()
}

// panicked logs a panic and returns it as an error.
func (a *API) panicked(ctx context.Context, v any) error {
	a.log.LogAttrs(ctx, slog.LevelError, "panic", slog.Any("panic", v), slog.String("stack", string(debug.Stack())),
		slog.String("request_id", requestIDOf(ctx)))
	return fmt.Errorf("panic: %v", v)
}

// secured sets the headers that are right for everything served here, pages included.
func secured(c *gin.Context) {
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("X-Frame-Options", "DENY")
	c.Header("Referrer-Policy", "no-referrer")
}

// private sets the headers of an API that serves no pages: nothing is kept, nothing is loaded.
func private(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.Header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
}
