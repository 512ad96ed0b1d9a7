package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
)

// told lists a stream's messages as "id event", and comments as they are.
func told(body string) string {
	var list []string
	for message := range strings.SplitSeq(strings.TrimSuffix(body, "\n\n"), "\n\n") {
		var id, name string
		for line := range strings.SplitSeq(message, "\n") {
			field, value, _ := strings.Cut(line, ": ")
			switch field {
			case "id":
				id = value
			case "event":
				name = value
			case "data":
				if !json.Valid([]byte(value)) {
					name += " with bad data"
				}
			default:
				name = line
			}
		}
		list = append(list, strings.TrimSpace(id+" "+name))
	}
	return strings.Join(list, ", ")
}

func TestEventsAreToldAsTheyCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begun(t)
		p := w.begin(request(t, "GET /v1/tasks/a/events", ""))
		for name, want := range map[string]string{
			"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no",
			"Cache-Control": "no-cache, no-store, no-transform", "Content-Encoding": "",
		} {
			if got := p.Header().Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if got := told(p.fresh()); got != "retry: 2000, 1 created, 2 step_started" || !p.Flushed {
			t.Errorf("at first: %s", got)
		}
		w.fake.happen("a", saga.Event{Kind: saga.KindStepDone, Path: "charge"})
		if got := told(p.fresh()); got != "3 step_done" {
			t.Errorf("then: %s", got)
		}
		time.Sleep(31 * time.Second)
		if got := told(p.fresh()); got != ": still here, : still here" {
			t.Errorf("while nothing happens: %s", got)
		}
		if w.fake.reads != 2 {
			t.Errorf("%d reads for the beginning and one append: is it polling?", w.fake.reads)
		}
		w.fake.happen("a", saga.Event{Kind: saga.KindStepStarted, Path: "log"}, saga.Event{Kind: saga.KindCompleted, Data: []byte("{\n}")})
		if !p.answered() {
			t.Fatal("the stream goes on after the end")
		}
		if got := told(p.fresh()); got != "4 step_started, 5 completed, 5-end task" {
			t.Errorf("at last: %s", got)
		}
	})
}

func TestEveryEventIsAsDocumented(t *testing.T) {
	w := begun(t)
	w.fake.happen("a",
		saga.Event{Kind: saga.KindAttemptFailed, Path: "charge", Error: "no money", Flags: 31, Due: saga.MicrosOf(noon)},
		saga.Event{Kind: saga.KindSignal, Name: "paid", Data: []byte(`1`), By: "shop"},
		saga.Event{Kind: saga.KindCancel, Error: "no more", By: "shop"},
		saga.Event{Kind: saga.KindCompensationStarted, Error: "no money"},
		saga.Event{Kind: saga.KindStuck},
		saga.Event{Kind: saga.KindResolved, Path: "charge", Name: "skip", Error: "by hand", By: "ops"},
		saga.Event{Kind: saga.KindFailed, Paths: []string{"charge"}})
	a := w.must(200, "GET /v1/tasks/a/events", "")
	views := map[string]string{}
	for message := range strings.SplitSeq(a.Body.String(), "\n\n") {
		_, data, _ := strings.Cut(message, "\ndata: ")
		_, name, _ := strings.Cut(message, "\nevent: ")
		name, _, _ = strings.Cut(name, "\n")
		views[name] = data
		switch name {
		case "":
		case "task":
			matches(t, "the last message", "Task", []byte(data))
		default:
			matches(t, name, "Event", []byte(data))
		}
	}
	for name, want := range map[string]string{
		"created": `{"seq":1,"at":"2026-11-23T12:00:00Z","kind":"created","task":{"id":"a","type":"demo","user_id":"` + alice +
			`","input":{},"queue":"default"}}`,
		"attempt_failed": `{"seq":3,"at":"2026-11-23T12:00:00Z","kind":"attempt_failed","step":"charge",` +
			`"due":"2026-11-23T12:00:00Z","error":"no money","final":true,"outcome_unknown":true,"interrupted":true,"timed_out":true}`,
		"signal": `{"seq":4,"at":"2026-11-23T12:00:00Z","kind":"signal","data":1,"by":"shop","signal":"paid"}`,
		"cancel": `{"seq":5,"at":"2026-11-23T12:00:00Z","kind":"cancel","reason":"no more","by":"shop"}`,
		"resolved": `{"seq":8,"at":"2026-11-23T12:00:00Z","kind":"resolved","step":"charge","reason":"by hand","by":"ops",` +
			`"action":"skip"}`,
		"failed": `{"seq":9,"at":"2026-11-23T12:00:00Z","kind":"failed","not_undone":["charge"]}`,
	} {
		if views[name] != want {
			t.Errorf("%s: got %s, want %s", name, views[name], want)
		}
	}
}

func TestWhereAStreamGoesOn(t *testing.T) {
	cases := []struct{ what, query, header, want string }{
		{"from the beginning", "", "", "retry: 2000, 1 created, 2 step_started, 3 completed, 3-end task"},
		{"after an event", "?after=2", "", "retry: 2000, 3 completed, 3-end task"},
		{"after the last event that a browser had", "", "1", "retry: 2000, 2 step_started, 3 completed, 3-end task"},
		{"where the header says, for the query is older", "?after=0", "2", "retry: 2000, 3 completed, 3-end task"},
		{"at the end, if that has not been told", "", "3", "retry: 2000, 3-end task"},
		{"nowhere, if all has been told", "", "3-end", ""},
		{"after the end, if the task went on since", "", "2-end", "retry: 2000, 3 completed, 3-end task"},
	}
	for _, tc := range cases {
		t.Run(tc.what, func(t *testing.T) {
			w := begun(t)
			w.fake.happen("a", saga.Event{Kind: saga.KindCompleted})
			headers := []string{}
			if tc.header != "" {
				headers = append(headers, "Last-Event-ID: "+tc.header)
			}
			a := w.call("GET /v1/tasks/a/events"+tc.query, "", headers...)
			if got := told(a.Body.String()); got != tc.want || (a.Code == 204) != (tc.want == "") {
				t.Errorf("got %d %s, want %s", a.Code, got, tc.want)
			}
		})
	}
}

