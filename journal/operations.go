package journal

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Operations of group.lua: they may travel together, and then are one script (see [GroupCommit]).
const (
	opStart  = "start"
	opClaim  = "claim"
	opAppend = "append"
	opHold   = "hold"
)

const (
	head       = 3 // arguments before the keys: EVALSHA, hash, number of keys
	sharedKeys = 7 // of group.lua
	ownKeys    = 3 // of each operation
)

// operation begins the arguments of EVALSHA for an operation on one task; n more are to be appended. What is the same each time,
// such as the operation's name, comes as an argument of a command is kept: so it need not be made one again.
func operation(p *partition, name any, id string, n int) []any {
	journal, meta, tombstone := p.keys(id)
	return operationOn(p, name, journal, meta, tombstone, n)
}

// operationOn is an operation that needs other keys.
func operationOn(p *partition, name any, first, second, third string, n int) []any {
	args := append(make([]any, 0, head+sharedKeys+ownKeys+2+n), p.shared...)
	return append(args, first, second, third, name, n)
}

// operate runs one operation, and confirms it where that is asked for: a client's, or a runner's.
func (r *Redis) operate(
	ctx context.Context, p *partition, confirm, client bool, args []any,
) (answer reply, confirmed bool, err error) {
	if confirm {
		switch m, wanted, err := r.wanted(ctx, p); {
		case err != nil:
			return nil, false, err
		case wanted:
			keys, rest := split(args)
			answer, confirmed, err = r.witnessed(ctx, m, &witness{script: groupScript, mark: p.base + "sync", keys: keys, args: rest}, client)
			answer, err = only(answer, err)
			return answer, confirmed, err
		}
	}
	cmd := redis.NewCmd(ctx, args...)
	cmd.SetFirstKeyPos(head)
	err = r.client.Process(ctx, cmd)
	if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
		keys, rest := split(args)
		cmd = groupScript.Eval(ctx, r.client, keys, rest...)
	}
	list, err := cmd.Slice()
	answer, err = only(list, err)
	return answer, true, err
}

// split takes keys and the rest out of an operation's arguments.
func split(args []any) (keys []string, rest []any) {
	for _, key := range args[head:][:sharedKeys+ownKeys] {
		keys = append(keys, key.(string))
	}
	return keys, args[head+sharedKeys+ownKeys:]
}

// broken is what a script says of a task whose keys are not as they should be.
type broken string

func (b broken) Error() string { return string(b) }

// RedisError implements [redis.Error].
func (broken) RedisError() {}

var _ redis.Error = broken("")

// only is the answer to the only operation of a call.
func only(answers reply, err error) (reply, error) {
	answer := answers.list(0)
	if err == nil && answer.int(0) == -1 {
		err = broken(answer.text(1))
	}
	return answer, err
}
