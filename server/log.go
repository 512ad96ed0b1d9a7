package server

import (
	"io"
	"log/slog"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/telemetry"
)

// UseLog makes go-redis and OpenTelemetry, which log for the whole process, log there.
func UseLog(log *slog.Logger) {
	redis.SetLogger(redisLog{log})
	tellOfSpans(func(err error) { log.Warn("spans are not exported: tasks are not affected", "error", err) })
}

// NewLog writes JSON, one line an event, for the platforms that collect it; dev writes for people.
func NewLog(w io.Writer, c Config) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevel}
	var h slog.Handler = slog.NewJSONHandler(w, o)
	if c.Role == RoleDev {
		h = slog.NewTextHandler(w, o)
	}
	if c.Traces != nil {
		h = telemetry.Log(h)
	}
	return slog.New(h).With("role", c.Role)
}
