package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
)

// task is a task as the API would tell it.
func task(state, more string) string {
	return fmt.Sprintf(`{"id":"t1","type":"work","state":%q,"phase":"forward","created_at":"2026-11-24T08:00:00Z","steps":[%s]}`, state, more)
}

// streams adds an answer that is a stream: events by "seq kind", "end STATE" for the whole task.
func (a *api) streams(events ...string) *api {
	return a.on("GET /v1/tasks/t1/events", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "retry: 2000\n\n: still here\n\n")
		for _, e := range events {
			seq, kind, _ := strings.Cut(e, " ")
			if seq == "end" {
				_, _ = fmt.Fprintf(w, "id: 9-end\nevent: task\ndata: %s\n\n", task(kind, ""))
				continue
			}
			_, _ = fmt.Fprintf(w, "id: %[1]s\nevent: %[2]s\ndata: {\"seq\":%[1]s,\"at\":\"2026-11-24T08:00:00Z\",\"kind\":%[2]q,\"step\":\"s%[1]s\"}\n\n", seq, kind)
		}
	})
}

// lost adds an answer that is none.
type lost struct {
	*api

	from, to int64 // of the requests, those that are lost
	n        atomic.Int64
}

func (l *lost) RoundTrip(r *http.Request) (*http.Response, error) {
	if n := l.n.Add(1); n > l.from && n <= l.to {
		return nil, errors.New("connection reset by peer")
	}
	return l.api.RoundTrip(r)
}

func TestAStreamGoesOnWhereItStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI().says("GET /v1/tasks/t1", 200, task("running", ""))
		a.streams("1 created", "2 step_started").streams("3 step_done").streams("4 completed", "end completed")
		r := without(t, a, "task", "watch", "t1", "-o", "json")
		if got := strings.Count(r.out, `"kind"`); got != 4 || !strings.HasSuffix(r.out, task("completed", "")+"\n") || r.code != 0 {
			t.Errorf("code %d: %d events\n%s", r.code, got, r.out)
		}
		var last []string
		for _, g := range a.got[1:] {
			last = append(last, g.header.Get("Last-Event-ID"))
		}
		if fmt.Sprint(last) != "[ 2 3]" {
			t.Errorf("it went on after %v", last)
		}
	})
}

func TestAnAPIThatGoesAwayIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI().says("GET /v1/tasks/t1", 200, task("running", "")).streams("1 created").streams("2 completed", "end completed")
		s := setting{env: map[string]string{"OSP_URL": "http://osp.test"}, transport: &lost{api: a, from: 2, to: 12}}
		begin := time.Now()
		r := s.run(t.Context(), "task", "watch", "t1")
		r.is(t, 0, "✓ completed", "The API is there again.")
		if n := strings.Count(r.err, "The API is away. Asking again"); n != 1 || time.Since(begin) < 40*time.Second {
			t.Errorf("after %v it was told %d times: %s", time.Since(begin), n, r.err)
		}
	})
}

func TestAnAPIThatStaysAwayIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI().says("GET /v1/tasks/t1", 200, task("running", ""))
		s := setting{env: map[string]string{"OSP_URL": "http://osp.test"}, transport: &lost{api: a, from: 1, to: 1 << 20}}
		begin := time.Now()
		s.run(t.Context(), "task", "wait", "t1").is(t, 8, "work  t1", "connection reset by peer")
		if d := time.Since(begin); d < giveUp || d > giveUp+2*maxPause {
			t.Errorf("given up after %v", d)
		}
	})
}

func TestCodesOfWaiting(t *testing.T) {
	cases := []struct {
		state string
		code  int
		says  string
	}{
		{"completed", 0, ""},
		{"failed", 4, "task t1 has ended: failed"},
		{"cancelled", 5, "task t1 has ended: cancelled"},
		{"stuck", 6, "task t1 is stuck: osp task get t1 tells where"},
	}
	for _, c := range cases {
		for _, args := range []string{"task wait t1 -o json", "task start work --wait -o json", "task watch t1 -o json"} {
			t.Run(c.state+" "+args, func(t *testing.T) {
				a := newAPI().says("GET /v1/tasks/t1", 200, task("running", "")).says("GET /v1/tasks/t1", 200, task(c.state, ""))
				a.says("POST /v1/tasks", 202, task("pending", ""))
				if c.state == "stuck" {
					a.streams("1 created", "2 stuck")
				} else {
					a.streams("1 created", "end "+c.state)
				}
				r := at(t, a, strings.Fields(args)...)
				r.is(t, c.code, task(c.state, ""), "")
				if !strings.Contains(args, "watch") {
					r.is(t, c.code, "", c.says)
				}
			})
		}
	}
}

