package journal

import (
	"context"
	"net"
	"runtime"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Settings of the group commit.
const (
	senders  = 2   // pipelines under way at once
	maxGroup = 128 // scripts in one pipeline
)

// GroupCommit makes scripts that wait at the same time travel together: those of all tasks of the process, and asynq's
// own, since it shares the client. Nothing is delayed: a script that comes alone goes out alone. The returned function
// ends it; after that, scripts travel one by one again.
func GroupCommit(client redis.UniversalClient) (stop func()) {
	g := &group{client: client, waiting: make(chan *script), stopped: make(chan struct{})}
	client.AddHook(g)
	for range senders {
		go g.send()
	}
	return func() { close(g.stopped) }
}

// group is a hook of go-redis.
type group struct {
	client  redis.UniversalClient
	waiting chan *script
	stopped chan struct{}
}

// script is a command that waits to be sent. It is a copy: whoever waits may give up before the answer comes.
type script struct {
	cmd  *redis.Cmd
	done chan struct{}
}

// DialHook implements redis.Hook.
func (g *group) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessPipelineHook implements redis.Hook.
func (g *group) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook implements redis.Hook.
func (g *group) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		original, ok := cmd.(*redis.Cmd)
		if !ok || cmd.Name() != "evalsha" || urgent(original.Args()) {
			return next(ctx, cmd)
		}
		s := &script{cmd: redis.NewCmd(context.Background(), original.Args()...), done: make(chan struct{})}
		s.cmd.SetFirstKeyPos(3)
		select {
		case g.waiting <- s:
		case <-g.stopped:
			return next(ctx, cmd)
		case <-ctx.Done():
			cmd.SetErr(ctx.Err())
			return ctx.Err()
		}
		select {
		case <-s.done:
		case <-ctx.Done():
			cmd.SetErr(ctx.Err())
			return ctx.Err()
		}
		val, err := s.cmd.Result()
		original.SetVal(val)
		original.SetErr(err)
		return err
	}
}

// urgent tells whether a script is asynq's dequeue. An asynq server takes one task per round trip, so this one does not
// wait for company. Its arguments are evalsha, hash, number of keys, asynq:{queue}:pending, asynq:{queue}:paused, …
func urgent(args []any) bool {
	if len(args) < 5 {
		return false
	}
	key, _ := args[4].(string)
	return strings.HasSuffix(key, ":paused")
}

// send takes what waits and sends it, again and again.
func (g *group) send() {
	list := make([]*script, 0, maxGroup)
	for {
		select {
		case <-g.stopped:
			return
		case s := <-g.waiting:
			runtime.Gosched() // who can run already may add a script
			list = g.collect(append(list[:0], s))
		}
		g.exec(list)
		for _, s := range list {
			close(s.done)
		}
	}
}

// exec sends scripts in one pipeline, those that can be merged as one.
func (g *group) exec(list []*script) {
	pipe := g.client.Pipeline()
	calls, others := merge(list)
	for _, s := range others {
		_ = pipe.Process(context.Background(), s.cmd) // a pipeline only keeps it
	}
	for _, m := range calls {
		_ = pipe.Process(context.Background(), m.cmd)
	}
	_, _ = pipe.Exec(context.Background()) // each command has its own error
	for _, m := range calls {
		m.deal()
	}
}

// collect adds what waits already.
func (g *group) collect(list []*script) []*script {
	for len(list) < maxGroup {
		select {
		case s := <-g.waiting:
			list = append(list, s)
		default:
			return list
		}
	}
	return list
}
