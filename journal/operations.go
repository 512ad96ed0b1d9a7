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

// joined are the arguments for operations on one partition that are one call. What each has of its own comes after what they share.
func joined(list ...[]any) []any {
	size, keys := head+sharedKeys, 0
	for _, args := range list {
		size += len(args) - head - sharedKeys
		keys += args[head-1].(int) - sharedKeys
	}
	all := append(make([]any, 0, size), list[0][:head+sharedKeys]...)
	all[head-1] = sharedKeys + keys
	for _, args := range list {
		own, _ := split(args)
		all = append(all, own[sharedKeys:]...)
	}
	for _, args := range list {
		_, rest := split(args)
		all = append(all, rest...)
	}
	return all
}

// split takes the keys and the rest out of a call's arguments.
func split(args []any) (keys, rest []any) {
	return args[head : head+args[head-1].(int)], args[head+args[head-1].(int):]
}

// operations is how many a call has.
func operations(args []any) int { return (args[head-1].(int) - sharedKeys) / ownKeys }

// operate runs one operation, and confirms it where that is asked for: a client's, or a runner's.
func (r *Redis) operate(
	ctx context.Context, p *partition, confirm, client bool, args []any,
) (answer reply, confirmed bool, err error) {
	answers, confirmed, err := r.operateAll(ctx, p, confirm, client, args)
	answer, err = answers.of(0, err)
	return answer, confirmed, err
}

// operateAll runs several.
func (r *Redis) operateAll(
	ctx context.Context, p *partition, confirm, client bool, args []any,
) (answers reply, confirmed bool, err error) {
	if confirm {
		switch m, wanted, err := r.wanted(ctx, p); {
		case err != nil:
			return nil, false, err
		case wanted:
			keys, rest := split(args)
			return r.witnessed(ctx, m, &witness{script: groupScript, mark: p.base + "sync", keys: texts(keys), args: rest}, client)
		}
	}
	cmd := redis.NewCmd(ctx, args...)
	cmd.SetFirstKeyPos(head)
	err = r.client.Process(ctx, cmd)
	if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
		keys, rest := split(args)
		cmd = groupScript.Eval(ctx, r.client, texts(keys), rest...)
	}
	list, err := cmd.Slice()
	return list, true, err
}

func texts(keys []any) []string {
	list := make([]string, len(keys))
	for i, key := range keys {
		list[i] = key.(string)
	}
	return list
}

// broken is what a script says of a task whose keys are not as they should be.
type broken string

func (b broken) Error() string { return string(b) }

// RedisError implements [redis.Error].
func (broken) RedisError() {}

var _ redis.Error = broken("")

// of is the answer to the i-th operation of a call.
func (r reply) of(i int, err error) (reply, error) {
	answer := r.list(i)
	if err == nil && answer.int(0) == -1 {
		err = broken(answer.text(1))
	}
	return answer, err
}
