package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
)

// pending is a request that is being answered. Its answer may be read while it is written.
type pending struct {
	*httptest.ResponseRecorder
	done chan struct{}
	mu   sync.Mutex
	read int
}

func (p *pending) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ResponseRecorder.Write(data)
}

func (p *pending) WriteString(text string) (int, error) { return p.Write([]byte(text)) }

// fresh returns what has been written since it was last asked.
func (p *pending) fresh() string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.Body.String()[p.read:]
	p.read += len(text)
	return text
}

func (w *world) begin(r *http.Request) *pending {
	p := &pending{ResponseRecorder: httptest.NewRecorder(), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		w.api.ServeHTTP(p, r)
	}()
	synctest.Wait()
	return p
}

func (p *pending) answered() bool {
	synctest.Wait()
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func TestAStartWaitsForTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.begin(request(t, "POST /v1/tasks", with(`"id":"a"`), "Prefer: wait=10"))
		time.Sleep(9 * time.Second)
		w.fake.happen("a", saga.Event{Kind: saga.KindStepStarted, Path: "x"})
		if p.answered() {
			t.Fatalf("answered before the end: %s", p.Body)
		}
		w.fake.happen("a", saga.Event{Kind: saga.KindCompleted, Data: []byte(`"bill"`)})
		if !p.answered() {
			t.Fatal("not answered at the end")
		}
		a := answer{p.ResponseRecorder, t}
		if a.Code != 200 || a.json("state") != "completed" || a.json("output") != "bill" ||
			a.Header().Get("Preference-Applied") != "wait=10" || a.Header().Get("Location") != "/v1/tasks/a" {
			t.Errorf("got %d %v %s", a.Code, a.Header(), a.Body)
		}
		if w.fake.reads != 3 {
			t.Errorf("%d reads for two appends and the beginning: is it polling?", w.fake.reads)
		}
	})
}

func TestWaitingEnds(t *testing.T) {
	cases := []struct {
		what, line, prefer string
		status             int
		after              time.Duration
	}{
		{"a start, when the time is over", "POST /v1/tasks", "wait=3", 202, 3 * time.Second},
		{"a start, after 25 s whatever was asked for", "POST /v1/tasks", "wait=600", 202, 25 * time.Second},
		{"a read, when the time is over", "GET /v1/tasks/a", "wait=3", 200, 3 * time.Second},
		{"a cancel, when the time is over", "POST /v1/tasks/a/cancel", "respond-async, wait=2;x=1", 202, 2 * time.Second},
		{"at once without a preference", "GET /v1/tasks/a", "return=minimal", 200, 0},
		{"at once when the preference is not a number", "GET /v1/tasks/a", "wait=soon", 200, 0},
	}
	for _, tc := range cases {
		t.Run(tc.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := begun(t)
				body := ""
				if tc.line == "POST /v1/tasks" {
					body = demo
				}
				p := w.begin(request(t, tc.line, body, "Prefer: "+tc.prefer))
				start := time.Now()
				<-p.done
				if took := time.Since(start); took != tc.after || p.Code != tc.status {
					t.Errorf("%d after %v, want %d after %v: %s", p.Code, took, tc.status, tc.after, p.Body)
				}
			})
		})
	}
}

func TestWaitingEndsWhenTheProcessStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closing := make(chan struct{})
		w := begun(t, func(c *Config) { c.Closing = closing })
		p := w.begin(request(t, "GET /v1/tasks/a", "", "Prefer: wait=20"))
		if p.answered() {
			t.Fatal("did not wait")
		}
		close(closing)
		if !p.answered() || p.Code != 200 {
			t.Errorf("still waiting, or %d", p.Code)
		}
	})
}

func TestWhatWasDoneIsToldEvenIfWaitingFails(t *testing.T) {
	w := begun(t, func(c *Config) { c.Tasks = deafTasks{c.Tasks} })
	a := w.must(202, "POST /v1/tasks", with(`"id":"b"`), "Prefer: wait=5")
	if a.json("id") != "b" || !strings.Contains(w.log.String(), "no ears") {
		t.Errorf("got %s, logged %s", a.Body, w.log)
	}
}

type deafTasks struct{ Tasks }

func (deafTasks) Watch(context.Context, string) (<-chan struct{}, error) {
	return nil, errors.New("no ears")
}

func TestPrefer(t *testing.T) {
	cases := []struct {
		header []string
		want   int
	}{
		{nil, 0},
		{[]string{"wait=5"}, 5},
		{[]string{"Wait = 5"}, 5},
		{[]string{`wait="5"`}, 5},
		{[]string{"respond-async", "wait=7"}, 7},
		{[]string{"wait=5, wait=9"}, 5},
		{[]string{"wait=26"}, 25},
		{[]string{"wait=99999999999999999999"}, 0},
		{[]string{"wait"}, 0},
		{[]string{"wait=-1"}, 0},
		{[]string{"wait=1.5"}, 0},
		{[]string{"await=5"}, 0},
	}
	for _, tc := range cases {
		if got := preferredWait(http.Header{"Prefer": tc.header}); got != tc.want {
			t.Errorf("%q: got %d, want %d", tc.header, got, tc.want)
		}
	}
}
