package tasks_test

import (
	"strings"
	"sync"
)

// trail is what happened, in order.
type trail struct {
	mu    sync.Mutex
	lines []string
}

func (t *trail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line)
}

func (t *trail) told() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, ", ")
}

// times is how often a line came.
func (t *trail) times(line string) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.lines {
		if l == line {
			n++
		}
	}
	return n
}
