package saga

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Activity is a leaf with typed input and output. The zero value of every field but Name and Do is fine.
type Activity[In, Out any] struct {
	Name string
	// Input makes the input from what is known so far; nil takes the task's input. It must be a pure function.
	Input func(Scope) (In, error)
	Do    func(ctx context.Context, c Call, in In) (Out, error)
	// Undo gets what Do returned, or nil when that is not known.
	Undo func(ctx context.Context, c Call, in In, out *Out) error

	Retry        Retry
	UndoRetry    Retry
	Timeout      time.Duration
	UndoTimeout  time.Duration
	OnError      OnError
	Irreversible bool
	NoEffect     bool
}

// Step returns the activity as a node of the tree.
func (a Activity[In, Out]) Step() Step {
	s := Step{
		Kind: KindActivity, Name: a.Name, Retry: a.Retry, UndoRetry: a.UndoRetry, Timeout: a.Timeout,
		UndoTimeout: a.UndoTimeout, OnError: a.OnError, Irreversible: a.Irreversible, NoEffect: a.NoEffect,
	}
	if a.Input != nil {
		s.Input = func(scope Scope) (json.RawMessage, error) {
			in, err := a.Input(scope)
			if err != nil {
				return nil, err
			}
			return json.Marshal(in)
		}
	}
	if a.Do != nil {
		s.Do = func(ctx context.Context, c Call, input json.RawMessage) (json.RawMessage, error) {
			in, err := decode[In]("input", input)
			if err != nil {
				return nil, Permanent(err)
			}
			out, err := a.Do(ctx, c, in)
			if err != nil {
				return nil, err
			}
			return json.Marshal(out)
		}
	}
	if a.Undo != nil {
		s.Undo = func(ctx context.Context, c Call, input, output json.RawMessage) error {
			in, err := decode[In]("input", input)
			if err != nil {
				return Permanent(err)
			}
			if output == nil {
				return a.Undo(ctx, c, in, nil)
			}
			out, err := decode[Out]("output", output)
			if err != nil {
				return Permanent(err)
			}
			return a.Undo(ctx, c, in, &out)
		}
	}
	return s
}

// decode reads raw as a T; nothing at all is T's zero value.
func decode[T any](what string, raw json.RawMessage) (T, error) {
	var v T
	if len(raw) == 0 {
		return v, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("decode %s: %w", what, err)
	}
	return v, nil
}