func TestEventsRefuse(t *testing.T) {
	cases := []struct{ query, header, faults string }{
		{"?after=-1", "", "parameter after"},
		{"?after=x", "", "parameter after"},
		{"?after=99999999999999999999", "", "parameter after"},
		{"?from=1", "", "parameter from"},
		{"", "abc", "header Last-Event-ID"},
		{"", "1-end-end", "header Last-Event-ID"},
		{"", "-end", "header Last-Event-ID"},
		{"", "-1", "header Last-Event-ID"},
	}
	for _, tc := range cases {
		w := begun(t)
		headers := []string{}
		if tc.header != "" {
			headers = append(headers, "Last-Event-ID: "+tc.header)
		}
		if a := w.must(400, "GET /v1/tasks/a/events"+tc.query, "", headers...); a.faults() != tc.faults {
			t.Errorf("%+v: %s", tc, a.Body)
		}
	}
}

func TestAStreamEnds(t *testing.T) {
	cases := []struct {
		what string
		by   func(w *world, gone context.CancelFunc, closing chan struct{})
		last string
	}{
		{"when the client goes", func(_ *world, gone context.CancelFunc, _ chan struct{}) { gone() }, "2 step_started"},
		{
			"when the process stops", func(_ *world, _ context.CancelFunc, closing chan struct{}) { close(closing) },
			"2 step_started, : closing, come back",
		},
		{"when the journal goes away", func(w *world, _ context.CancelFunc, _ chan struct{}) {
			w.fake.mu.Lock()
			w.fake.fail = saga.ErrUnavailable
			w.fake.mu.Unlock()
			w.fake.happen("a", saga.Event{Kind: saga.KindStepDone})
		}, "2 step_started"},
	}
	for _, tc := range cases {
		t.Run(tc.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				closing := make(chan struct{})
				w := begun(t, func(c *Config) { c.Closing = closing })
				ctx, gone := context.WithCancel(t.Context())
				defer gone()
				p := w.begin(request(t, "GET /v1/tasks/a/events", "").WithContext(ctx))
				if p.answered() {
					t.Fatal("ended too early")
				}
				tc.by(w, gone, closing)
				if !p.answered() {
					t.Fatal("goes on")
				}
				if got := told(p.Body.String()); !strings.HasSuffix(got, tc.last) {
					t.Errorf("got %s", got)
				}
			})
		})
	}
}

// changing authenticates everybody as whoever is put there.
type changing struct{ now atomic.Pointer[Principal] }

func (c *changing) Authenticate(context.Context, string) (Principal, error) {
	p := *c.now.Load()
	if p.Role == 0 {
		return Principal{}, ErrUnauthenticated
	}
	if p.Name == "nobody knows" {
		return Principal{}, saga.ErrUnavailable
	}
	return p, nil
}

func TestAStreamEndsWithTheRightToIt(t *testing.T) {
	for _, c := range []struct {
		what  string
		after Principal
		ends  bool
	}{
		{"nothing changes", Principal{Name: "alice", Role: RoleStarter, Owner: alice}, false},
		{"the key is taken away, or the token expires", Principal{}, true},
		{"the key is another service's now", Principal{Name: "till", Role: RoleReader, Service: "shop_1"}, true},
		{"it cannot be told", Principal{Name: "nobody knows", Role: RoleReader}, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				who := &changing{}
				who.now.Store(&Principal{Name: "alice", Role: RoleStarter, Owner: alice})
				w := begun(t, func(cfg *Config) { cfg.Auth = who })
				ctx, gone := context.WithCancel(t.Context())
				defer gone()
				p := w.begin(request(t, "GET /v1/tasks/a/events", "", bearing).WithContext(ctx))
				who.now.Store(&c.after)
				time.Sleep(heartbeat + time.Second)
				if p.answered() != c.ends {
					t.Errorf("ended: %t, want %t", p.answered(), c.ends)
				}
			})
		})
	}
}

// An append between the first read and the beginning of the watch must not be missed.
func TestNothingIsMissedBetweenWatchAndRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *Config) { c.Tasks = &racing{fake: c.Tasks.(*fake)} })
		if _, _, err := w.fake.Start(t.Context(), saga.Request{ID: "a", Type: "demo", Input: []byte(`{}`)}); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"GET /v1/tasks/a/events", "GET /v1/tasks/a"} {
			p := w.begin(request(t, line, "", "Prefer: wait=5"))
			if !p.answered() || !strings.Contains(p.Body.String(), `"state":"completed"`) {
				t.Errorf("%s missed the end: %s", line, p.Body)
			}
		}
	})
}

// racing ends the task just before the watch begins.
type racing struct {
	*fake
	ended bool
}

func (r *racing) Watch(ctx context.Context, id string) (<-chan struct{}, error) {
	if !r.ended {
		r.happen(id, saga.Event{Kind: saga.KindCompleted})
		r.ended = true
	}
	return r.fake.Watch(ctx, id)
}

func TestAStreamIsRefusedBeforeItBegins(t *testing.T) {
	w := begun(t)
	w.fake.fail = errors.Join(errors.New("secret"), saga.ErrUnavailable)
	if a := w.must(503, "GET /v1/tasks/a/events", ""); a.slug() != "unavailable" {
		t.Errorf("got %s", a.Body)
	}
}
