package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Effects changes a user's database. The result stores implement it.
//
// An effect happens once for a fence, however often Apply is called: a replay is answered with the first result. With
// f.Undo it is taken back, given the same args; an undo of what never happened succeeds, and refuses a do that comes
// later with [saga.ErrUndone]. Errors come classified by [saga.Permanent], [saga.RetryAfter] and [saga.Definite].
//
// The effects, their args and their results, as JSON:
//
//	service.reserve    {schema, name, user_id}                        → {schema}
//	service.register   {schema, name, user_id, entities}              → {service_id}
//	schema.create      {schema, user_id}                              → {}
//	tables.create      {schema, user_id, entities:[{name, attributes}]} → {tables}
//	security.enable    {schema, user_id, entities}                    → {}
//	keys.create        {schema, user_id, entities:[{name, relationships}]} → {}
//	rows.insert        {schema, user_id, rows:{entity:[{…}]}}         → {inserted}
//	manifest.store     {schema, user_id, manifest, by}                → {version}
//	manifest.activate  {schema, user_id, version, by}                 → {version}
//	entity.insert      {schema, entity, user_id, data}                → {row}
//	entity.update      {schema, entity, user_id, id, data}            → {before, after}
//	entity.delete      {schema, entity, user_id, id}                  → {before}
type Effects interface {
	Apply(ctx context.Context, f saga.Fence, effect string, args json.RawMessage) (json.RawMessage, error)
}

// The result store may be away for minutes: its effects are tried for about ten, and their undos for most of a day,
// before a task is compensated, or stuck, for that. A refusal is final at once.
var (
	effectRetry     = saga.Retry{Attempts: 25, First: time.Second, Factor: 2, Max: 30 * time.Second, Jitter: 0.2}
	effectUndoRetry = saga.Retry{Attempts: 1000, First: time.Second, Factor: 2, Max: time.Minute, Jitter: 0.2}
)

// effectTimeout is how long one attempt at an effect may take. OSP's activities had 30 s.
const effectTimeout = 30 * time.Second

// effectStep is a step whose do is an effect, and whose undo is the same effect taken back. args is a pure function.
func effectStep[A any](e Effects, name, effect string, args func(saga.Scope) (A, error)) saga.Step {
	apply := func(ctx context.Context, c saga.Call, args json.RawMessage) (json.RawMessage, error) {
		out, err := e.Apply(ctx, c.Fence(), effect, args)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", effect, err)
		}
		return out, nil
	}
	return saga.Step{
		Kind: saga.KindActivity, Name: name, Timeout: effectTimeout, UndoTimeout: effectTimeout,
		Retry: effectRetry, UndoRetry: effectUndoRetry,
		Input: func(s saga.Scope) (json.RawMessage, error) {
			a, err := args(s)
			if err != nil {
				return nil, err
			}
			return json.Marshal(a)
		},
		Do: apply,
		Undo: func(ctx context.Context, c saga.Call, args, _ json.RawMessage) error {
			_, err := apply(ctx, c, args)
			return err
		},
	}
}
