package tasks_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// Secrets that sign.
const (
	oneSecret   = "whsec_b25lLXNlY3JldC1vZi0yNC1ieXRlcy1vci1tb3Jl"
	otherSecret = "whsec_b3RoZXItc2VjcmV0LW9mLTI0LWJ5dGVzLW9yLW1vcmU="
)

// switchboard is a world with webhooks. Tasks of the types good, bad and jammed complete, fail and get stuck.
type switchboard struct {
	*world
	hooks      *tasks.Webhooks
	source     *hookSource
	dispatcher *tasks.Dispatcher
	rows       rows
	queue      *noted
	secrets    secrets
	log        *testenv.Log
}

func newSwitchboard(t *testing.T) *switchboard {
	t.Helper()
	s := &switchboard{source: &hookSource{}, rows: rows{}, queue: &noted{}, secrets: secrets{"KEY": oneSecret}, log: &testenv.Log{}}
	h, public := tasks.NewHTTP(tasks.HTTPOptions{Secrets: s.secrets, AllowPrivate: true}), tasks.NewHTTP(tasks.HTTPOptions{})
	t.Cleanup(h.Close)
	t.Cleanup(public.Close)
	s.hooks = &tasks.Webhooks{
		Source: s.source, HTTP: h, Public: public, Log: slog.New(slog.NewTextHandler(s.log, nil)), Random: func() float64 { return 0.5 },
	}
	s.world = newWorld(t, tasks.WebhookDeliver(s.hooks), ending("good"), ending("bad"), ending("jammed"))
	s.hooks.Now = s.now
	s.dispatcher = &tasks.Dispatcher{
		Catalogue: s.catalogue, Journal: s.journal, Queue: s.queue, Rows: s.rows, Queues: map[string]int{"default": 1}, Webhooks: s.hooks,
		Log: slog.New(slog.DiscardHandler), Now: s.now, NewID: func() string { s.queue.made++; return fmt.Sprintf("made%d", s.queue.made) },
		Changed: func() {}, Nudge: func() {},
	}
	s.hooks.Tasks = s.dispatcher
	return s
}

// ending is a type whose tasks end as its name says. Their output is their input.
func ending(name string) tasks.Type {
	first := saga.Step{
		Kind: saga.KindActivity, Name: "first",
		Do: func(_ context.Context, _ saga.Call, in json.RawMessage) (json.RawMessage, error) { return in, nil },
		Undo: func(context.Context, saga.Call, json.RawMessage, json.RawMessage) error {
			if name == "jammed" {
				return saga.Permanent(errors.New("the drawer does not open"))
			}
			return nil
		},
	}
	second := first
	second.Name = "second"
	if name != "good" {
		second.Do = func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) {
			return nil, saga.Permanent(saga.Definite(errors.New("out of stock")))
		}
	}
	return tasks.Type{Name: name, Static: true, Build: func(json.RawMessage) (*saga.Workflow, error) {
		return &saga.Workflow{Name: name, Version: 1, Root: saga.Sequence(first, second)}, nil
	}}
}

// ends starts a task and has it end.
func (s *switchboard) ends(r saga.Request) saga.Task {
	s.t.Helper()
	task, _, err := s.dispatcher.Start(s.t.Context(), r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.settle(task.ID)
	return s.get(task.ID)
}

func (s *switchboard) get(id string) saga.Task {
	s.t.Helper()
	task, err := s.dispatcher.Get(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return task
}

// news is what there is to tell of a task, as a flusher finds it.
func (s *switchboard) news(id string) saga.News {
	s.t.Helper()
	snapshot, err := s.journal.Read(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	n := saga.News{Created: *snapshot.Events[0].Created}
	for _, e := range snapshot.Events {
		if e.Tells() != "" {
			n.Events = append(n.Events, e)
		}
	}
	return n
}

// tell has the news of tasks told, and returns the ids of the deliveries that were begun, in no order.
func (s *switchboard) tell(ids ...string) []string {
	s.t.Helper()
	var news []saga.News
	for _, id := range ids {
		news = append(news, s.news(id))
	}
	s.queue.take()
	if left := s.hooks.Tell(s.t.Context(), news); len(left) > 0 {
		s.t.Fatalf("not told of %v: %s", left, s.log)
	}
	return s.queue.take()
}

// delivers has the news of a task told, and delivered, to one receiver.
func (s *switchboard) delivers(id string) saga.Task {
	s.t.Helper()
	begun := s.tell(id)
	if len(begun) != 1 {
		s.t.Fatalf("%d deliveries were begun, not 1", len(begun))
	}
	s.settle(begun[0])
	return s.get(begun[0])
}

// noted is a queue that only notes what was put in it.
type noted struct {
	mu   sync.Mutex
	ids  []string
	made int
}

func (n *noted) Enqueue(_ context.Context, ref saga.Ref) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ids = append(n.ids, ref.ID)
	return nil
}
func (n *noted) Wake(context.Context, saga.Ref) error     { return nil }
func (n *noted) TakeOver(context.Context, saga.Ref) error { return nil }
func (n *noted) Backlog(string) (int, error)              { return 0, nil }

func (n *noted) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	ids := n.ids
	n.ids = nil
	slices.Sort(ids)
	return slices.Compact(ids)
}

// hookSource keeps webhooks in memory.
type hookSource struct {
	mu    sync.Mutex
	list  []saga.Webhook
	err   error
	asked int
}

func (h *hookSource) Webhooks(_ context.Context, q saga.WebhookQuery) ([]saga.Webhook, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	return slices.DeleteFunc(slices.Clone(h.list), func(w saga.Webhook) bool { return q.ID != "" && w.ID != q.ID }), h.err
}

func (h *hookSource) AddWebhook(_ context.Context, w saga.Webhook) (saga.Webhook, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, w)
	return w, h.err
}

