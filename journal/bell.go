package journal

import "context"

// bellPrefix begins the channel on which processes tell each other that a queue has work.
const bellPrefix = "osp:bell:"

// Ring tells every process that listens that there is work in a queue.
func (r *Redis) Ring(ctx context.Context, queue string) error {
	if err := r.client.Publish(ctx, bellPrefix+queue, "").Err(); err != nil {
		return fail(ctx, "ring the bell of queue", queue, err)
	}
	return nil
}

// Listen tells of every Ring until ctx is done; those that come in a burst are told once. After a lost connection it tells once
// more, for it may have missed one.
func (r *Redis) Listen(ctx context.Context, queue string) (<-chan struct{}, error) {
	return r.hear(ctx, bellPrefix+queue, "", "listen to queue", queue)
}
