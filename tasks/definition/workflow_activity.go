package definition

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/osp-platform/osp/saga"
)

// callInput is the input of an activity's do and undo. It is made anew for each, and kept nowhere.
type callInput struct {
	Params json.RawMessage `json:"params,omitempty"`
	// Undo are the params of the activities that undo it; Error is why one cannot be made.
	Undo []undoInput `json:"undo,omitempty"`
}

type undoInput struct {
	Params json.RawMessage `json:"params,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// activity makes an activity with its undo.
func (b *builder) activity(n *node) (saga.Step, error) {
	action, err := b.activities.Action(n.Activity.Type)
	if err != nil {
		return saga.Step{}, err
	}
	irreversible, _ := n.irreversible()
	s := saga.Step{
		Kind: saga.KindActivity, Name: n.ID, Timeout: n.Activity.timeout(), Retry: n.Activity.retry(), OnError: b.d.onError(n),
		NoEffect: n.changes() == effectNone, Irreversible: irreversible,
	}
	s.Input = func(scope saga.Scope) (json.RawMessage, error) { return b.input(scope, n) }
	s.Do = func(ctx context.Context, c saga.Call, input json.RawMessage) (json.RawMessage, error) {
		in, err := readInput(input)
		if err != nil {
			return nil, err
		}
		return action.Do(ctx, c, in.Params)
	}
	switch {
	case len(n.undo) > 0:
		s.Undo, err = b.undo(n.undo)
		s.UndoTimeout, s.UndoRetry = longest(n.undo), n.undo[0].activity.given()
	case n.changes() == effectUndone:
		s.Undo = func(ctx context.Context, c saga.Call, input, output json.RawMessage) error {
			in, err := readInput(input)
			if err != nil {
				return err
			}
			return action.Undo(ctx, c, in.Params, output)
		}
	}
	return s, err
}

// cleanup is a step that does nothing, before all others, so that its undo comes after all others'.
func (b *builder) cleanup() (saga.Step, error) {
	n := &node{Step: &Step{ID: cleanupName}, compiled: compiled{params: params{value: literal{}}, undo: b.d.cleanup}}
	undo, err := b.undo(n.undo)
	return saga.Step{
		Kind: saga.KindActivity, Name: n.ID, Undo: undo, UndoTimeout: longest(n.undo), UndoRetry: n.undo[0].activity.given(),
		Input: func(scope saga.Scope) (json.RawMessage, error) { return b.input(scope, n) },
		Do: func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) {
			return nil, nil
		},
	}, err
}

// input fills in the params of the do, and those of the undo as far as is known now. What the undo lacks only matters
// once it is to be undone: the input is made again then.
func (b *builder) input(scope saga.Scope, n *node) (json.RawMessage, error) {
	bound := b.d.bind(scope, n)
	in := callInput{}
	var err error
	if in.Params, err = n.params.json(bound); err != nil {
		return nil, err
	}
	for _, u := range n.undo {
		params, err := u.params.json(bound)
		if err != nil {
			in.Undo = append(in.Undo, undoInput{Error: err.Error()})
			continue
		}
		in.Undo = append(in.Undo, undoInput{Params: params})
	}
	return marshal(in)
}

func readInput(raw json.RawMessage) (in callInput, err error) {
	if err := json.Unmarshal(raw, &in); err != nil {
		return in, saga.Permanent(fmt.Errorf("decode the input: %w", err))
	}
	return in, nil
}

// undo carries out activities one after the other. Each has a key of its own; when one fails all are tried again.
func (b *builder) undo(all []*undoing) (func(context.Context, saga.Call, json.RawMessage, json.RawMessage) error, error) {
	actions := make([]Action, len(all))
	for i, u := range all {
		var err error
		if actions[i], err = b.activities.Action(u.activity.Type); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, c saga.Call, input, _ json.RawMessage) error {
		in, err := readInput(input)
		if err != nil {
			return err
		}
		for i, u := range all {
			if reason := in.Undo[i].Error; reason != "" {
				return saga.Permanent(fmt.Errorf("the params of %s cannot be made: %s", u.name, reason))
			}
			each := c
			each.Key = c.Key + "/" + u.name
			if _, err := actions[i].Do(ctx, each, in.Undo[i].Params); err != nil {
				return fmt.Errorf("%s: %w", u.name, err)
			}
		}
		return nil
	}, nil
}