func (h *hookSource) ChangeWebhook(_ context.Context, c saga.WebhookChange) (saga.Webhook, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.list {
		w := &h.list[i]
		if w.ID != c.ID || h.err != nil {
			continue
		}
		if c.Enabled != nil && (c.While == "" || c.While == w.URL) {
			w.Enabled, w.Reason, w.By = *c.Enabled, c.Reason, c.By
		}
		if c.URL != nil {
			w.URL = *c.URL
		}
		return *w, nil
	}
	return saga.Webhook{}, cmpErr(h.err)
}

func cmpErr(err error) error {
	if err == nil {
		return saga.ErrNotFound
	}
	return err
}

func (h *hookSource) RemoveWebhook(_ context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = slices.DeleteFunc(h.list, func(w saga.Webhook) bool { return w.ID == id })
	return h.err
}

func (h *hookSource) Deliveries(context.Context, saga.DeliveryQuery) (saga.Page, error) {
	return saga.Page{}, h.err
}

// add registers a webhook for everything, which change may limit.
func (s *switchboard) add(id, url string, change ...func(*saga.Webhook)) {
	s.t.Helper()
	w := saga.Webhook{ID: id, URL: url, SecretName: "KEY", Events: saga.WebhookEvents, Enabled: true, By: "ann"}
	for _, f := range change {
		f(&w)
	}
	if _, err := s.hooks.AddWebhook(s.t.Context(), w); err != nil {
		s.t.Fatal(err)
	}
}

// receiver is somebody who is told. It answers in turn, the last answer again and again; 204 if there are none.
type receiver struct {
	*httptest.Server
	now func() time.Time

	mu      sync.Mutex
	answers []http.HandlerFunc
	heard   []message
}

// message is what a receiver was sent.
type message struct {
	at     time.Time
	header http.Header
	body   []byte
}

// late is how long after its own time it came, in which a second may have begun; for ever if it came before it.
func (m message) late() time.Duration {
	seconds, err := strconv.ParseInt(m.header.Get("Webhook-Timestamp"), 10, 64)
	if sent := time.Unix(seconds, 0); err == nil && !m.at.Before(sent) {
		return m.at.Sub(sent)
	}
	return math.MaxInt64
}

func newReceiver(s *switchboard, answers ...http.HandlerFunc) *receiver {
	r := &receiver{now: s.now, answers: answers}
	r.Server = httptest.NewServer(r)
	s.t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = append(r.heard, message{r.now(), req.Header, body})
	switch len(r.answers) {
	case 0:
		w.WriteHeader(http.StatusNoContent)
	case 1:
		r.answers[0](w, req)
	default:
		answer := r.answers[0]
		r.answers = r.answers[1:]
		answer(w, req)
	}
}

func (r *receiver) all() []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.heard)
}

// one returns the only message.
func (r *receiver) one(t *testing.T) message {
	t.Helper()
	all := r.all()
	if len(all) != 1 {
		t.Fatalf("it was told %d times", len(all))
	}
	return all[0]
}

// keeps tells whether any of the texts stands in anything that is kept of the tasks, or in the log.
func (s *switchboard) keeps(texts []string, ids ...string) string {
	s.t.Helper()
	var kept bytes.Buffer
	kept.WriteString(s.log.String())
	for _, id := range ids {
		snapshot, err := s.journal.Read(s.t.Context(), id)
		if err != nil {
			s.t.Fatal(err)
		}
		kept.WriteString(strings.Join(snapshot.Stored, "\n"))
		row, _ := json.Marshal(s.get(id))
		kept.Write(row)
	}
	for _, text := range texts {
		if strings.Contains(kept.String(), text) {
			return text
		}
	}
	return ""
}
