package handlers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// stream writes server-sent events.
type stream struct {
	c   *gin.Context
	rc  *http.ResponseController
	now func() time.Time
}

func newStream(c *gin.Context, now func() time.Time) *stream {
	return &stream{c: c, rc: http.NewResponseController(c.Writer), now: now}
}

// begin sends the headers, at once, so that the client knows that it is connected.
func (s *stream) begin() error {
	h := s.c.Writer.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache, no-store, no-transform") // no-transform: a proxy that compresses holds events back
	h.Set("X-Accel-Buffering", "no")                           // nginx
	s.c.Status(http.StatusOK)
	return s.write("retry: " + strconv.FormatInt(reconnectIn.Milliseconds(), 10) + "\n\n")
}

// event sends one event of the journal.
func (s *stream) event(e saga.Event) error {
	return s.message(strconv.FormatInt(e.Seq, 10), string(e.Kind), viewOf(e))
}

// end sends the last message: the task as it is now.
func (s *stream) end(seq int64, t saga.Task) error {
	if err := s.message(strconv.FormatInt(seq, 10)+endSuffix, "task", t); err != nil {
		return err
	}
	return s.flush()
}

func (s *stream) message(id, name string, v any) error {
	data, err := json.Marshal(v) // on one line, as the format wants it
	if err != nil {
		return fmt.Errorf("encode event %s: %w", id, err)
	}
	return s.write("id: " + id + "\nevent: " + name + "\ndata: " + string(data) + "\n\n")
}

// comment sends what clients skip.
func (s *stream) comment(text string) error {
	if err := s.write(": " + text + "\n\n"); err != nil {
		return err
	}
	return s.flush()
}

// write gives every piece its own deadline: the server's WriteTimeout is for whole answers. Not every writer has deadlines.
func (s *stream) write(text string) error {
	_ = s.rc.SetWriteDeadline(s.now().Add(slowClient))
	_, err := s.c.Writer.WriteString(text)
	return err
}

func (s *stream) flush() error { return s.rc.Flush() }

// close takes the deadline off the connection, which may serve another request.
func (s *stream) close() { _ = s.rc.SetWriteDeadline(time.Time{}) }
