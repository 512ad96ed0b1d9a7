package journal

import (
	"context"
	_ "embed"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/prelude.lua
var prelude string

//go:embed lua/shared.lua
var sharedLua string

//go:embed lua/group.lua
var groupLua string

//go:embed lua/start.lua
var startLua string

//go:embed lua/claim.lua
var claimLua string

//go:embed lua/renew.lua
var renewLua string

//go:embed lua/append.lua
var appendLua string

//go:embed lua/release.lua
var releaseLua string

//go:embed lua/post.lua
var postLua string

//go:embed lua/take.lua
var takeLua string

//go:embed lua/snapshot.lua
var snapshotLua string

//go:embed lua/clean.lua
var cleanLua string

//go:embed lua/letgo.lua
var letgoLua string

//go:embed lua/forget.lua
var forgetLua string

//go:embed lua/bury.lua
var buryLua string

//go:embed lua/letters.lua
var lettersLua string

//go:embed lua/resend.lua
var resendLua string

//go:embed lua/erase.lua
var eraseLua string

//go:embed lua/delivered.lua
var deliveredLua string

//go:embed lua/restore.lua
var restoreLua string

//go:embed lua/life.lua
var lifeLua string

//go:embed lua/room.lua
var roomLua string

//go:embed lua/turn.lua
var turnLua string

//go:embed lua/hold.lua
var holdLua string

//go:embed lua/feed.lua
var feedLua string

//go:embed lua/mark.lua
var markLua string

//go:embed lua/whole.lua
var wholeLua string

//go:embed lua/tick.lua
var tickLua string

//go:embed lua/pause.lua
var pauseLua string

//go:embed lua/park.lua
var parkLua string

//go:embed lua/unpark.lua
var unparkLua string

//go:embed lua/tally.lua
var tallyLua string

var (
	groupScript     = newScript(tallyLua + sharedLua + startLua + claimLua + appendLua + holdLua + groupLua)
	renewScript     = newScript(renewLua)
	releaseScript   = newScript(releaseLua)
	postScript      = newScript(postLua)
	takeScript      = newScript(takeLua)
	snapshotScript  = newScript(snapshotLua)
	cleanScript     = newScript(cleanLua)
	letgoScript     = newScript(letgoLua)
	forgetScript    = newScript(forgetLua)
	buryScript      = newScript(buryLua)
	lettersScript   = newScript(lettersLua)
	resendScript    = newScript(resendLua)
	eraseScript     = newScript(eraseLua)
	deliveredScript = newScript(deliveredLua)
	restoreScript   = newScript(restoreLua)
	lifeScript      = newScript(lifeLua)
	wholeScript     = newScript(wholeLua)
	roomScript      = newScript(roomLua)
	turnScript      = newScript(turnLua)
	markScript      = newScript(markLua)
	feedScript      = newScript(feedLua)
	tickScript      = newScript(tickLua)
	pauseScript     = newScript(pauseLua)
	parkScript      = newScript(parkLua)
	unparkScript    = newScript(unparkLua)
)

func newScript(lua string) *redis.Script { return redis.NewScript(prelude + lua) }

// call is one run of a script.
type call struct {
	keys []string
	args []any
}

// run runs a script, by its hash if Redis knows it already.
func (r *Redis) run(ctx context.Context, s *redis.Script, keys []string, args ...any) (reply, error) {
	list, err := s.Run(ctx, r.client, keys, args...).Slice()
	return reply(list), err
}

// runAll runs a script many times in one round trip. What it answers does not matter.
func (r *Redis) runAll(ctx context.Context, s *redis.Script, calls []call) error {
	answers := make([]*redis.Cmd, len(calls))
	todo := make([]int, len(calls))
	for i := range calls {
		todo[i] = i
	}
	for len(todo) > 0 {
		// Errors come with their commands, below.
		_, _ = r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, i := range todo {
				answers[i] = s.EvalSha(ctx, p, calls[i].keys, calls[i].args...)
			}
			return nil
		})
		var unknown []int
		for _, i := range todo {
			switch err := answers[i].Err(); {
			case err == nil:
			case redis.HasErrorPrefix(err, "NOSCRIPT"):
				unknown = append(unknown, i)
			default:
				return err
			}
		}
		if todo = unknown; len(todo) > 0 { // the first one teaches its node the script
			i := todo[0]
			if err := s.Eval(ctx, r.client, calls[i].keys, calls[i].args...).Err(); err != nil {
				return err
			}
			todo = todo[1:]
		}
	}
	return nil
}

// reply is a script's answer. What is missing or of another type reads as zero: only our own scripts answer.
type reply []any

func (r reply) int(i int) int64 {
	if i >= len(r) {
		return 0
	}
	n, _ := r[i].(int64)
	return n
}

func (r reply) text(i int) string {
	if i >= len(r) {
		return ""
	}
	s, _ := r[i].(string)
	return s
}

func (r reply) list(i int) reply {
	if i >= len(r) {
		return nil
	}
	l, _ := r[i].([]any)
	return l
}

// prefixes of errors that mean: try again later.
var unavailable = []string{
	"LOADING", "READONLY", "OOM", "CLUSTERDOWN", "MASTERDOWN", "NOREPLICAS", "MISCONF", "MOVED", "ASK", "TRYAGAIN", "BUSY", "ERR max number of clients",
}

// refuses tells whether an answer of Redis means that it does not work at the moment. An error inside a script may
// be wrapped in another one, before Redis 7.
func refuses(message string) bool {
	for _, prefix := range unavailable {
		if strings.HasPrefix(message, prefix+" ") || strings.Contains(message, ": -"+prefix+" ") || message == prefix {
			return true
		}
	}
	return false
}
