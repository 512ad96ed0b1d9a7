package tasks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

const (
	// tellers is how many deliveries are started at once.
	tellers = 16
	// longAgo is after which time an event that is met again has most likely been told of, and whether it has is looked up: the
	// id of a delivery is not taken for ever.
	longAgo = time.Hour
)

// delivery is the input of a task of the type webhook.deliver: what is told, and to whom. What the task was like is not in
// it, so that nothing of a task that is deleted stays behind.
type webhookDelivery struct {
	Message string            `json:"message"` // webhook-id: the same for each attempt, and when it is sent once more
	Event   saga.WebhookEvent `json:"event"`
	At      time.Time         `json:"at"`
	Task    string            `json:"task,omitempty"` // none: it is a test
	Seq     int64             `json:"seq,omitempty"`  // of the event in the task's journal
	Webhook string            `json:"webhook,omitempty"`
	To      *saga.TaskWebhook `json:"to,omitempty"` // the task's own
}

// Tell starts what webhooks are to be told of tasks: as often as it is asked, each delivery is the same task. It returns the
// ids of tasks of which not all could be started: they are to be told of again. Of deliveries nothing is told.
func (w *Webhooks) Tell(ctx context.Context, news []saga.News) (left []string) {
	news = slices.DeleteFunc(slices.Clone(news), func(n saga.News) bool { return n.Created.Type == WebhookType })
	if len(news) == 0 {
		return nil
	}
	// Not what was heard a moment ago: a webhook may have been registered since, and whoever was told so is owed what came next.
	// Nor do clocks tell which came first, for the events have the journal's.
	hooks, err := w.ask(ctx)
	if err != nil {
		w.Log.WarnContext(ctx, "it is not known who is to be told of tasks, trying again", "error", err)
		for _, n := range news {
			left = append(left, n.Created.ID)
		}
		return left
	}
	var (
		mu    sync.Mutex
		why   error // of one of them: a line for each would drown the log
		all   sync.WaitGroup
		turns = make(chan struct{}, tellers)
	)
	for _, n := range news {
		for _, r := range deliveries(n, hooks) {
			turns <- struct{}{}
			all.Go(func() {
				defer func() { <-turns }()
				if err := w.start(ctx, r); err != nil {
					mu.Lock()
					defer mu.Unlock()
					left, why = append(left, n.Created.ID), err
				}
			})
		}
	}
	all.Wait()
	if why != nil {
		w.Log.WarnContext(ctx, "deliveries of webhooks are not started, trying again", "deliveries", len(left), "error", why)
	}
	slices.Sort(left)
	return slices.Compact(left)
}

// deliveries are the requests for what is to be told of a task.
func deliveries(n saga.News, hooks []saga.Webhook) (list []saga.Request) {
	c := n.Created
	for _, e := range n.Events {
		about := webhookDelivery{Event: e.Tells(), At: e.At, Task: c.ID, Seq: e.Seq}
		if own := c.Webhook; own != nil {
			d := about
			d.To = own
			list = append(list, d.request("task", c.Owner, c.Service, c.Queue, "host/"+hashOf(hostOf(own.URL))))
		}
		for i := range hooks {
			if hook := &hooks[i]; hook.Wants(c, e) {
				d := about
				d.Webhook = hook.ID
				// It is nobody's: who may cancel the task shall not keep its end from others.
				list = append(list, d.request(hook.ID, saga.NilOwner, c.Service, c.Queue, hook.ID))
			}
		}
	}
	return list
}

// hostOf is what the tasks' own webhooks share a limit by: who names many URLs of one host gets no more of it.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}

// request asks for a delivery. Its id follows from the event and from who is told.
func (d webhookDelivery) request(target, owner, service, queue, key string) saga.Request {
	id := hashOf(d.Task, d.Seq, d.Event, d.At.UnixMicro(), target)
	d.Message = "msg_" + id
	input, _ := json.Marshal(d) // texts, numbers and a time of this age
	return saga.Request{
		ID: id, Type: WebhookType, Input: input, Owner: owner, Service: service, Queue: queue, LimitKey: key, By: "osp", Own: true,
	}
}

// hashOf is short, and has no dash.
func hashOf(parts ...any) string {
	raw, _ := json.Marshal(parts)
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// start starts a delivery, if it has not been started before.
func (w *Webhooks) start(ctx context.Context, r saga.Request) error {
	var d webhookDelivery
	if err := json.Unmarshal(r.Input, &d); err != nil {
		return err
	}
	if w.Now().Sub(d.At) > longAgo {
		_, err := w.Tasks.Rows.Get(ctx, r.ID)
		if err == nil || !errors.Is(err, saga.ErrNotFound) {
			return err
		}
	}
	if _, ok := w.Tasks.Queues[r.Queue]; !ok { // the queues are others than when the task was started
		r.Queue = ""
	}
	c, err := w.Tasks.created(ctx, r)
	if err != nil {
		return fmt.Errorf("start task %s: %w", r.ID, err)
	}
	_, _, err = w.Tasks.start(ctx, saga.Start{Created: c, Given: w.Tasks.Restorer != nil})
	switch {
	case errors.Is(err, saga.ErrConflict): // by another release, which wrote it in another way
		return nil
	case errors.Is(err, saga.ErrNotFound): // it was started, and its row has been deleted since
		return nil
	}
	return err
}
