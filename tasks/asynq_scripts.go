package tasks

import (
	"strings"

	"github.com/redis/go-redis/v9"
)

// dequeues tells whether a command is asynq's dequeue, and of which queue. Its arguments are evalsha, hash, number of keys,
// asynq:{queue}:pending, asynq:{queue}:paused, …
func dequeues(cmd redis.Cmder) (queue string, ok bool) {
	args := cmd.Args()
	if _, ok = cmd.(*redis.Cmd); !ok || len(args) < 5 || cmd.Name() != "evalsha" {
		return "", false
	}
	return queueOf(args[4], "}:paused")
}

// dequeued tells whether a command was asynq's dequeue though it did not come as such: it is sent as text when Redis does not know it.
func dequeued(cmd redis.Cmder) bool {
	args := cmd.Args()
	if c, ok := cmd.(*redis.Cmd); !ok || c.Val() == nil || len(args) < 5 || cmd.Name() != "eval" {
		return false
	}
	_, ok := queueOf(args[4], "}:paused")
	return ok
}

const (
	firstKey = 3 // where the keys of a script begin
	leaseArg = 7 // where a dequeue says how long its lease lasts
)

// mostKeys is how many keys asynq's scripts have at most that move tasks to pending. Those that count have more.
const mostKeys = 4

// fills tells whether a command that was carried out has given a queue work, and which. A script of asynq's that moves tasks
// to pending names where they come from, pending, and little else, and returns how many it has moved, or OK. The other way is
// to end a pause of asynq's.
func fills(cmd redis.Cmder) (queue string, ok bool) {
	args := cmd.Args()
	switch c := cmd.(type) {
	case *redis.IntCmd:
		if len(args) == 2 && c.Name() == "del" && c.Val() > 0 {
			return queueOf(args[1], "}:paused")
		}
	case *redis.Cmd:
		if len(args) < 5 || c.Name() != "evalsha" && c.Name() != "eval" {
			return "", false
		}
		if n, _ := args[2].(int); n < 2 || n > min(mostKeys, len(args)-3) || !moved(c.Val()) {
			return "", false
		}
		return pendingOf(args[3 : 3+args[2].(int)])
	}
	return "", false
}

// pendingOf finds the list of pending tasks among a script's keys. Where it comes first, tasks are taken from it.
func pendingOf(keys []any) (queue string, ok bool) {
	if first, _ := keys[0].(string); !strings.HasPrefix(first, asynqPrefix) {
		return "", false
	}
	for _, key := range keys[1:] {
		if queue, ok = queueOf(key, "}:pending"); ok {
			return queue, true
		}
	}
	return "", false
}

func moved(answer any) bool {
	n, isNumber := answer.(int64)
	return n > 0 || !isNumber && answer == "OK"
}

const asynqPrefix = "asynq:{"

// queueOf reads asynq:{queue}:…, of which rest is the end from the brace on.
func queueOf(key any, rest string) (queue string, ok bool) {
	text, _ := key.(string)
	if queue, ok = strings.CutSuffix(text, rest); !ok {
		return "", false
	}
	return strings.CutPrefix(queue, asynqPrefix)
}
