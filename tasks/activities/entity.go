package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/osp-platform/osp/internal/sentence"
	"github.com/osp-platform/osp/saga"
)

// entityParams are the params of the activities on rows, each with its part of them.
type entityParams struct {
	Entity  string          `json:"entity"`
	ID      string          `json:"id,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
	Filters json.RawMessage `json:"filters,omitempty"`
	Limit   int             `json:"limit,omitempty"`
}

// entityArgs are the args of the effects on rows: those of the service that the task belongs to, and of its owner.
type entityArgs struct {
	Schema string `json:"schema"`
	UserID string `json:"user_id"`
	entityParams
}

// rowAction is one effect on one row. Its output is a part of the effect's answer.
func (a *Activities) rowAction(typeName, effect, answer string) action {
	return action{
		do: func(ctx context.Context, c saga.Call, params json.RawMessage) (json.RawMessage, error) {
			if err := a.checkRow(typeName, c, params); err != nil {
				return nil, err
			}
			out, err := a.rowEffect(ctx, fence(c), effect, c, params)
			if err != nil {
				return nil, err
			}
			return part(out, answer)
		},
		undo: func(ctx context.Context, c saga.Call, params, _ json.RawMessage) error {
			_, err := a.rowEffect(ctx, c.Fence(), effect, c, params)
			return err
		},
	}
}

// checkRow holds params to the schema of the task type that does the same.
func (a *Activities) checkRow(typeName string, c saga.Call, params json.RawMessage) error {
	err := a.Types.Validate(saga.Request{Type: typeName, Service: c.Task.Service, Input: params})
	if invalid, ok := errors.AsType[*saga.InvalidError](err); ok {
		return refuse("", "%s", strings.ReplaceAll(invalid.Error(), "/input", "/params"))
	}
	return err
}

func (a *Activities) rowEffect(ctx context.Context, f saga.Fence, effect string, c saga.Call, params json.RawMessage) (json.RawMessage, error) {
	given, err := decode[entityParams](params)
	if err != nil {
		return nil, err
	}
	return a.effect(ctx, f, effect, entityArgs{Schema: c.Task.Service, UserID: c.Task.Owner, entityParams: given})
}

func (a *Activities) effect(ctx context.Context, f saga.Fence, effect string, args any) (json.RawMessage, error) {
	raw, err := encode(args)
	if err != nil {
		return nil, err
	}
	out, err := a.Effects.Apply(ctx, f, effect, raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", effect, err)
	}
	return out, nil
}

// fence identifies the effect of an activity. One that compensates a step changes something by itself: it does not take
// the step's own effect back, and has a fence of its own.
func fence(c saga.Call) saga.Fence {
	if !c.Undo {
		return c.Fence()
	}
	return c.Fence().Part("undo/" + c.Key[strings.LastIndexByte(c.Key, '/')+1:])
}

// query reads rows: with an id the one that has it, else {"rows"}.
func (a *Activities) query(ctx context.Context, c saga.Call, params json.RawMessage) (json.RawMessage, error) {
	given, err := decode[entityParams](params)
	switch {
	case err != nil:
		return nil, err
	case given.Entity == "":
		return nil, refuse("/entity", "this is missing: name the table")
	case given.Data != nil:
		return nil, refuse("/data", "this is not known here: write filters")
	case given.ID != "" && given.Filters != nil:
		return nil, refuse("/filters", "there is an id, which says which row is meant: keep one of the two")
	}
	id := given.ID
	if id != "" {
		if given.Filters, err = encode(map[string]string{"id": id}); err != nil {
			return nil, err
		}
		given.ID, given.Limit = "", 1
	}
	out, err := a.effect(ctx, c.Fence(), "entity.query", entityArgs{Schema: c.Task.Service, UserID: c.Task.Owner, entityParams: given})
	if err != nil || id == "" {
		return out, err
	}
	return only(out, given.Entity, id)
}

// only is the row among those found.
func only(found json.RawMessage, entity, id string) (json.RawMessage, error) {
	var answer struct {
		Rows []json.RawMessage `json:"rows"`
	}
	if err := json.Unmarshal(found, &answer); err != nil {
		return nil, fmt.Errorf("decode the rows: %w", err)
	}
	if len(answer.Rows) == 0 {
		return nil, refuse("/id", "this user has no %s %q; where that may be, ask by filters, and look at rows", entity, sentence.Shorten(id, 80))
	}
	return answer.Rows[0], nil
}

// part is one member of an object.
func part(object json.RawMessage, name string) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return nil, fmt.Errorf("decode the answer: %w", err)
	}
	return members[name], nil
}
