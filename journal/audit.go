package journal

import (
	"context"
	_ "embed"
	"encoding/json"

	"github.com/osp-platform/osp/saga"
)

// Actions that people take are appended to one stream, from where they are carried to the result store.

//go:embed lua/note.lua
var noteLua string

var noteScript = newScript(noteLua)

func (r *Redis) audit() string { return r.o.Prefix + ":audit" }

const actionField = "a"

// NoteAction appends an action to the audit. Like a cancel, the note of what is about to be done waits for a replica if
// replicas are required: no failover keeps the one and loses the other.
func (r *Redis) NoteAction(ctx context.Context, a saga.Action) error {
	raw, err := json.Marshal(a)
	if err != nil {
		return sentence("note the action", a.ID, err)
	}
	if a.Outcome == saga.OutcomeBegun {
		of := &partition{base: "{" + r.audit() + "}"} // on a cluster, keys with this tag are where the stream is
		_, err = r.accept(ctx, of, true, noteScript, []string{r.audit()}, raw)
	} else {
		_, err = r.run(ctx, noteScript, []string{r.audit()}, raw)
	}
	if err != nil {
		return fail(ctx, "note the action", a.ID, err)
	}
	return nil
}

// NotedActions returns actions that were noted after a place (empty: from the first on), each with its own place. One that
// cannot be read, for a newer release wrote it, has no id.
func (r *Redis) NotedActions(ctx context.Context, after string, limit int) (actions []saga.Action, places []string, err error) {
	from := "-"
	if after != "" {
		from = "(" + after
	}
	list, err := r.client.XRangeN(ctx, r.audit(), from, "+", int64(limit)).Result()
	if err != nil {
		return nil, nil, fail(ctx, "read the audit", "", err)
	}
	for _, m := range list {
		var a saga.Action
		raw, _ := m.Values[actionField].(string)
		if json.Unmarshal([]byte(raw), &a) != nil {
			a = saga.Action{}
		}
		actions, places = append(actions, a), append(places, m.ID)
	}
	return actions, places, nil
}

// ForgetActions takes actions out that have been carried away.
func (r *Redis) ForgetActions(ctx context.Context, places []string) error {
	if len(places) == 0 {
		return nil
	}
	if err := r.client.XDel(ctx, r.audit(), places...).Err(); err != nil {
		return fail(ctx, "shorten the audit", "", err)
	}
	return nil
}
