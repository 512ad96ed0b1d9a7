package crashpoints

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// broken is a rule of the design, a script in which it does not hold, and where that shows.
type broken struct {
	rule     string
	script   string
	old, new string // what stands in the script, and what stands there instead
	scenario string
	shows    []met
}

// met is a fault at the places of a call, whoever makes it.
type met struct {
	fault fault
	call  string
	after bool
}

var brokenRules = []broken{
	{
		rule: "an append carries its epoch", script: "append",
		old:      `if m[1] ~= ARGV[o + 4] or m[2] ~= ARGV[o + 2] then return {0} end`,
		scenario: "a step longer than a lease", shows: []met{{late, "append", false}},
	},
	{
		rule: "a fresh lease keeps others out", script: "claim",
		old: `local left = tonumber(m[3]) - now`, new: `local left = 0`,
		scenario: "three steps", shows: []met{{echo, "append", false}},
	},
	{
		rule: "only a claim clears the wake mark", script: "take",
		old:      `redis.call('ZADD', KEYS[1], unpack(marks, i, math.min(i + 999, #marks)))`,
		new:      `if not string.find(KEYS[1], ':wake$') then redis.call('ZADD', KEYS[1], unpack(marks, i, math.min(i + 999, #marks))) end`,
		scenario: "waits for a signal", shows: []met{{crash, "post", true}, {crash, "sweep of wake marks", true}},
	},
	{
		rule: "a message without a lease leaves a wake mark", script: "post",
		old:      `if tonumber(m[2]) <= now then redis.call('ZADD', KEYS[5], 'NX', at, id) end`,
		scenario: "waits for a signal", shows: []met{{crash, "post", true}},
	},
	{
		rule: "a dirty mark stays until the row is written", script: "take",
		old:      `redis.call('ZADD', KEYS[1], unpack(marks, i, math.min(i + 999, #marks)))`,
		new:      `if not string.find(KEYS[1], ':dirty$') then redis.call('ZADD', KEYS[1], unpack(marks, i, math.min(i + 999, #marks))) end`,
		scenario: "one step", shows: []met{{crash, "sweep of dirty tasks", true}},
	},
	{
		rule: "a dirty mark is cleared for its own version only", script: "clean",
		old: `elseif version ~= written and marked == 1 then`, new: `elseif false then`,
		scenario: "waits for a timer", shows: []met{{late, "save", false}},
	},
	{
		rule: "nothing is decided on a stale read", script: "append",
		old: `local decided = length == read`, new: `local decided = true`,
		scenario: "three steps", shows: []met{{cancel, "append", false}},
	},
	{
		rule: "an open task is looked after", script: "claim",
		old: `look(id, lease)`, new: `closed[#closed + 1] = id`,
		scenario: "one step", shows: []met{{crash, "claim", true}},
	},
}

func TestEveryBrokenRuleIsCaught(t *testing.T) {
	for _, b := range brokenRules {
		t.Run(b.rule, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(corpus, func(s scenario) bool { return s.name == b.scenario })
			x := newExplorer(t, corpus[i], b.opener(t))
			x.search(nil, x.try(nil).places, b.shows)
			if x.found == "" {
				t.Errorf("nothing shows that %q does not hold", b.rule)
			}
			t.Log(x.found)
		})
	}
}

func TestGuaranteesTellOfEveryBrokenRule(t *testing.T) {
	text := read(t)
	for _, b := range brokenRules {
		if !strings.Contains(text, "\n| "+b.rule+" | `"+b.script+".lua` |") || !strings.Contains(text, "*"+b.scenario+"*") {
			t.Errorf("%s does not tell what shows that %q is broken", guarantees, b.rule)
		}
	}
}

// search tries the faults one after another, at every place where they may be met, until something goes wrong.
func (x *explorer) search(p plan, places []place, faults []met) {
	from := 0
	if len(p) > 0 {
		from = p[len(p)-1].at + 1
	}
	for i := from; i < len(places) && x.found == ""; i++ {
		if m := faults[0]; places[i].call != m.call || places[i].after != m.after {
			continue
		}
		longer := append(slices.Clone(p), hit{i, faults[0].fault})
		if o := x.try(longer); len(faults) > 1 {
			x.search(longer, o.places, faults[1:])
		}
	}
}

// opener opens journals in which the rule does not hold.
func (b broken) opener(t *testing.T) opener {
	t.Helper()
	read := func(name string) string {
		raw, err := os.ReadFile("../../journal/lua/" + name + ".lua")
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	files := []string{"prelude", b.script}
	if operations := []string{"start", "claim", "append", "hold"}; slices.Contains(operations, b.script) {
		files = slices.Concat([]string{"prelude", "tally", "shared"}, operations, []string{"group"})
	}
	whole := ""
	for _, file := range files {
		whole += read(file)
	}
	if strings.Count(whole, b.old) != 1 {
		t.Fatalf("%s.lua has not once: %s", b.script, b.old)
	}
	sum := sha1.Sum([]byte(whole))
	hook := swap{hex.EncodeToString(sum[:]), strings.Replace(whole, b.old, b.new, 1)}
	return func(t *testing.T) ledger { return onRedis(t, hook) }
}

// swap is a hook of go-redis that runs another script in the place of one.
type swap struct{ sha, script string }

func (s swap) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (s swap) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (s swap) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if args := cmd.Args(); len(args) > 1 && args[0] == "evalsha" && args[1] == s.sha {
			args[0], args[1] = "eval", s.script
		}
		return next(ctx, cmd)
	}
}
