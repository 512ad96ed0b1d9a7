package tasks_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

func TestEntityTypesCarryOutOneEffect(t *testing.T) {
	for _, test := range []struct{ typ, input, effect, args, output string }{
		{
			"entity.create", `{"entity":"item","data":{"name":"x"}}`, "entity.insert",
			`{"entity":"item","data":{"name":"x"}`, `{"row":{"id":"r1"}}`,
		},
		{
			"entity.update", `{"entity":"item","id":"r1","data":{"name":null}}`, "entity.update",
			`{"entity":"item","id":"r1","data":{"name":null}`, answers["entity.update"],
		},
		{"entity.delete", `{"entity":"item","id":"r1"}`, "entity.delete", `{"entity":"item","id":"r1"`, `{"before":{"id":"r1"}}`},
	} {
		t.Run(test.typ, func(t *testing.T) {
			db := &database{}
			r := newWorld(t, tasks.Builtin(db, nil)...).run("one", saga.Request{
				Type: test.typ, Service: "chez_max_1", Input: json.RawMessage(test.input),
			})
			if r.State != saga.Completed || db.told() != test.effect {
				t.Fatalf("state %s (%s) after %s", r.State, r.Reason, db.told())
			}
			same(t, "args", db.args[test.effect], test.args+`,"schema":"chez_max_1","user_id":"`+owner+`"}`)
			same(t, "output", r.Output, test.output)
		})
	}
}

func TestEntityTypesUndoWhatMayHaveHappened(t *testing.T) {
	db := &database{fails: map[string]error{"entity.update": saga.Permanent(errors.New("the answer was lost"))}}
	r := newWorld(t, tasks.EntityUpdate(db)).run("one", saga.Request{
		Type: "entity.update", Service: "chez_max_1", Input: json.RawMessage(`{"entity":"item","id":"r1","data":{"name":"x"}}`),
	})
	if r.State != saga.Failed || db.told() != "entity.update, undo entity.update" {
		t.Errorf("state %s after %s", r.State, db.told())
	}
}

func TestEntityTypesAreCheckedBeforeTheyAreAccepted(t *testing.T) {
	c, err := tasks.NewCatalogue(tasks.Builtin(nil, nil)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, typ, service, input, want string }{
		{
			"the service is needed", "entity.delete", "", `{"entity":"item","id":"1"}`,
			"/service: This is missing: give the schema of the service, such as the one that service.create answered.",
		},
		{
			"a service is a schema", "entity.delete", "x.y", `{"entity":"item","id":"1"}`,
			`/service: "x.y" cannot be the schema of a service: it must match ^[a-z_][a-z0-9_]{0,62}$.`,
		},
		{
			"the platform sets its own columns", "entity.update", "s", `{"entity":"item","id":"1","data":{"id":"2","user_id":"u","a":1}}`,
			`/input/data/id: "id" is set by the platform: remove it.` + "\n" + `/input/data/user_id: "user_id" is set by the platform: remove it.`,
		},
		{"a new row may bring its id", "entity.create", "s", `{"entity":"item","data":{"id":"2"}}`, ""},
		{
			"an entity is a name, and so is a column", "entity.create", "s", `{"entity":"a.b","data":{"x y":1}}`,
			`/input/data/x y: This name is not allowed here: it must match ^[a-z_][a-z0-9_]{0,62}$.` + "\n" +
				`/input/entity: "a.b" must match ^[a-z_][a-z0-9_]{0,62}$.`,
		},
		{"an update needs an id", "entity.update", "s", `{"entity":"item","data":{"a":1}}`, "/input/id: This is missing: add it."},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := saga.Request{Type: test.typ, Service: test.service, Input: json.RawMessage(test.input)}
			if got := complaints(t, c.Validate(r)); got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}
