package tasks_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

const restaurant = `{
	"name": "Chez Max!",
	"entities": [
		{"name": "menu", "attributes": {"title": "string", "from": "date"},
		 "relationships": {"items": {"target": "item", "type": "one_to_many"}}},
		{"name": "item", "attributes": {"price": "number", "seats": "integer", "vegan": "boolean", "at": "datetime", "extra": "json"},
		 "relationships": {"menu": {"target": "menu", "type": "many_to_one"}}}
	],
	"sample_data": {"menu": [{"id": "m1", "title": "Lunch", "from": "2026-11-23"}],
		"item": [{"menu_id": "m1", "price": 9.5, "seats": 2, "vegan": null, "at": "2026-11-23T18:30:00+01:00", "extra": [1]}]}
}`

func request(input string) saga.Request {
	return saga.Request{Type: "service.create", Input: json.RawMessage(input), By: "console"}
}

const made = "service.reserve, service.register, schema.create, tables.create, security.enable, keys.create, rows.insert, " +
	"manifest.store, manifest.activate"

func TestServiceCreateMakesEverythingInOrder(t *testing.T) {
	db := &database{}
	r := newWorld(t, tasks.ServiceCreate(db)).run("one", request(restaurant))
	if r.State != saga.Completed {
		t.Fatalf("state %s: %s", r.State, r.Reason)
	}
	if db.told() != made {
		t.Errorf("trail\n got %s\nwant %s", db.told(), made)
	}
	same(t, "output", r.Output,
		`{"service_id":"the_service","schema":"the_schema","tables":["menu","item"],"manifest_version":7}`)
}

func TestServiceCreateTellsEachEffectWhatItNeeds(t *testing.T) {
	db := &database{}
	r := newWorld(t, tasks.ServiceCreate(db)).run("one", request(restaurant))
	schema := `"schema":"chez_max__` + epochMillis(r) + `","user_id":"` + owner + `"`
	for effect, rest := range map[string]string{
		"service.reserve": `,"name":"Chez Max!"`,
		"schema.create":   ``,
		"tables.create": `,"entities":[{"name":"menu","attributes":{"title":"string","from":"date"}},{"name":"item",
			"attributes":{"price":"number","seats":"integer","vegan":"boolean","at":"datetime","extra":"json"}}]`,
		"keys.create": `,"entities":[{"name":"menu","relationships":{"items":{"target":"item","type":"one_to_many"}}},
			{"name":"item","relationships":{"menu":{"target":"menu","type":"many_to_one"}}}]`,
		"manifest.activate": `,"version":7,"by":"console"`,
	} {
		same(t, effect, db.args[effect], "{"+schema+rest+"}")
	}
}

func epochMillis(r *saga.Record) string {
	raw, _ := json.Marshal(r.CreatedAt.UnixMilli())
	return string(raw)
}

func TestServiceCreateThatFailsAtTheEndUndoesAllInReverse(t *testing.T) {
	db := &database{fails: map[string]error{"manifest.activate": saga.Permanent(errors.New("locked"))}}
	r := newWorld(t, tasks.ServiceCreate(db)).run("one", request(restaurant))
	if r.State != saga.Failed || !strings.Contains(r.Reason, "manifest.activate: locked") || len(r.NotUndone) > 0 {
		t.Errorf("state %s, reason %q, not undone %q", r.State, r.Reason, r.NotUndone)
	}
	want := made + ", undo manifest.activate, undo manifest.store, undo rows.insert, undo keys.create, " +
		"undo security.enable, undo tables.create, undo schema.create, undo service.register, undo service.reserve"
	if db.told() != want {
		t.Errorf("trail\n got %s\nwant %s", db.told(), want)
	}
}

func TestServiceCreateRetriesWhatMayHeal(t *testing.T) {
	db := &database{fails: map[string]error{"schema.create": errors.New("the database is away")}}
	r := newWorld(t, tasks.ServiceCreate(db)).run("one", request(restaurant))
	if n := strings.Count(db.told(), "schema.create"); r.State != saga.Failed || n != 26 {
		t.Errorf("state %s after %s; want failed, after 25 attempts and an undo", r.State, db.told())
	}
}

func TestServiceCreateWithoutSamplesOrManifest(t *testing.T) {
	db := &database{}
	input := `{"name":"24h Pizza","entities":[{"name":"order","attributes":{}}]}`
	r := newWorld(t, tasks.ServiceCreate(db)).run("one", request(input))
	if strings.Contains(db.told(), "rows.insert") || r.State != saga.Completed {
		t.Errorf("state %s after %s; want completed, without rows", r.State, db.told())
	}
	schema := "s_24h_pizza_" + epochMillis(r)
	same(t, "the manifest made", db.args["manifest.store"], `{"schema":"`+schema+`","user_id":"`+owner+`","by":"console",
		"manifest":{"name":"24h Pizza","service_schema":"`+schema+`","entities":[{"name":"order"}],"workflows":[]}}`)
}

func TestServiceCreateStoresTheManifestGiven(t *testing.T) {
	db := &database{}
	input := `{"name":"x","entities":[{"name":"a","attributes":{}}],"manifest":{"ui":"<b>"}}`
	newWorld(t, tasks.ServiceCreate(db)).run("one", request(input))
	var args struct{ Manifest json.RawMessage }
	if err := json.Unmarshal(db.args["manifest.store"], &args); err != nil {
		t.Fatal(err)
	}
	same(t, "manifest", args.Manifest, `{"ui":"<b>"}`)
}

func TestServiceCreateNamesItsSchemaSafely(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"Chez Max", "chez_max"},
		{"pg_catalog", "s_pg_catalog"},
		{"Supabase Shop", "s_supabase_shop"},
		{"レストラン", "s______"},
		{"_x", "s__x"},
		{`"; drop schema public --`, "s____drop_schema_public___"},
		{"a very long name of a service that goes on", "a_very_long_name_of_a_service_"},
	} {
		db := &database{}
		input, _ := json.Marshal(map[string]any{
			"name": c.name, "entities": []any{map[string]any{"name": "a", "attributes": map[string]string{}}},
		})
		r := newWorld(t, tasks.ServiceCreate(db)).run("one", request(string(input)))
		same(t, c.name, db.args["schema.create"], `{"schema":"`+c.want+"_"+epochMillis(r)+`","user_id":"`+owner+`"}`)
	}
}
