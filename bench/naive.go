package main

import (
	"context"

	"github.com/hibiken/asynq"
)

// naive is the throughput of sagas as chains of asynq tasks, each of which enqueues the next: three forward, or six where
// three more undo. Nothing is recorded but what asynq keeps.
func (d *database) naive(ctx context.Context, s settings, links int) (outcome, error) {
	slots := make(chan struct{}, s.inFlight)
	server, client, err := d.chain(s, links, func() { <-slots })
	if err != nil {
		return outcome{}, err
	}
	defer server.Shutdown()
	return d.closedLoop(ctx, s, slots, func(int) error { return enqueueLink(ctx, client, 1, make([]byte, 200)) })
}

func (d *database) naiveLone(ctx context.Context, s settings) ([]float64, error) {
	done := make(chan struct{})
	server, client, err := d.chain(s, 3, func() { done <- struct{}{} })
	if err != nil {
		return nil, err
	}
	defer server.Shutdown()
	return oneByOne(ctx, s.lone, func(int) error { return enqueueLink(ctx, client, 1, make([]byte, 200)) }, done)
}

// chain runs the links of chains; done is told of each last one.
func (d *database) chain(s settings, links int, done func()) (*asynq.Server, *asynq.Client, error) {
	client := asynq.NewClientFromRedisClient(d.raw)
	server, err := d.rawServer(s, func(ctx context.Context, t *asynq.Task) error {
		link := int(t.Payload()[0])
		if link == links {
			done()
			return nil
		}
		return enqueueLink(ctx, client, link+1, t.Payload())
	})
	return server, client, err
}

// enqueueLink passes the payload on; its first byte says which link it is for.
func enqueueLink(ctx context.Context, client *asynq.Client, link int, payload []byte) error {
	payload[0] = byte(link)
	_, err := client.EnqueueContext(ctx, asynq.NewTask("link", payload))
	return err
}
