package server

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines is a log that a test can look into.
type lines struct {
	mu   sync.Mutex
	list []string
}

// Write takes one line, as slog's handlers write them.
func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, string(line))
	return len(line), nil
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.list)
}

// comes waits for a line that has all these words.
func (l *lines) comes(t *testing.T, words ...string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		if slices.ContainsFunc(l.all(), func(line string) bool {
			return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) })
		}) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("no line of the log has all of %q:\n%s", words, strings.Join(l.all(), ""))
		}
	}
}
