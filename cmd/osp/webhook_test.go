package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/osp-platform/osp/saga"
)

const webhookSecret = "whsec_b25lLXNlY3JldC1vZi0yNC1ieXRlcy1vci1tb3Jl"

// till is a receiver of webhooks. It checks what it is sent, and remembers it by webhook-id.
type till struct {
	*httptest.Server
	t *testing.T

	mu     sync.Mutex
	answer int
	heard  map[string][]string // webhook-id to what it told: "task.completed <task>"
}

func newTill(t *testing.T) *till {
	r := &till{t: t, answer: http.StatusNoContent, heard: map[string][]string{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *till) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	hook, newErr := standardwebhooks.NewWebhook(webhookSecret)
	if err != nil || newErr != nil {
		return // whoever sent it has died
	}
	if err := hook.Verify(body, req.Header); err != nil {
		r.t.Errorf("the library of the standard says: %v; %v", err, req.Header)
	}
	var told struct {
		Type string
		Data struct{ ID, State string }
	}
	if err := json.Unmarshal(body, &told); err != nil {
		r.t.Errorf("%s: %v", body, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id := req.Header.Get("Webhook-Id")
	r.heard[id] = append(r.heard[id], told.Type+" "+told.Data.ID)
	w.WriteHeader(r.answer)
}

func (r *till) answers(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = status
}

// events are what it was told, each event once.
func (r *till) events() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []string
	for id, told := range r.heard {
		if len(slices.Compact(slices.Clone(told))) != 1 {
			r.t.Errorf("message %s told %v", id, told)
		}
		list = append(list, told[0])
	}
	slices.Sort(list)
	return list
}

// times is how often it was told.
func (r *till) times() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, told := range r.heard {
		n += len(told)
	}
	return n
}

func TestWebhooksOfATaskAndOfAService(t *testing.T) {
	env := append(here(t), "OSP_SECRET_TILL="+webhookSecret)
	e, r := newEndpoint(t, nil), newTill(t)
	all := start(t, "all", env...)

	status, raw, header := all.call("POST", "/v1/webhooks", dict{"service": "shop_1", "url": r.URL + "/service", "secret_name": "TILL"})
	var hook saga.Webhook
	if err := json.Unmarshal(raw, &hook); err != nil || status != 201 {
		t.Fatalf("%d %s", status, raw)
	}
	all.task(202, "POST", "/v1/tasks", dict{
		"id": "t1", "type": "http.saga", "service": "shop_1", "input": e.saga("a"),
		"webhook": dict{"url": r.URL + "/task", "secret": "${secrets.TILL}"},
	})
	all.task(202, "POST", "/v1/tasks", dict{"id": "t2", "type": "http.saga", "service": "shop_2", "input": e.saga("a")})
	want := "task.completed t1, task.completed t1"
	told := func() string { return strings.Join(r.events(), ", ") }
	eventually(t, enough, func() bool { return told() == want }, func() any { return r.events() })

	// The log of deliveries, and one sent once more.
	deliveries := func(path string) (list []saga.Task) {
		t.Helper()
		status, raw, _ := all.call("GET", path, nil)
		var page saga.Page
		if err := json.Unmarshal(raw, &page); err != nil || status != 200 {
			t.Fatalf("%s: %d %s", path, status, raw)
		}
		return page.Tasks
	}
	log := header.Get("Location") + "/deliveries"
	eventually(t, enough, func() bool {
		list := deliveries(log)
		return len(list) == 1 && list[0].State == saga.Completed && len(deliveries("/v1/tasks/t1/deliveries")) == 2
	}, func() any { return deliveries(log) })
	before := r.times()
	all.task(202, "POST", "/v1/tasks/"+deliveries(log)[0].ID+"/retry", nil)
	eventually(t, enough, func() bool { return r.times() == before+1 && told() == want }, func() any { return r.events() })

	// Gone is gone.
	r.answers(http.StatusGone)
	all.task(202, "POST", "/v1/tasks", dict{"id": "t3", "type": "http.saga", "service": "shop_1", "input": e.saga("a")})
	get := func() (w saga.Webhook) {
		_, raw, _ := all.call("GET", header.Get("Location"), nil)
		_ = json.Unmarshal(raw, &w)
		return w
	}
	eventually(t, enough, func() bool { return !get().Enabled }, func() any { return get() })
	if w := get(); !strings.HasPrefix(w.Reason, "the receiver answered 410 Gone to delivery ") || w.By != "osp" {
		t.Errorf("disabled: %+v", w)
	}
	if log := all.log(); strings.Contains(log, webhookSecret[6:]) {
		t.Error("the log tells the secret")
	}
}

// Whatever dies between the end of a task, the start of its delivery and the delivery: the end is told.
func TestEndsAreToldThoughProcessesAreKilled(t *testing.T) {
	env := append(here(t), "OSP_SECRET_TILL="+webhookSecret, "OSP_LEASE=1s")
	e, r := newEndpoint(t, nil), newTill(t)
	const n = 60
	var want []string
	p := start(t, "all", env...)
	for i := range n {
		id := fmt.Sprintf("t%02d", i)
		p.task(202, "POST", "/v1/tasks", dict{
			"id": id, "type": "http.saga", "input": e.saga("a"), "webhook": dict{"url": r.URL, "secret": "${secrets.TILL}"},
		})
		want = append(want, "task.completed "+id)
	}
	for kills := 0; len(r.events()) < n; kills++ {
		if kills < 6 { // in the midst of it
			heard := len(r.events())
			eventually(t, enough, func() bool { return len(r.events()) > heard || len(r.events()) == n }, func() any { return r.events() })
			p.kill()
			p = start(t, "all", env...)
			continue
		}
		eventually(t, 120*time.Second, func() bool { return len(r.events()) == n }, func() any { return r.events() })
	}
	if got := r.events(); !slices.Equal(got, want) {
		t.Errorf("told %v", got)
	}
	t.Logf("%d ends told in %d messages", n, r.times())
}
