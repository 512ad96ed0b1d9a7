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
)

const (
	head       = 3 // arguments before the keys: EVALSHA, hash, number of keys
	sharedKeys = 7 // of group.lua
	ownKeys    = 3 // of each operation
)

// operation begins the arguments of EVALSHA for an operation on one task; n more are to be appended.
func operation(p *partition, name, id string, n int) []any {
	args := make([]any, 0, head+sharedKeys+ownKeys+2+n)
	args = append(args, "evalsha", groupScript.Hash(), sharedKeys+ownKeys)
	args = append(args, p.shared...)
	return append(args, p.journal(id), p.meta(id), p.tombstone(id), name, n)
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
			keys, rest := apart(args)
			answer, confirmed, err = r.witnessed(ctx, m, &witness{script: groupScript, mark: p.base + "sync", keys: keys, args: rest}, client)
			answer, err = only(answer, err)
			return answer, confirmed, err
		}
	}
	cmd := redis.NewCmd(ctx, args...)
	cmd.SetFirstKeyPos(head)
	err = r.client.Process(ctx, cmd)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		keys, rest := apart(args)
		cmd = groupScript.Eval(ctx, r.client, keys, rest...)
	}
	list, err := cmd.Slice()
	answer, err = only(list, err)
	return answer, true, err
}

// apart takes keys and the rest out of an operation's arguments.
func apart(args []any) (keys []string, rest []any) {
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

// mergeable tells whether a command is a call of group.lua.
func mergeable(cmd *redis.Cmd) bool {
	args := cmd.Args()
	return len(args) > sharedKeys+ownKeys+2 && args[1] == groupScript.Hash()
}

// merge makes one call of those that wait for the same partition.
func merge(list []*script) *redis.Cmd {
	if len(list) == 1 {
		return list[0].cmd
	}
	keys, size := sharedKeys, head+sharedKeys
	for _, s := range list {
		size += len(s.cmd.Args()) - head - sharedKeys
	}
	args := append(make([]any, 0, size), list[0].cmd.Args()[:head+sharedKeys]...)
	for _, s := range list {
		own := s.cmd.Args()[head+sharedKeys:][:s.keys()-sharedKeys]
		args, keys = append(args, own...), keys+len(own)
	}
	for _, s := range list {
		args = append(args, s.cmd.Args()[head+s.keys():]...)
	}
	args[2] = keys
	cmd := redis.NewCmd(context.Background(), args...)
	cmd.SetFirstKeyPos(head)
	return cmd
}

// keys is how many keys a script has.
func (s *script) keys() int {
	n, _ := s.cmd.Args()[2].(int)
	return n
}

// part gives each of those that were merged its answer.
func part(list []*script, merged *redis.Cmd) {
	if len(list) == 1 {
		return
	}
	answers, err := merged.Slice()
	for i, s := range list {
		switch {
		case err != nil:
			s.cmd.SetErr(err)
		case i < len(answers):
			s.cmd.SetVal(answers[i : i+1])
		}
	}
}
