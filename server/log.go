package server

import (
	"io"
	"log/slog"
)

// NewLog writes JSON, one line an event, for the platforms that collect it; dev writes for people.
func NewLog(w io.Writer, c Config) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevel}
	if c.Role == RoleDev {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o)).With("role", c.Role)
}