// hangs adds a stream on which nothing comes any more.
func (a *api) hangs() *api {
	return a.on("GET /v1/tasks/t1/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, ": still here\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
}

func TestWaitingEndsInTime(t *testing.T) {
	for _, args := range []string{"task wait t1 --timeout 50ms", "task start work --wait=50ms", "task watch t1 --timeout 50ms"} {
		a := newAPI().says("GET /v1/tasks/t1", 200, task("running", "")).says("GET /v1/tasks/t1", 200, task("waiting", ""))
		a.says("POST /v1/tasks", 202, task("pending", "")).hangs()
		shows := "◌ waiting" // as it is by then
		if strings.Contains(args, "watch") {
			shows = ""
		}
		at(t, a, strings.Fields(args)...).is(t, 7, shows, "the task has not ended within 50 ms, and goes on. To come back: osp task watch t1")
	}
}

// How a task stands that nobody can ask about is not known.
func TestATimeThatIsOverWhileTheAPIIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI().says("GET /v1/tasks/t1", 200, task("running", ""))
		s := setting{env: map[string]string{"OSP_URL": "http://osp.test"}, transport: &leaving{api: a}}
		s.run(t.Context(), "task", "wait", "t1", "--timeout", "10s").is(t, 8, "running", "the task had not ended when the API was last there, and the 10 s are over. To come back: osp task watch t1")
	})
}

// leaving answers once.
type leaving struct {
	api  *api
	gone bool
}

func (l *leaving) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.gone {
		return nil, syscall.ECONNREFUSED
	}
	l.gone = true
	return l.api.RoundTrip(r)
}

func TestWhoStopsWaitingIsToldHowToComeBack(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	a := newAPI().says("GET /v1/tasks/t1", 200, task("running", ""))
	a.on("GET /v1/tasks/t1/events", func(_ http.ResponseWriter, r *http.Request) {
		stop()
		<-r.Context().Done()
	})
	s := setting{env: map[string]string{"OSP_URL": "http://osp.test"}, transport: a}
	s.run(ctx, "task", "wait", "t1").is(t, 130, "work  t1", "the task goes on. To come back: osp task watch t1\n     To have it undone: osp task cancel t1")
}

// A connection that died without a word is noticed: the API sends something every 15 seconds.
func TestASilentConnectionIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI().says("GET /v1/tasks/t1", 200, task("running", "")).streams("1 created").streams("end completed")
		s := setting{env: map[string]string{"OSP_URL": "http://osp.test"}, transport: &silent{api: a}}
		s.run(t.Context(), "task", "watch", "t1").is(t, 0, "✓ completed", "")
	})
}

// silent has a first stream on which nothing comes after a first sign of life.
type silent struct {
	*api

	once atomic.Bool
}

func (s *silent) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/events") || s.once.Swap(true) {
		return s.api.RoundTrip(r)
	}
	read, write := io.Pipe()
	context.AfterFunc(r.Context(), func() { _ = write.CloseWithError(r.Context().Err()) })
	go func() { _, _ = io.WriteString(write, ": still here\n\n") }()
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: read, Request: r}, nil
}

// The task is read when an old event says that it got stuck. That it has ended since is no reason to tell no more events.
func TestAllEventsAreToldOfATaskThatWasStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI().says("GET /v1/tasks/t1", 200, task("failed", ""))
		events := []string{"1 created", "2 stuck"}
		for i := range 5000 {
			events = append(events, fmt.Sprint(3+i, " step_done"))
		}
		a.streams(append(events, "5003 failed", "end failed")...)
		r := without(t, a, "task", "watch", "t1")
		if got := strings.Count(r.out, ": done"); got != 5000 || r.code != 4 {
			t.Errorf("code %d: %d of 5000 events", r.code, got)
		}
	})
}

