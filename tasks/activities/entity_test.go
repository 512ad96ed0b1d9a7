package activities_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// trade creates a row, changes it, reads it, deletes another, and fails at the end if the input says so.
const trade = `
id: trade
steps:
  - {id: make, type: activity, activity: {type: create_entity, params: {entity: item, data: {id: tea, name: tea, stock: 5, price: "${input.price}"}}}}
  - {id: other, type: activity, activity: {type: create_entity, params: {entity: item, data: {id: mug, name: mug, stock: 1}}}}
  - {id: change, type: activity, activity: {type: update_entity, params: {entity: item, id: "${make.id}", data: {stock: "${make.stock - 1}"}}}}
  - {id: drop, type: activity, activity: {type: delete_entity, params: {entity: item, id: "${other.id}"}}}
  - {id: look, type: activity, activity: {type: query_entity, params: {entity: item, id: tea}}}
  - {id: all, type: activity, activity: {type: query_entity, params: {entity: item, filters: {stock: 4}, limit: 5}}}
  - id: check
    type: activity
    activity:
      type: validate_data
      params:
        data: {stock: "${look.stock}", changed: "${change.stock}", rows: "${size(all.rows)}", dropped: "${drop.name}"}
        rules: [{field: stock, type: min_value, value: "${input.least}"}]
  - {id: out, type: activity, activity: {type: transform_data, params: {stock: "${look.stock}", changed: "${change.stock}", rows: "${size(all.rows)}", dropped: "${drop.name}"}}}`

func TestRowsAreMadeChangedReadAndDeleted(t *testing.T) {
	stores(t, func(w *world, store results.Store) {
		r := w.run(trade, `{"price": null, "least": 0}`)
		w.ended(r, saga.Completed, "")
		w.same("output", string(r.Output), `{"stock":4,"changed":4,"rows":1,"dropped":"mug"}`)
		if got := w.items(store); got != "tea:4" {
			t.Errorf("there is %s", got)
		}
	})
}

func TestRowsAreUndone(t *testing.T) {
	stores(t, func(w *world, store results.Store) {
		w.ended(w.run(trade, `{"price": 1.5, "least": 100}`), saga.Failed, "stock: it is less than 100")
		if got := w.items(store); got != "" {
			t.Errorf("there is %s", got)
		}
	})
}

// TestAnEffectHappensOnce has the answer to each effect lost once, and each call fail once before it arrives.
func TestAnEffectHappensOnce(t *testing.T) {
	stores(t, func(w *world, store results.Store) {
		for _, effect := range []string{"entity.insert", "entity.update", "entity.delete"} {
			w.n += 1000
			broken := &flaky{Effects: store, after: first(effect, errors.New("the answer was lost"))}
			w.options.Effects = broken
			w.ended(w.run(trade, `{"price": 1, "least": 0}`), saga.Completed, "")
			if got := w.items(store); got != "tea:4" {
				t.Errorf("after a lost answer to %s there is %s", effect, got)
			}
			w.n += 1000
			w.ended(w.run(`{id: w, steps: [{id: s, type: activity, activity: {type: delete_entity, params: {entity: item, id: tea}}}]}`, `{}`), saga.Completed, "")
		}
	})
}

// TestAnUndoWhoseDoNeverHappened has a do fail before it arrives, with nobody knowing, and come after its undo.
func TestAnUndoWhoseDoNeverHappened(t *testing.T) {
	stores(t, func(w *world, store results.Store) {
		var late saga.Fence
		broken := &flaky{Effects: store, before: func(f saga.Fence, effect string) error {
			if effect != "entity.insert" || f.Undo {
				return nil
			}
			late = f
			return saga.Permanent(errors.New("nobody knows what became of it"))
		}}
		w.options.Effects = broken
		w.ended(w.run(one("create_entity", `{entity: item, data: {name: tea}}`), `{}`), saga.Failed, "nobody knows")
		if got := strings.Join(broken.calls, ", "); got != "s, undo s" {
			t.Errorf("it called %s", got)
		}
		args := `{"schema":"` + w.schema + `","user_id":"` + w.user + `","entity":"item","data":{"name":"tea"}}`
		if _, err := store.Apply(t.Context(), late, "entity.insert", json.RawMessage(args)); !errors.Is(err, saga.ErrUndone) {
			t.Errorf("the late do: %v", err)
		}
		if got := w.items(store); got != "" {
			t.Errorf("there is %s", got)
		}
	})
}

