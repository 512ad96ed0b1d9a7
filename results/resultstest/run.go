package resultstest

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// Run runs the suite; open returns a store that ends with the test it is given.
func Run(t *testing.T, open func(t *testing.T) results.Store) {
	t.Helper()
	for _, group := range []struct {
		name  string
		cases []testCase
	}{
		{"save", saveCases},
		{"kept", keptCases},
		{"list", listCases},
		{"search", searchCases},
		{"counts", countCases},
		{"human tasks", humanCases},
		{"fence", fenceCases},
		{"service", serviceCases},
		{"keys", keyCases},
		{"manifest", manifestCases},
		{"entity", entityCases},
		{"bad input", badCases},
		{"race", raceCases},
		{"owner", ownerCases},
		{"expire", expireCases},
		{"settle", settleCases},
		{"delete", deleteCases},
		{"workflow", workflowCases},
		{"workflow of a service", workflowServiceCases},
		{"trigger", triggerCases},
		{"audit", auditCases},
		{"webhook", webhookCases},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) {
					n := counter.Add(1)
					c.test(&bench{
						T: t, Store: open(t), n: n,
						user:   fmt.Sprintf("00000000-0000-4000-8000-%012d", n),
						schema: fmt.Sprintf("test_%d", n),
					})
				})
			}
		})
	}
}

var counter atomic.Int64

// testCase is a sentence and the proof of it.
type testCase struct {
	name string
	test func(b *bench)
}

// bench is what a case works with: a store, an owner and a schema of its own, and short words that fail the test.
type bench struct {
	*testing.T
	results.Store
	n            int64
	user, schema string
}

// object is a JSON object.
type object = map[string]any

func (b *bench) id(name string) string { return fmt.Sprintf("%s-%d", name, b.n) }

func (b *bench) no(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func same(b *bench, what string, got, want any) {
	b.Helper()
	if !reflect.DeepEqual(got, want) {
		b.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// fence names a step of a task of this test.
func (b *bench) fence(step string) saga.Fence {
	return saga.Fence{Task: b.id("task"), Path: step, Key: b.id("task") + "/" + step + "/do/0"}
}

func undo(f saga.Fence) saga.Fence {
	f.Undo, f.Key = true, strings.TrimSuffix(f.Key, "/do/0")+"/undo/0"
	return f
}

// try applies an effect on this test's schema, as its user.
func (b *bench) try(f saga.Fence, effect string, args object) (object, error) {
	b.Helper()
	all := object{"schema": b.schema, "user_id": b.user}
	maps.Copy(all, args)
	raw, err := json.Marshal(all)
	b.no(err)
	answer, err := b.Apply(b.Context(), f, effect, raw)
	if err != nil {
		return nil, err
	}
	var out object
	b.no(json.Unmarshal(answer, &out))
	return out, nil
}

// do applies an effect that succeeds. The step is called like the effect.
func (b *bench) do(effect string, args object) object {
	b.Helper()
	return b.doAs(effect, effect, args)
}

func (b *bench) doAs(step, effect string, args object) object {
	b.Helper()
	out, err := b.try(b.fence(step), effect, args)
	if err != nil {
		b.Fatalf("%s: %v", effect, err)
	}
	return out
}

func (b *bench) undo(effect string, args object) {
	b.Helper()
	b.undoAs(effect, effect, args)
}

func (b *bench) undoAs(step, effect string, args object) {
	b.Helper()
	if _, err := b.try(undo(b.fence(step)), effect, args); err != nil {
		b.Fatalf("undo %s: %v", effect, err)
	}
}

// refused wants an effect to be refused for good, with words in the message.
func (b *bench) refused(step, effect string, args object, words ...string) {
	b.Helper()
	_, err := b.try(b.fence(step), effect, args)
	b.permanent(err, words...)
}

func (b *bench) permanent(err error, words ...string) {
	b.Helper()
	if !saga.IsPermanent(err) {
		b.Fatalf("not refused for good: %v", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			b.Errorf("the error does not say %q: %v", w, err)
		}
	}
}

// items queries the shop's items.
func (b *bench) items(filters object) []any {
	b.Helper()
	return b.do("entity.query", object{"entity": "item", "filters": filters})["rows"].([]any)
}