// Of a pause the journal tells nothing, so whoever waits looks now and then.
func TestWhoWaitsIsToldOfAPause(t *testing.T) {
	held := func(why string) string {
		return strings.Replace(task("pending", ""), "{", `{"paused_by":[{"kind":"type","name":"work","by":"ada","reason":"`+why+`","since":"2026-11-24T08:00:00Z"}],`, 1)
	}
	for _, args := range []string{"task watch t1", "task watch t1 -o json", "task wait t1"} {
		synctest.Test(t, func(t *testing.T) {
			a := newAPI()
			unserved := strings.Replace(task("pending", ""), "{", `{"unserved":true,`, 1)
			a.says("GET /v1/tasks/t1", 200, unserved).says("GET /v1/tasks/t1", 200, unserved)
			for range 2 { // told once
				a.says("GET /v1/tasks/t1", 200, held("the bank is away"))
			}
			a.says("GET /v1/tasks/t1", 200, held("the bank is closed")).says("GET /v1/tasks/t1", 200, task("running", ""))
			begin := time.Now()
			a.on("GET /v1/tasks/t1/events", func(w http.ResponseWriter, _ *http.Request) {
				time.Sleep(28 * time.Second) // of the bubble
				_, _ = fmt.Fprintf(w, "id: 9-end\nevent: task\ndata: %s\n\n", task("completed", ""))
			})
			s := setting{env: map[string]string{"OSP_URL": "http://osp.test"}, transport: a, now: func() time.Time { return noon.Add(time.Since(begin)) }}
			r := s.run(t.Context(), strings.Fields(args)...)
			r.is(t, 0, "", "no worker serves its queue at the moment\npaused 4 h ago by ada (type work): the bank is away\npaused 4 h ago by ada (type work): the bank is closed\nnot paused any longer\n")
			if n := strings.Count(a.requests()+"\n", "GET /v1/tasks/t1\n"); strings.Contains(r.out, "paused") || n != 6 {
				t.Errorf("%s: read %d times: %s\n%s", args, n, r.out, a.requests())
			}
		})
	}
}

func TestWhatHeldATaskIsNotToldOfItWhenItHasEnded(t *testing.T) {
	held := strings.Replace(task("pending", ""), "{",
		`{"unserved":true,"paused_by":[{"kind":"type","name":"work","by":"ada","reason":"a sale","since":"2026-11-24T08:00:00Z"}],`, 1)
	a := newAPI().says("GET /v1/tasks/t1", 200, held)
	a.on("GET /v1/tasks/t1/events", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, "id: 9-end\nevent: task\ndata: %s\n\n", task("completed", ""))
	})
	r := without(t, a, "task", "wait", "t1")
	if r.code != 0 || !strings.Contains(r.out, "completed") || strings.Contains(r.out, "paused") || strings.Contains(r.out, "no worker") {
		t.Errorf("code %d: %s", r.code, r.out)
	}
}

func TestAStepThatStartsAgainSaysSo(t *testing.T) {
	var out strings.Builder
	tell := (&session{out: &out}).tellLines()
	for _, e := range []event{
		{Kind: saga.KindStepStarted}, {Kind: saga.KindStepStarted, Undo: true}, {Kind: saga.KindStepStarted}, // a worker is gone
		{Kind: saga.KindAttemptFailed}, {Kind: saga.KindStepStarted}, {Kind: saga.KindStepDone},
	} {
		e.Step = "a"
		tell(&e, nil)
	}
	got := strings.Split(out.String(), "\n")
	for i, want := range []string{
		"a: started", "undo of a: started", "a: started again: the last attempt was cut short", "a: failed", "a: started", "a: done",
	} {
		if !strings.HasSuffix(got[i], "  "+want) {
			t.Errorf("%q, want %q", got[i], want)
		}
	}
}

func TestATaskTakesAsLongAsListsSay(t *testing.T) {
	begun, ended := noon.Add(-5*time.Second), noon.Add(-time.Second)
	for _, c := range []struct {
		task saga.Task
		want time.Duration
	}{
		{saga.Task{StartedAt: &begun, CompletedAt: &ended}, 4 * time.Second},
		{saga.Task{CompletedAt: &ended}, 59 * time.Second},
		{saga.Task{StartedAt: &begun}, time.Minute},
	} {
		c.task.CreatedAt = noon.Add(-time.Minute)
		if got := (&drawing{task: c.task, now: noon}).elapsed(); got != c.want {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}
