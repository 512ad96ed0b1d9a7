package uitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/osp-platform/osp/handlers/ui"
)

// While the stream is open, a task whose read gets no answer is shown by its events, and is read as soon as that is possible.
func TestATaskThatCannotBeReadIsShownByItsEvents(t *testing.T) {
	at := time.Now().UTC().Add(-time.Minute).Format(time.RFC3339)
	var reads, answers atomic.Int64
	var answering atomic.Bool
	events := []dict{
		{"seq": 1, "kind": "created", "at": at, "task": dict{"id": "t1", "type": "order.place"}},
		{"seq": 2, "kind": "step_started", "at": at, "step": "reserve", "step_kind": "activity"},
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/ui/session":
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(dict{"open": true, "role": "operator"})
		case strings.HasPrefix(r.URL.Path, ui.Root):
			ui.New().ServeHTTP(w, r)
		case r.URL.Path == "/v1/tasks/t1/events":
			w.Header().Set("Content-Type", "text/event-stream")
			for _, e := range events {
				data, _ := json.Marshal(e)
				_, _ = fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", e["seq"], e["kind"], data)
			}
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case !answering.Load():
			reads.Add(1)
			panic(http.ErrAbortHandler) // no answer
		default:
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(dict{
				"id": "t1", "type": "order.place", "service": "shop", "state": "running", "phase": "forward", "input": nil, "created_at": at, "started_at": at,
				"steps": []dict{{"path": "reserve", "kind": "activity", "state": "running", "attempts": 1, "started_at": at}},
			})
			answers.Add(1)
		}
	}))
	t.Cleanup(srv.Close)
	p := browse(t)
	t.Cleanup(srv.CloseClientConnections)
	p.requestsMayFail()
	p.open(srv.URL + "/ui/tasks/t1")
	p.step("Steps", "reserve", "running")
	p.wait(`document.querySelector('.connection.live')`)
	before := reads.Load()
	until(t, func() bool { return reads.Load() > before }, func() any { return reads.Load() })
	if !read[bool](p, `Boolean(document.querySelector('.connection.live'))`) {
		t.Error("the page says that there is no connection, and there is one")
	}
	answering.Store(true)
	until(t, func() bool { return answers.Load() > 0 }, func() any { return answers.Load() })
	p.step("Steps", "reserve", "running")
}
