package resultstest

import (
	"encoding/json"
	"maps"
	"strings"
)

func rawObject(b *bench, s string) object {
	b.Helper()
	var o object
	b.no(json.Unmarshal([]byte(s), &o))
	return o
}

// full is a row with a value of every type, and what it looks like when it comes back.
func full() (data, want object) {
	data = object{
		"name": `it's "tea"; drop table item; --`, "note": "line\nline", "stock": 9007199254740991, "price": 10.5,
		"sold": true, "day": "2026-02-28", "at": "2026-02-28T12:00:00.25+02:00",
		"extra": object{"b": []any{1, nil}, "a": "x"},
	}
	want = maps.Clone(data)
	want["stock"], want["at"] = 9007199254740991.0, "2026-02-28T10:00:00.25+00:00"
	want["extra"] = object{"b": []any{1.0, nil}, "a": "x"}
	return data, want
}

// only keeps the keys of like.
func only(row any, like object) object {
	kept := object{}
	for k := range like {
		kept[k] = row.(object)[k]
	}
	return kept
}

func (b *bench) item(data object) object {
	b.Helper()
	row, _ := b.doAs("item "+b.Name(), "entity.insert", object{"entity": "item", "data": data})["row"].(object)
	return row
}

var entityCases = []testCase{
	{"a row comes back with its types, an id, its owner and its times", func(b *bench) {
		b.shop()
		data, want := full()
		row := b.item(data)
		same(b, "row", only(row, want), want)
		same(b, "owner", row["user_id"], b.user)
		for _, k := range []string{"id", "created_at", "updated_at"} {
			same(b, "has "+k, row[k] != nil && row[k] != "", true)
		}
		same(b, "queried", b.items(nil), []any{row})
	}},
	{"a query filters by columns of every type", func(b *bench) {
		b.shop()
		data, _ := full()
		b.item(data)
		b.doAs("other", "entity.insert", object{"entity": "item", "data": object{"name": "other", "sold": false, "stock": 1}})
		for k, v := range data {
			same(b, "by "+k, len(b.items(object{k: v})), 1)
		}
		same(b, "by two", len(b.items(object{"name": "other", "stock": 1})), 1)
		same(b, "by two that differ", len(b.items(object{"name": "other", "stock": 2})), 0)
		same(b, "by null", len(b.items(object{"price": nil})), 1)
		_, err := b.try(b.fence("q"), "entity.query", object{"entity": "item", "filters": object{"1=1 or name": "x"}})
		b.permanent(err, "filters/1=1 or name")
		limited := b.do("entity.query", object{"entity": "item", "limit": 1})
		same(b, "limited", len(limited["rows"].([]any)), 1)
	}},
	{"a query answers with the newest rows first, and those of one moment in one order", func(b *bench) {
		b.shop()
		for _, row := range []struct{ id, at string }{
			{"b", "2026-01-02T00:00:00Z"},
			{"d", "2026-01-02T00:00:00Z"},
			{"a", "2026-01-03T00:00:00Z"},
			{"c", "2026-01-02T00:00:00Z"},
			{"e", "2026-01-01T00:00:00Z"},
		} {
			b.doAs(row.id, "entity.insert", object{"entity": "item", "data": object{"id": row.id, "created_at": row.at}})
		}
		for limit, want := range map[int]string{1: "a", 3: "adc", 5: "adcbe", 1000: "adcbe"} {
			var got []string
			for _, row := range b.do("entity.query", object{"entity": "item", "limit": limit})["rows"].([]any) {
				got = append(got, row.(object)["id"].(string))
			}
			same(b, "rows", strings.Join(got, ""), want)
		}
	}},
	{"an undone insert is gone", func(b *bench) {
		b.shop()
		args := object{"entity": "item", "data": object{"name": "tea"}}
		b.do("entity.insert", args)
		b.undo("entity.insert", args)
		same(b, "rows", len(b.items(nil)), 0)
	}},
	{"an update tells before and after, and its undo restores what it changed and no more", func(b *bench) {
		b.shop()
		data, want := full()
		row := b.item(data)
		change := object{"entity": "item", "id": row["id"], "data": object{
			"name": "new", "stock": nil, "price": 1, "sold": false, "day": nil, "at": "2027-01-01T00:00:00Z", "extra": []any{},
		}}
		got := b.do("entity.update", change)
		same(b, "before", only(got["before"], want), want)
		same(b, "after", only(got["after"], object{"name": 1, "stock": 1, "sold": 1, "note": 1}),
			object{"name": "new", "stock": nil, "sold": false, "note": "line\nline"})
		b.doAs("other", "entity.update", object{"entity": "item", "id": row["id"], "data": object{"note": "kept"}})
		b.undo("entity.update", change)
		want["note"] = "kept"
		same(b, "restored", only(b.items(nil)[0], want), want)
	}},
	{"a deleted row comes back whole", func(b *bench) {
		b.shop()
		data, _ := full()
		row := b.item(data)
		args := object{"entity": "item", "id": row["id"]}
		same(b, "deleted", b.do("entity.delete", args), object{"before": row})
		same(b, "rows", len(b.items(nil)), 0)
		b.undo("entity.delete", args)
		same(b, "rows again", b.items(nil), []any{row})
	}},
	{"only the owner's rows are there", func(b *bench) {
		b.shop()
		id := b.item(object{"name": "tea"})["id"]
		for _, effect := range []string{"entity.query", "entity.insert", "entity.update", "entity.delete"} {
			b.refused("as other "+effect, effect, object{
				"entity": "item", "id": id, "data": object{"name": "x"}, "user_id": "99999999-0000-4000-8000-000000000000",
			}, "schema")
		}
		b.refused("for other", "entity.insert", object{
			"entity": "item", "data": object{"user_id": "99999999-0000-4000-8000-000000000000"},
		}, "data/user_id")
	}},
	{"what is not there is named", func(b *bench) {
		b.shop()
		id := b.item(object{"name": "tea"})["id"]
		for _, c := range []struct {
			name, effect string
			args         object
			words        string
		}{
			{"service", "entity.insert", object{"schema": "nowhere", "entity": "item", "data": object{}}, "schema"},
			{"system schema", "entity.insert", object{"schema": "osp", "entity": "services", "data": object{}}, "schema"},
			{"entity", "entity.insert", object{"entity": "none", "data": object{}}, "entity"},
			{"quoted entity", "entity.insert", object{"entity": `item" --`, "data": object{}}, "entity"},
			{"no entity", "entity.insert", object{"data": object{}}, "entity"},
			{"column", "entity.insert", object{"entity": "item", "data": object{"none": 1}}, "data/none"},
			{"quoted column", "entity.insert", object{"entity": "item", "data": object{`name") --`: 1}}, "data/name"},
			{"system column", "entity.insert", object{"entity": "item", "data": object{"ctid": "(0,1)"}}, "data/ctid"},
			{"no data", "entity.insert", object{"entity": "item"}, "data"},
			{"list as data", "entity.insert", object{"entity": "item", "data": []any{}}, "data"},
			{"update row", "entity.update", object{"entity": "item", "id": "none", "data": object{"name": "x"}}, "none"},
			{"update column", "entity.update", object{"entity": "item", "id": id, "data": object{"none": "x"}}, "data/none"},
			{"update id", "entity.update", object{"entity": "item", "id": id, "data": object{"id": "x"}}, "data/id"},
			{"update owner", "entity.update", object{"entity": "item", "id": id, "data": object{"user_id": b.user}}, "data/user_id"},
			{"update nothing", "entity.update", object{"entity": "item", "id": id, "data": object{}}, "data"},
			{"delete row", "entity.delete", object{"entity": "item", "id": "none"}, "none"},
			{"delete nothing", "entity.delete", object{"entity": "item"}, "id"},
		} {
			b.refused(c.name, c.effect, c.args, c.words)
		}
		same(b, "rows", len(b.items(nil)), 1)
	}},
	{"a value of another type is refused", func(b *bench) {
		b.shop()
		for column, value := range map[string]any{
			"stock": "many", "price": "cheap", "sold": "perhaps", "day": "2026-02-30", "at": "noon",
		} {
			b.refused(column, "entity.insert", object{"entity": "item", "data": object{column: value}})
		}
		b.refused("fraction", "entity.insert", object{"entity": "item", "data": object{"stock": 1.5}})
		same(b, "rows", len(b.items(nil)), 0)
	}},
	{"an id is taken once", func(b *bench) {
		b.shop()
		b.item(object{"id": "1"})
		b.refused("again", "entity.insert", object{"entity": "item", "data": object{"id": "1"}})
	}},
	{"an undo succeeds when its table is gone", func(b *bench) {
		b.shop()
		insert := object{"entity": "item", "data": object{"name": "tea"}}
		row := b.do("entity.insert", insert)["row"].(object)
		update := object{"entity": "item", "id": row["id"], "data": object{"name": "x"}}
		b.do("entity.update", update)
		b.undo("tables.create", object{"entities": entities()})
		b.undo("entity.update", update)
		b.undo("entity.insert", insert)
	}},
}
