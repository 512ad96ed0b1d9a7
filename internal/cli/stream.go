package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// message is one of a stream of server-sent events.
type message struct {
	id   string
	name string
	data []byte
}

// event is an event of a task as the API tells it.
type event struct {
	Seq        int64          `json:"seq"`
	At         time.Time      `json:"at"`
	Kind       saga.EventKind `json:"kind"`
	Step       string         `json:"step"`
	StepKind   saga.StepKind  `json:"step_kind"`
	Undo       bool           `json:"undo"`
	Due        *time.Time     `json:"due"`
	Error      string         `json:"error"`
	Reason     string         `json:"reason"`
	By         string         `json:"by"`
	Final      bool           `json:"final"`
	Signal     string         `json:"signal"`
	Action     string         `json:"action"`
	Child      string         `json:"child"`
	ChildState string         `json:"child_state"`
	Task       *struct {
		Type  string `json:"type"`
		Queue string `json:"queue"`
	} `json:"task"`
}

// update is what there is to tell of a task that is followed. Exactly one member is set.
type update struct {
	event *event
	raw   []byte // of the event
	last  []byte // the whole task: it has ended
	away  error  // the API does not answer, and is asked again
	back  bool   // the API is there again
	err   error
}

const (
	silence  = 40 * time.Second // the API sends something each 15 s
	giveUp   = 5 * time.Minute  // how long the API may be away
	maxPause = 10 * time.Second
	maxLine  = 16 << 20
)

// follow tells what happens to a task until it has ended, over lost connections and restarts of the API. It closes the
// channel when there is no more to tell, or the context has ended.
func (c *client) follow(ctx context.Context, id string) <-chan update {
	updates := make(chan update, 64)
	f := &following{client: c, path: path("v1", "tasks", id, "events"), updates: updates}
	go func() {
		defer close(updates)
		f.run(ctx)
	}()
	return updates
}

type following struct {
	client  *client
	path    string
	updates chan<- update
	last    string // the id of the last event that came
	lost    time.Time
}

func (f *following) run(ctx context.Context) {
	pause := 500 * time.Millisecond
	for {
		before := f.last
		done, err := f.once(ctx)
		switch {
		case done || ctx.Err() != nil:
			return
		case err == nil || f.last != before: // the stream was ended, not lost
			pause = 500 * time.Millisecond
		}
		if err == nil {
			if !sleep(ctx, 200*time.Millisecond) {
				return
			}
			continue
		}
		if f.lost.IsZero() {
			f.lost = f.client.now()
		}
		if !passing(err) || f.client.now().Sub(f.lost) > giveUp {
			f.tell(ctx, update{err: err})
			return
		}
		f.tell(ctx, update{away: err})
		if !sleep(ctx, pause) {
			return
		}
		pause = min(2*pause, maxPause)
	}
}

// passing tells whether an error may go away by itself.
func passing(err error) bool {
	if p, ok := errors.AsType[*problem](err); ok {
		return p.Status == http.StatusTooManyRequests || p.Status >= 500
	}
	return true
}

func (f *following) tell(ctx context.Context, u update) {
	select {
	case f.updates <- u:
	case <-ctx.Done():
	}
}

// once follows over one connection. It is done when the task has ended; without an error the stream was ended by the API.
func (f *following) once(ctx context.Context) (done bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	header := map[string]string{"Accept": "text/event-stream"}
	if f.last != "" {
		header["Last-Event-ID"] = f.last
	}
	res, err := f.client.send(ctx, call{method: http.MethodGet, path: f.path, header: header})
	if err != nil {
		return false, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusNoContent {
		return true, nil
	}
	if res.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		return false, f.client.refused(res, raw)
	}
	if !f.lost.IsZero() {
		f.lost = time.Time{}
		f.tell(ctx, update{back: true})
	}
	quiet := time.AfterFunc(silence, cancel) // a connection that died without a word
	defer quiet.Stop()
	read := bufio.NewScanner(res.Body)
	read.Buffer(nil, maxLine)
	for m, ok := next(read, quiet); ok; m, ok = next(read, quiet) {
		if f.take(ctx, m) {
			return true, nil
		}
	}
	return false, read.Err()
}

// take tells what a message says; it is done when that was the last one.
func (f *following) take(ctx context.Context, m message) (done bool) {
	f.last = or(m.id, f.last)
	if m.name == "task" {
		f.tell(ctx, update{last: m.data})
		return true
	}
	var e event
	if json.Unmarshal(m.data, &e) == nil && e.Kind != "" { // else it is of a newer API, and nothing that can be told
		f.tell(ctx, update{event: &e, raw: m.data})
	}
	return false
}

// next reads a message; comments and empty ones are skipped.
func next(read *bufio.Scanner, quiet *time.Timer) (m message, ok bool) {
	for read.Scan() {
		quiet.Reset(silence)
		line := read.Text()
		if line == "" {
			if len(m.data) > 0 {
				return m, true
			}
			m = message{}
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			m.id = value
		case "event":
			m.name = value
		case "data":
			if len(m.data) > 0 {
				m.data = append(m.data, '\n')
			}
			m.data = append(m.data, value...)
		}
	}
	return m, false
}
