package server

import (
	"io"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// UseLog makes go-redis, which logs for the whole process, log there.
func UseLog(log *slog.Logger) { redis.SetLogger(redisLog{log}) }

// NewLog writes JSON, one line an event, for the platforms that collect it; dev writes for people.
func NewLog(w io.Writer, c Config) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevel}
	var h slog.Handler = slog.NewJSONHandler(w, o)
	if c.Role == RoleDev {
		h = slog.NewTextHandler(w, o)
	}
	return slog.New(h).With("role", c.Role)
}
