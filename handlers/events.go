package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

const (
	heartbeat   = 15 * time.Second // proxies close connections on which nothing comes for about a minute
	reconnectIn = 2 * time.Second  // how long a client waits before it comes back
	slowClient  = 20 * time.Second // a write that takes longer ends the stream

	lastEventHeader = "Last-Event-ID"
	// endSuffix marks the id of the last message of a stream, so that a client that comes back with it is told to stop.
	endSuffix = "-end"
)

// place is where a client stands in a stream of events.
type place struct {
	after int64 // the last event that the client has
	ended bool  // and it has had the last message
}

// placeOf reads where the client stands: from Last-Event-ID, which browsers send when they come back, else from ?after=.
func placeOf(r *http.Request) (place, error) {
	p, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return place{}, err
	}
	after, _ := digits(p.text("after", rule{holds: func(s string) bool { _, ok := digits(s); return ok }, says: "must be the id of an event"}))
	if err := p.end(); err != nil {
		return place{}, err
	}
	header := r.Header.Get(lastEventHeader)
	if header == "" {
		return place{after: after}, nil
	}
	seq, ended := strings.CutSuffix(header, endSuffix)
	n, ok := digits(seq)
	if !ok {
		return place{}, refuse(badParameter, fault{Header: lastEventHeader, Detail: "must be the id of an event of this stream"})
	}
	return place{after: n, ended: ended}, nil
}

// streamEvents tells a task's events as they come, and its end: GET /v1/tasks/{id}/events.
func (a *API) streamEvents(c *gin.Context) {
	f, err := a.follow(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	defer f.seat.leave()
	if f.at.ended && len(f.events) == 0 && f.task.State.Finished() {
		c.Status(http.StatusNoContent) // tells an EventSource not to come back
		return
	}
	out := newStream(c, a.now)
	defer out.close()
	if err := f.run(c.Request.Context(), out); err != nil && c.Request.Context().Err() == nil {
		a.log.LogAttrs(c.Request.Context(), slog.LevelWarn, "event stream ended early", slog.String("task", f.id),
			slog.Any("error", err), slog.String("request_id", requestIDOf(c.Request.Context())))
	}
}

// follower follows one task for one client.
type follower struct {
	seat    *seat
	closing <-chan struct{}
	allowed func() bool // whether the client still may follow
	id      string
	at      place
	events  []saga.Event
	task    saga.Task
}

// follow begins to follow a task: what can be refused is refused here, before anything is sent.
func (a *API) follow(c *gin.Context) (*follower, error) {
	id, err := taskID(c)
	if err != nil {
		return nil, err
	}
	at, err := placeOf(c.Request)
	if err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	f := &follower{closing: a.closing, id: id, at: at}
	f.allowed = func() bool { return a.stillSees(c.Request, f.task) }
	// The watch comes first, so that an append between the two is told.
	if f.seat, err = a.feeds.join(ctx, id); err != nil {
		return nil, err
	}
	if err = f.read(ctx); err == nil {
		err = visible(ctx, f.task)
	}
	if err != nil {
		f.seat.leave()
		return nil, err
	}
	return f, nil
}

func (f *follower) read(ctx context.Context) (err error) {
	f.events, f.task, err = f.seat.events(ctx, f.at.after)
	return err
}

// run sends what there is and what comes, until the task ends, the client goes or the process is about to stop.
func (f *follower) run(ctx context.Context, out *stream) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	if err := out.begin(); err != nil {
		return err
	}
	for {
		if done, err := f.send(out); done || err != nil {
			return err
		}
		if more, err := f.wait(ctx, out, beat.C); !more || err != nil {
			return err
		}
		if err := f.read(ctx); err != nil {
			return err
		}
	}
}

// send sends what was read. It is done when the task has ended.
func (f *follower) send(out *stream) (done bool, err error) {
	for _, e := range f.events {
		if err := out.event(e); err != nil {
			return false, err
		}
		f.at.after = e.Seq
	}
	if f.task.State.Finished() {
		return true, out.end(f.at.after, shown(f.task))
	}
	return false, out.flush()
}

// wait returns true when the journal has grown, false when the stream is over.
func (f *follower) wait(ctx context.Context, out *stream, beat <-chan time.Time) (bool, error) {
	for {
		select {
		case _, ok := <-f.seat.appended:
			return ok, nil
		case <-beat:
			if !f.allowed() {
				return false, out.comment("the key or token is no longer valid")
			}
			if err := out.comment("still here"); err != nil {
				return false, err
			}
		case <-ctx.Done():
			return false, nil
		case <-f.closing:
			return false, out.comment("closing, come back")
		}
	}
}
