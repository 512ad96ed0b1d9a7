package activities

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/osp-platform/osp/internal/credential"
	"github.com/osp-platform/osp/internal/sentence"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks/definition"
)

// transformData answers with its params: the expressions in them are the transformation.
func transformData(_ context.Context, _ saga.Call, params json.RawMessage) (json.RawMessage, error) {
	return params, nil
}

// delayParams are the params of delay.
type delayParams struct {
	Seconds float64 `json:"seconds"`
}

// delay holds a worker. Only one in a compensation does: elsewhere it is a timer.
func delay(ctx context.Context, _ saga.Call, params json.RawMessage) (json.RawMessage, error) {
	given, err := decode[delayParams](params)
	if err != nil {
		return nil, err
	}
	if given.Seconds < 0 || given.Seconds > definition.MaxDelay.Seconds() {
		return nil, refuse("/seconds", "in a compensation a delay takes from 0 to %v seconds", definition.MaxDelay.Seconds())
	}
	timer := time.NewTimer(time.Duration(given.Seconds * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil, nil
	case <-ctx.Done():
		return nil, saga.Definite(ctx.Err())
	}
}

const (
	maxEvent  = 200     // bytes of an event's name in the log
	maxFields = 4 << 10 // bytes of all fields of an event in the log
)

// logEvent writes a line into the worker's log. It does not fail: names of secrets stay names, and what has the name of a
// credential is not shown.
func (a *Activities) logEvent(ctx context.Context, c saga.Call, params json.RawMessage) (json.RawMessage, error) {
	fields, err := decode[map[string]any](params)
	if err != nil || fields == nil {
		fields = map[string]any{}
	}
	event, _ := fields["event"].(string)
	level, _ := fields["level"].(string)
	delete(fields, "event")
	delete(fields, "level")
	attrs := []slog.Attr{slog.String("event", sentence.Shorten(event, maxEvent)), slog.String("task", c.Task.ID), slog.String("step", c.Path)}
	if c.Task.Service != "" {
		attrs = append(attrs, slog.String("service", c.Task.Service))
	}
	if len(fields) > 0 {
		attrs = append(attrs, shown(fields))
	}
	a.Log.LogAttrs(ctx, levels[level], "event of a workflow", attrs...)
	return nil, nil
}

// levels are those that an event may have; any other is info.
var levels = map[string]slog.Level{"debug": slog.LevelDebug, "warn": slog.LevelWarn, "error": slog.LevelError}

// shown are the fields as the log may have them.
func shown(fields map[string]any) slog.Attr {
	raw, err := encode(hideCredentials(fields))
	switch {
	case err != nil:
		return slog.String("fields", "unreadable")
	case len(raw) > maxFields:
		return slog.String("fields", sentence.Shorten(string(raw), maxFields))
	}
	return slog.Any("fields", raw)
}

func hideCredentials(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if credential.Header(name) {
				v[name] = "[hidden]"
				continue
			}
			v[name] = hideCredentials(inner)
		}
	case []any:
		for i := range v {
			v[i] = hideCredentials(v[i])
		}
	}
	return v
}
