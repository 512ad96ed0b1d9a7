package journal

import (
	"strconv"
	"sync"

	"github.com/osp-platform/osp/saga"
)

// What is remembered of tasks that this process has ended, or started and held back: more than a flusher takes at a time, and little memory.
const (
	recentTasks = 512      // of each generation
	recentBytes = 16 << 10 // of one task's events; larger ones are read
)

// recent are journals as this process left them. A row is written from what is remembered while the journal has that
// version still, for each has its own: else it is read.
type recent struct {
	mu         sync.Mutex
	young, old map[string]saga.Snapshot // what others write the rows of is forgotten with its generation
}

// Remember notes how a journal reads that has ended. Those of children are read: their rows keep the events as they are stored.
func (r *Redis) Remember(s saga.Snapshot) {
	if s.Events[0].Created.Parent == "" && weight(s) <= recentBytes {
		r.recent.put(s)
	}
}

// rememberHeld notes how the journal of a task reads that was started and is held back: its row is written before it begins. What is kept
// is what was stored, not what the client sent.
func (r *Redis) rememberHeld(s saga.Started, body []byte) {
	at := s.At.UnixMicro()
	stored := "1:1:" + strconv.FormatInt(at, 10) + ":" + string(body)
	if len(stored) > recentBytes {
		return
	}
	if e, err := saga.Decode(stored); err == nil {
		r.recent.put(saga.Snapshot{Ref: s.Ref, Events: []saga.Event{e}, Stored: []string{stored}, Version: at})
	}
}

// weight is about how many bytes events take.
func weight(s saga.Snapshot) int {
	n := 0
	for i := range s.Events {
		e := &s.Events[i]
		n += minBytes/2 + len(e.Data) + len(e.Error)
		if e.Created != nil {
			n += len(e.Created.Input)
		}
	}
	return n
}

func (c *recent) put(s saga.Snapshot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || len(c.young) >= recentTasks {
		c.young, c.old = map[string]saga.Snapshot{}, c.young
	}
	c.young[s.Ref.ID] = s
}

func (c *recent) take(id string) (saga.Snapshot, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.young[id]
	if !ok {
		s, ok = c.old[id]
	}
	delete(c.young, id)
	delete(c.old, id)
	return s, ok
}
