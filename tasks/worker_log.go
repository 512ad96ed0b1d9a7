package tasks

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// asynqLog hands asynq's own messages to slog. While Redis is away asynq repeats the same few, several times a second, so
// each is logged at once, and then once a minute at most, with how often it came since.
type asynqLog struct {
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex
	said map[string]*repeated
}

// repeated is a message that came a short while ago.
type repeated struct {
	logged time.Time // the last time that it was written
	came   time.Time // the last time that it came
	since  int       // how often it came since it was written
}

// sayAgain is how long the same message is kept back.
const sayAgain = time.Minute

func newAsynqLog(log *slog.Logger, now func() time.Time) *asynqLog {
	return &asynqLog{log: log.With("component", "asynq"), now: now, said: map[string]*repeated{}}
}

func (l *asynqLog) Debug(args ...any) { l.say(slog.LevelDebug, args) }
func (l *asynqLog) Info(args ...any)  { l.say(slog.LevelInfo, args) }
func (l *asynqLog) Warn(args ...any)  { l.say(slog.LevelWarn, args) }
func (l *asynqLog) Error(args ...any) { l.say(slog.LevelError, args) }
func (l *asynqLog) Fatal(args ...any) { l.say(slog.LevelError, args) }

func (l *asynqLog) say(level slog.Level, args []any) {
	text := fmt.Sprint(args...)
	if n, ok := l.due(text); n > 0 {
		l.log.Log(context.Background(), level, text, "times", n)
	} else if ok {
		l.log.Log(context.Background(), level, text)
	}
}

// due tells whether a message is to be written now, and how often it has come since the last time, this one included; 0
// for one that is new, or was gone for a while.
func (l *asynqLog) due(text string) (times int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for key, r := range l.said {
		if now.Sub(r.came) >= sayAgain {
			delete(l.said, key)
		}
	}
	key := withoutDigits(text)
	r, known := l.said[key]
	if !known {
		l.said[key] = &repeated{logged: now, came: now}
		return 0, true
	}
	r.came = now
	r.since++
	if now.Sub(r.logged) < sayAgain {
		return 0, false
	}
	times = r.since
	r.logged, r.since = now, 0
	return times, true
}

// withoutDigits makes messages the same that differ in a port or an id only.
func withoutDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return -1
		}
		return r
	}, text)
}