// TestRowsMayCompensate has the compensation of a call change rows of its own: once, though it is tried twice.
func TestRowsMayCompensate(t *testing.T) {
	const source = `
id: w
steps:
  - {id: make, type: activity, on_error: continue, activity: {type: create_entity, params: {entity: item, data: {id: tea, name: tea, stock: 5}}}}
  - id: call
    type: activity
    activity: {type: call_api, params: {url: "http://127.0.0.1:1/"}, retry_policy: {max_attempts: 1}}
    on_error: continue
    compensate: {type: update_entity, params: {entity: item, id: tea, data: {stock: 0}}}
    compensation_steps: [note, publish]
  - {id: note, type: activity, activity: {type: create_entity, params: {entity: item, data: {name: note, stock: 1}}}}
  - {id: publish, type: activity, effect: none, activity: {type: update_manifest, params: {manifest: {v: 1}, activate: true}}}`
	stores(t, func(w *world, store results.Store) {
		broken := &flaky{Effects: store, after: first("manifest.activate", errors.New("the answer was lost"))}
		w.options.Effects = broken
		w.options.HTTP = callerFunc(func() error { return saga.Permanent(errors.New("it may have arrived")) })
		w.ended(w.run(source, `{}`), saga.Completed, "")
		if got := w.items(store); got != "note:1 tea:0" {
			t.Errorf("there is %s", got)
		}
		const want = "make, call#undo/compensate, call#undo/note, call#undo/publish#store, call#undo/publish#activate"
		if got := strings.Join(broken.calls, ", "); got != want+strings.TrimPrefix(want, "make") {
			t.Errorf("it called %s", got)
		}
	})
}

func TestManifestsAreStoredAndActivated(t *testing.T) {
	stores(t, func(w *world, _ results.Store) {
		for i, c := range []struct{ params, want string }{
			{`{manifest: {v: 1}}`, `{"version":1}`},
			{`{manifest: {v: 2}, activate: true}`, `{"version":2,"was":"draft","earlier":null}`},
			{`{version: 1}`, `{"version":1,"was":"draft","earlier":2}`},
		} {
			w.n += int64(1000 * (i + 1))
			w.same(c.params, w.output("update_manifest", c.params, `{}`), c.want)
		}
		w.n += 1000
		w.fails("update_manifest", `{version: 9}`, `{}`, "the service has no such manifest")
	})
}

func TestParamsOfRowsThatAreWrong(t *testing.T) {
	stores(t, func(w *world, _ results.Store) {
		for _, c := range []struct{ activity, params, want string }{
			{"create_entity", `{entity: item}`, `create_entity needs the param "data": add it.`},
			{"create_entity", `{entity: Item, data: {name: x}}`, `/params/entity: "Item" must match`},
			{"create_entity", `{entity: item, data: {user_id: x}}`, `/params/data/user_id: "user_id" is set by the platform: remove it.`},
			{"create_entity", `{entity: item, data: {"name\"; drop table item; --": x}}`, "This name is not allowed here"},
			{"create_entity", `{entity: item, data: {color: red}}`, "data/color: the entity has no such column"},
			{"create_entity", `{entity: item, data: {name: "${secrets.KEY}"}}`, "create_entity takes no secrets"},
			{"update_entity", `{entity: item, id: "${input.none}", data: {name: x}}`, "/params/id: This has 0 characters"},
			{"update_entity", `{entity: item, id: nobody, data: {name: x}}`, `this user has no item`},
			{"delete_entity", `{entity: item, id: "${input.id}"}`, "/params/id: This is null"},
			{"query_entity", `{id: x}`, `query_entity needs the param "entity"`},
			{"query_entity", `{entity: item, id: x}`, `/params/id: this user has no item "x"`},
			{"query_entity", `{entity: item, id: "${input.many}", filters: {}}`, "/params/filters: there is an id"},
			{"query_entity", `{entity: item, filter: {}}`, "/params/filter: query_entity has no such param"},
			{"query_entity", `{entity: item, filters: {color: red}}`, "filters/color: the entity has no such column"},
			{"query_entity", `{entity: item, limit: "${input.many}"}`, "/params/limit: it is a string"},
			{"update_manifest", `{manifest: "${input.id}"}`, "update_manifest takes either manifest"},
			{"update_manifest", `{manifest: "${input.many}"}`, "manifest: it is not an object"},
			{"update_manifest", `{version: "${input.less}"}`, "/params/version: -1 is no version"},
		} {
			w.n += 1000
			w.fails(c.activity, c.params, `{"id": null, "many": "many", "none": "", "less": -1}`, c.want)
		}
	})
}
