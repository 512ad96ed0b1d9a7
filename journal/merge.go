package journal

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// A merged call keeps Redis from everything else while it runs, and holds what it was given and answers all at once. What goes
// beyond this is a call of its own, in the same pipeline.
const (
	maxBytes  = 256 << 10 // of arguments
	maxClaims = 16        // each answers with a whole journal
)

// merged is one call of group.lua for operations on one partition.
type merged struct {
	list          []*script
	bytes, claims int
	cmd           *redis.Cmd
}

// merge puts scripts that are operations together, and leaves the others alone.
func merge(list []*script) (calls []*merged, others []*script) {
	open := map[any]*merged{} // by the first key of a partition
	for _, s := range list {
		args := s.cmd.Args()
		if len(args) < head+sharedKeys+ownKeys+1 || args[1] != groupScript.Hash() {
			others = append(others, s)
			continue
		}
		bytes, claims := weigh(args)
		m := open[args[head]]
		if m == nil || m.bytes+bytes > maxBytes || m.claims+claims > maxClaims {
			m = &merged{}
			open[args[head]], calls = m, append(calls, m)
		}
		m.list, m.bytes, m.claims = append(m.list, s), m.bytes+bytes, m.claims+claims
	}
	for _, m := range calls {
		m.join()
	}
	return calls, others
}

// weigh tells how much an operation adds to a call.
func weigh(args []any) (bytes, claims int) {
	for _, arg := range args {
		switch arg := arg.(type) {
		case string:
			bytes += len(arg)
		case []byte:
			bytes += len(arg)
		}
	}
	if _, rest := split(args); rest[0] == opClaim {
		claims = 1
	}
	return bytes, claims
}

// join makes the one call.
func (m *merged) join() {
	if len(m.list) == 1 {
		m.cmd = m.list[0].cmd
		return
	}
	list := make([][]any, len(m.list))
	for i, s := range m.list {
		list[i] = s.cmd.Args()
	}
	m.cmd = redis.NewCmd(context.Background(), joined(list...)...)
	m.cmd.SetFirstKeyPos(head)
}

// deal gives each operation its answer.
func (m *merged) deal() {
	if len(m.list) == 1 {
		return
	}
	answers, err := m.cmd.Slice()
	for _, s := range m.list {
		n := operations(s.cmd.Args())
		switch {
		case err != nil:
			s.cmd.SetErr(err)
		case n <= len(answers):
			s.cmd.SetVal(answers[:n])
			answers = answers[n:]
		}
	}
}
