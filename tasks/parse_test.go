package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// Whatever the input of a task is: it is valid and its workflow can be built, or what is wrong is told with its place.
func FuzzInputs(f *testing.F) {
	c, err := tasks.NewCatalogue(tasks.Builtin(nil, nil)...)
	if err != nil {
		f.Fatal(err)
	}
	var names []string
	for _, t := range c.Types() {
		names = append(names, t.Name)
	}
	for i, input := range []string{
		`{"service":"s","entity":"e","id":"1","values":{"a":1}}`, `{"service":"s","entity":"e","id":"1"}`, `{}`, `null`, `[1e999]`,
		`{"name":"Shop","entities":[{"name":"orders","fields":[{"name":"a","type":"text"}]}]}`, `{"steps":[]}`, `"\u0000"`, `{"":{"":[]}}`,
	} {
		f.Add(uint8(i), "shop", []byte(input))
	}
	f.Fuzz(func(t *testing.T, which uint8, service string, input []byte) {
		if !json.Valid(input) {
			return // handlers refuse it
		}
		r := saga.Request{Type: names[int(which)%len(names)], Service: service, Owner: saga.NilOwner, Input: input}
		err := c.Validate(r)
		if invalid, ok := errors.AsType[*saga.InvalidError](err); ok {
			if len(invalid.Problems) == 0 || slices.ContainsFunc(invalid.Problems, func(p saga.Problem) bool {
				return p.Detail == "" || !strings.HasPrefix(p.Pointer, "/")
			}) {
				t.Errorf("%s, %s: %+v", r.Type, input, invalid.Problems)
			}
			return
		}
		if err != nil {
			t.Fatalf("%s, %s: %v, which does not say where", r.Type, input, err)
		}
		if _, err := c.Plan(r.Type, input); err != nil {
			t.Errorf("%s, %s is valid, but cannot be built: %v", r.Type, input, err)
		}
	})
}

// A cursor of the list of dead letters is taken, or /cursor is named.
func FuzzDeadLetterCursor(f *testing.F) {
	for _, seed := range []string{"", "YQ", "!", "Li4", "YS9i", strings.Repeat("YWFh", 60)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		asked := letterBox{}
		_, err := (&tasks.Dispatcher{Journal: &asked}).DeadLetters(t.Context(), cursor, 1)
		if invalid, ok := errors.AsType[*saga.InvalidError](err); ok {
			if invalid.Problems[0].Pointer != "/cursor" {
				t.Errorf("%q: %v", cursor, err)
			}
			return
		}
		if err != nil || cursor != "" && !saga.ValidID(asked.after) {
			t.Errorf("%q asks for what comes after %q: %v", cursor, asked.after, err)
		}
	})
}

// letterBox is a journal without dead letters.
type letterBox struct {
	tasks.DispatcherJournal
	after string
}

func (b *letterBox) DeadLetters(_ context.Context, after string, _ int) ([]saga.DeadLetter, error) {
	b.after = after
	return nil, nil
}
