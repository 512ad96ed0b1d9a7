package journal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

const (
	confirmWithin = 5 * time.Second   // how long Redis may take to confirm a subscription
	watchedFor    = 3 * confirmWithin // how long a partition counts as watched
	sayEvery      = watchedFor / 3    // how often that is said again while it is
)

// watches are the watchers of one process. They share one connection, which subscribes to the channel of every task
// that is watched. While there is one, its partition has a key that says so: without it, operations are told to nobody.
type watches struct {
	commands sync.Mutex // keeps subscribing and unsubscribing in the order in which channels come and go
	pubsub   *redis.PubSub
	closed   bool
	lost     chan struct{} // has something when the connection was lost
	over     sync.WaitGroup

	mu       sync.Mutex
	channels map[string]*channel
	known    map[string]string // what the keys of watched partitions had
}

// channel is one that somebody watches: a task's, or the bell's of a queue.
type channel struct {
	watched   string // the key that says so, if there is to be one
	watchers  map[chan struct{}]struct{}
	confirmed chan struct{} // closed when Redis has confirmed the subscription
}

// Watch implements [saga.Journal]. After a lost connection every watcher is signalled once, for it may have missed
// something.
func (r *Redis) Watch(ctx context.Context, id string) (<-chan struct{}, error) {
	p := r.of(id)
	c, err := r.hear(ctx, p.journal(id), p.watched, "watch task", id)
	if err != nil {
		return nil, err
	}
	if r.watches.said(p.watched) {
		return c, nil
	}
	same, err := r.watches.say(ctx, r.client, p.watched)
	var refused redis.Error
	switch {
	case errors.As(err, &refused), err == nil && !same: // it may be full: then little happens, and this is tried again
		signal(r.watches.lost)
	case err != nil:
		r.watches.leave(p.journal(id), c)
		return nil, fail(ctx, "watch task", id, err)
	}
	return c, nil
}

// hear tells of what is published on a channel, while there is a key that says that somebody listens. Empty: none is needed.
func (r *Redis) hear(ctx context.Context, name, watched, doing, what string) (chan struct{}, error) {
	c := make(chan struct{}, 1)
	confirmed, err := r.watches.join(ctx, r.client, name, watched, c)
	if err != nil {
		return nil, fail(ctx, doing, what, err)
	}
	timer := time.NewTimer(confirmWithin)
	defer timer.Stop()
	select {
	case <-confirmed:
		context.AfterFunc(ctx, func() { r.watches.leave(name, c) })
		return c, nil
	case <-ctx.Done():
		err = fmt.Errorf("%s %s: %w", doing, what, ctx.Err())
	case <-timer.C:
		err = fmt.Errorf("%s %s: %w: no answer in %v", doing, what, saga.ErrUnavailable, confirmWithin)
	}
	r.watches.leave(name, c)
	return nil, err
}

// Close ends all watching. The journal can still be used for everything else.
func (r *Redis) Close() error {
	w := &r.watches
	w.commands.Lock()
	defer w.commands.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	if w.pubsub == nil {
		return nil
	}
	err := w.pubsub.Close()
	w.over.Wait()
	return err
}

// join adds a watcher, and subscribes to the channel if it is the first one.
func (w *watches) join(
	ctx context.Context, client redis.UniversalClient, name, watched string, c chan struct{},
) (<-chan struct{}, error) {
	w.commands.Lock()
	defer w.commands.Unlock()
	if w.closed {
		return nil, errors.New("the journal is closed")
	}
	if w.pubsub == nil {
		w.open(client)
	}
	w.mu.Lock()
	ch := w.channels[name]
	first := ch == nil
	if first {
		ch = &channel{watched: watched, watchers: map[chan struct{}]struct{}{}, confirmed: make(chan struct{})}
		w.channels[name] = ch
	}
	ch.watchers[c] = struct{}{}
	w.mu.Unlock()
	if !first {
		return ch.confirmed, nil
	}
	if err := w.pubsub.Subscribe(ctx, name); err != nil {
		w.mu.Lock()
		delete(w.channels, name)
		w.mu.Unlock()
		_ = w.pubsub.Unsubscribe(ctx, name) // so that a reconnection does not subscribe to it
		return nil, err
	}
	return ch.confirmed, nil
}

