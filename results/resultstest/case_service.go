package resultstest

import "strings"

// entities of a small shop.
func entities() []object {
	return []object{
		{"name": "item", "attributes": object{
			"name": "string", "note": "text", "stock": "integer", "price": "number", "sold": "boolean",
			"day": "date", "at": "datetime", "extra": "json",
		}},
		{"name": "maker", "attributes": object{"name": "string"}},
	}
}

// shop creates a service with the tables of the shop.
func (b *bench) shop() {
	b.Helper()
	b.reserved()
	b.do("service.register", object{"name": "Shop", "entities": entities()})
	b.do("schema.create", nil)
	b.do("tables.create", object{"entities": entities()})
}

func (b *bench) reserved() {
	b.Helper()
	b.do("service.reserve", object{"name": "Shop"})
}

// whole is service.create's order of effects.
var whole = []string{
	"service.reserve", "service.register", "schema.create", "tables.create", "security.enable", "keys.create",
	"rows.insert", "manifest.store", "manifest.activate",
}

func wholeArgs() object {
	list := entities()
	list[0]["relationships"] = object{"maker": object{"target": "maker", "type": "many_to_one"}}
	return object{
		"name": "Shop", "by": "ann", "entities": list, "manifest": object{"v": 1},
		"rows": object{"item": []object{{"id": "1", "name": "tea", "maker_id": "m"}}, "maker": []object{{"id": "m"}}},
	}
}

var serviceCases = []testCase{
	{"a service is created, and undone without a trace, step by step and twice", func(b *bench) {
		for _, suffix := range []string{"", " again"} {
			for _, effect := range whole {
				b.doAs(effect+suffix, effect, wholeArgs())
			}
			same(b, "rows", len(b.items(object{"maker_id": "m"})), 1)
			for i := range whole {
				effect := whole[len(whole)-1-i]
				b.undoAs(effect+suffix, effect, wholeArgs())
			}
			b.refused("gone"+suffix, "entity.insert", object{"entity": "item", "data": object{}}, "schema")
		}
	}},
	{"each effect answers what it did", func(b *bench) {
		args := wholeArgs()
		same(b, "reserve", b.do("service.reserve", args), object{"schema": b.schema})
		id, _ := b.do("service.register", args)["service_id"].(string)
		same(b, "register has an id", id != "", true)
		same(b, "schema", b.do("schema.create", args), object{})
		same(b, "tables", b.do("tables.create", args)["tables"], []any{"item", "maker"})
		same(b, "security", b.do("security.enable", args), object{})
		b.do("keys.create", args)
		same(b, "rows", b.do("rows.insert", args)["inserted"], object{"item": []any{"1"}, "maker": []any{"m"}})
	}},
	{"a name is reserved once", func(b *bench) {
		b.reserved()
		b.refused("again", "service.reserve", object{"name": "Shop"}, "schema", "taken")
		b.undo("service.reserve", object{"name": "Shop"})
		b.doAs("later", "service.reserve", object{"name": "Shop"})
	}},
	{"an undo of a refused reservation leaves the other's", func(b *bench) {
		b.reserved()
		b.refused("again", "service.reserve", object{"name": "Shop"})
		b.undoAs("again", "service.reserve", object{"name": "Shop"})
		b.refused("third", "service.reserve", object{"name": "Shop"}, "taken")
	}},
	{"names that are no names of ours are refused", func(b *bench) {
		for _, name := range []any{
			"", "1a", "Shop", "a-b", "a b", `a"; drop schema public; --`, "../../auth/v1/admin", "é", "a\nb",
			strings.Repeat("a", 49), strings.Repeat("a", 64), "SHOP", "pg_shop", "pg_catalog", "public", `public"; drop`, "auth", "osp", "storage", "information_schema", nil, 5,
		} {
			_, err := b.try(b.fence("x"), "service.reserve", object{"schema": name, "name": "Shop"})
			b.permanent(err, "schema")
		}
	}},
	{"nobody builds on what another has reserved", func(b *bench) {
		b.reserved()
		for _, effect := range whole[1:] {
			args := wholeArgs()
			args["user_id"] = "99999999-0000-4000-8000-000000000000"
			b.refused(effect, effect, args, "schema")
		}
	}},
	{"a schema that was there before stays when its creation is undone", func(b *bench) {
		b.shop()
		b.refused("other", "schema.create", nil)
		b.undoAs("other", "schema.create", nil)
		same(b, "rows", len(b.items(nil)), 0)
	}},
	{"tables are refused for bad names, bad types and platform columns", func(b *bench) {
		b.reserved()
		b.do("schema.create", nil)
		for i, c := range []struct {
			entity object
			words  string
		}{
			{object{"name": "Item"}, "entities/name"},
			{object{"name": `x"; drop table y`}, "entities/name"},
			{object{"name": "x", "attributes": object{"A b": "text"}}, "entities/x/attributes/A b"},
			{object{"name": "x", "attributes": object{"a": "serial"}}, "entities/x/attributes/a"},
			{object{"name": "x", "attributes": object{"a": "text default (select 1)"}}, "entities/x/attributes/a"},
			{object{"name": "x", "attributes": object{"user_id": "text"}}, "entities/x/attributes/user_id"},
			{object{"name": "x", "attributes": object{"id": "text"}}, "entities/x/attributes/id"},
		} {
			b.refused(string(rune('a'+i)), "tables.create", object{"entities": []object{{"name": "good"}, c.entity}}, c.words)
		}
		b.do("tables.create", object{"entities": []object{{"name": "good"}}})
	}},
	{"sample rows are all or nothing", func(b *bench) {
		b.shop()
		b.refused("x", "rows.insert", object{"rows": object{"item": []object{{"id": "1"}, {"id": "2", "no": 1}}}}, "rows/item/1/no")
		b.refused("y", "rows.insert", object{"rows": object{"item": []object{{"id": "1"}, {"id": "1"}}}})
		b.refused("z", "rows.insert", object{"rows": object{"none": []object{{}}}}, "none")
		same(b, "rows", len(b.items(nil)), 0)
		b.doAs("ok", "rows.insert", object{"rows": object{}})
	}},
	{"an undo of sample rows takes those and no others", func(b *bench) {
		b.shop()
		args := object{"rows": object{"item": []object{{"name": "a"}, {"name": "b"}}}}
		b.do("rows.insert", args)
		b.do("entity.insert", object{"entity": "item", "data": object{"name": "c"}})
		b.undo("rows.insert", args)
		same(b, "rows", len(b.items(nil)), 1)
		same(b, "row", len(b.items(object{"name": "c"})), 1)
	}},
}
