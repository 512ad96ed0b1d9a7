package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

// confirmWithin is how long Redis may take to confirm a subscription.
const confirmWithin = 5 * time.Second

// watches are the watchers of one process. They share one connection, which subscribes to the channel of every task
// that is watched.
type watches struct {
	commands sync.Mutex // keeps subscribing and unsubscribing in the order in which channels come and go
	pubsub   *redis.PubSub
	closed   bool
	over     chan struct{} // closed when the receiver has returned

	mu       sync.Mutex
	channels map[string]*channel
}

// channel is one watched task.
type channel struct {
	watchers  map[chan struct{}]struct{}
	confirmed chan struct{} // closed when Redis has confirmed the subscription
}

// Watch implements [saga.Journal]. After a lost connection every watcher is signalled once, for it may have missed
// something.
func (r *Redis) Watch(ctx context.Context, id string) (<-chan struct{}, error) {
	return r.hear(ctx, r.of(id).journal(id), "watch task", id)
}

// hear tells of what is published on a channel.
func (r *Redis) hear(ctx context.Context, name, doing, what string) (<-chan struct{}, error) {
	c := make(chan struct{}, 1)
	confirmed, err := r.watches.join(ctx, r.client, name, c)
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
	<-w.over
	return err
}

// join adds a watcher, and subscribes to the channel if it is the first one.
func (w *watches) join(ctx context.Context, client redis.UniversalClient, name string, c chan struct{}) (<-chan struct{}, error) {
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
		ch = &channel{watchers: map[chan struct{}]struct{}{}, confirmed: make(chan struct{})}
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

// open starts the receiver.
func (w *watches) open(client redis.UniversalClient) {
	w.channels, w.over = map[string]*channel{}, make(chan struct{})
	w.pubsub = client.Subscribe(context.Background())
	// Subscriptions are confirmed anew after every reconnection.
	messages := w.pubsub.ChannelWithSubscriptions(redis.WithChannelHealthCheckInterval(confirmWithin))
	go func() {
		defer close(w.over)
		for m := range messages {
			switch m := m.(type) {
			case *redis.Message:
				w.tell(m.Channel, false)
			case *redis.Subscription:
				if m.Kind == "subscribe" {
					w.tell(m.Channel, true)
				}
			}
		}
	}()
}

// tell signals the watchers of a channel. The first confirmation of its subscription is no signal; later ones are,
// for they mean that the connection was lost.
func (w *watches) tell(name string, confirmation bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ch := w.channels[name]
	if ch == nil {
		return
	}
	if confirmation {
		select {
		case <-ch.confirmed:
		default:
			close(ch.confirmed)
			return
		}
	}
	for c := range ch.watchers {
		select {
		case c <- struct{}{}:
		default:
		}
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
	w.mu.Unlock()
	if last && !w.closed {
		ctx, cancel := context.WithTimeout(context.Background(), confirmWithin)
		defer cancel()
		_ = w.pubsub.Unsubscribe(ctx, name) // a lost connection has unsubscribed already
	}
}