// open starts the receiver, and what says again and again which partitions are watched.
func (w *watches) open(client redis.UniversalClient) {
	w.channels, w.known, w.lost = map[string]*channel{}, map[string]string{}, make(chan struct{}, 1)
	w.pubsub = client.Subscribe(context.Background())
	// Subscriptions are confirmed anew after every reconnection.
	messages := w.pubsub.ChannelWithSubscriptions(redis.WithChannelHealthCheckInterval(confirmWithin))
	ctx, stop := context.WithCancel(context.Background())
	w.over.Go(func() {
		defer stop()
		for m := range messages {
			switch m := m.(type) {
			case *redis.Message:
				w.tell(m.Channel)
			case *redis.Subscription:
				if m.Kind == "subscribe" {
					w.confirm(m.Channel)
				}
			}
		}
	})
	w.over.Go(func() { w.keep(ctx, client) })
}

// confirm notes that Redis has confirmed a subscription. If it is not the first time, the connection was lost.
func (w *watches) confirm(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ch := w.channels[name]
	if ch == nil {
		return
	}
	select {
	case <-ch.confirmed:
	default:
		close(ch.confirmed)
		return
	}
	if ch.watched != "" {
		signal(w.lost)
	} else {
		ch.tell()
	}
}

// keep keeps the keys of watched partitions. When the connection or a key was lost, so may have been what happened meanwhile:
// every watcher is signalled, after the key is there.
func (w *watches) keep(ctx context.Context, client redis.UniversalClient) {
	timer := time.NewTicker(sayEvery)
	defer timer.Stop()
	missed := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-w.lost:
			missed = true
		}
		same, err := w.say(ctx, client, w.keys()...)
		missed = missed || err != nil || !same
		if missed && err == nil {
			missed = false
			w.tellAll()
		}
	}
}

// keys are those of the partitions that are watched here.
func (w *watches) keys() (keys []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.channels {
		if ch.watched != "" && !slices.Contains(keys, ch.watched) {
			keys = append(keys, ch.watched)
		}
	}
	return keys
}

// say writes keys that say that somebody watches, and tells whether they are those that this process knew. A key that was gone
// has another value, whoever wrote it again.
func (w *watches) say(ctx context.Context, client redis.UniversalClient, keys ...string) (same bool, err error) {
	values := make([]*redis.StringCmd, len(keys))
	_, err = client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, key := range keys {
			pipe.SetNX(ctx, key, rand.Text(), watchedFor)
			pipe.PExpire(ctx, key, watchedFor)
			values[i] = pipe.Get(ctx, key)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	same = true
	for i, key := range keys {
		value := values[i].Val()
		if known := w.known[key]; known != "" && known != value {
			same = false
		}
		if w.watched(key) {
			w.known[key] = value
		}
	}
	return same, nil
}

// said tells whether it need not be said for one more watcher: it was for another, and the key is kept. If Redis has lost it, every
// watcher is signalled when it is found out.
func (w *watches) said(key string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known[key] != ""
}

// watched tells whether there is a channel with a key. The lock is held.
func (w *watches) watched(key string) bool {
	for _, ch := range w.channels {
		if ch.watched == key {
			return true
		}
	}
	return false
}

func (w *watches) tell(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ch := w.channels[name]; ch != nil {
		ch.tell()
	}
}

func (w *watches) tellAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.channels {
		if ch.watched != "" {
			ch.tell()
		}
	}
}

func (c *channel) tell() {
	for watcher := range c.watchers {
		signal(watcher)
	}
}

// signal puts something into a channel, unless there is something in it already.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// leave removes a watcher, and the subscription with the last one.
func (w *watches) leave(name string, c chan struct{}) {
	w.commands.Lock()
	defer w.commands.Unlock()
	w.mu.Lock()
	ch := w.channels[name]
	if ch == nil {
		w.mu.Unlock()
		return
	}
	delete(ch.watchers, c)
	last := len(ch.watchers) == 0
	if last {
		delete(w.channels, name)
	}
	if last && !w.watched(ch.watched) {
		delete(w.known, ch.watched)
	}
	w.mu.Unlock()
	if last && !w.closed {
		ctx, cancel := context.WithTimeout(context.Background(), confirmWithin)
		defer cancel()
		_ = w.pubsub.Unsubscribe(ctx, name) // a lost connection has unsubscribed already
	}
}
