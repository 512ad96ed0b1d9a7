package resultstest

import "strings"

// related is a shop whose entities are related as given: "a.rel>b:type" for each.
func (b *bench) related(relations ...string) object {
	b.Helper()
	list := []object{{"name": "a"}, {"name": "b"}}
	for _, r := range relations {
		from, rest, _ := strings.Cut(r, ".")
		name, rest, _ := strings.Cut(rest, ">")
		target, kind, _ := strings.Cut(rest, ":")
		for _, e := range list {
			if e["name"] != from {
				continue
			}
			if e["relationships"] == nil {
				e["relationships"] = object{}
			}
			e["relationships"].(object)[name] = object{"target": target, "type": kind}
		}
	}
	args := object{"entities": list}
	b.reserved()
	b.do("service.register", args)
	b.do("schema.create", args)
	b.do("tables.create", args)
	b.do("rows.insert", object{"rows": object{"a": []object{{"id": "a1"}, {"id": "a2"}}, "b": []object{{"id": "b1"}, {"id": "b2"}}}})
	return args
}

// set writes one column of a row.
func (b *bench) set(entity, id, column string, value any) error {
	b.Helper()
	_, err := b.try(b.fence("set "+entity+id+column+value.(string)), "entity.update",
		object{"entity": entity, "id": id, "data": object{column: value}})
	return err
}

var keyCases = []testCase{
	{"many to one is a column that refers to the other entity", func(b *bench) {
		b.do("keys.create", b.related("a.rel>b:many_to_one"))
		b.no(b.set("a", "a1", "rel_id", "b1"))
		b.no(b.set("a", "a2", "rel_id", "b1"))
		b.permanent(b.set("a", "a2", "rel_id", "nowhere"))
		b.refused("in use", "entity.delete", object{"entity": "b", "id": "b1"})
	}},
	{"one to one is the same, and unique", func(b *bench) {
		b.do("keys.create", b.related("a.rel>b:one_to_one"))
		b.no(b.set("a", "a1", "rel_id", "b1"))
		b.permanent(b.set("a", "a2", "rel_id", "b1"))
	}},
	{"one to many is a column of the other entity", func(b *bench) {
		b.do("keys.create", b.related("a.rel>b:one_to_many"))
		b.no(b.set("b", "b1", "a_id", "a1"))
		b.permanent(b.set("b", "b1", "a_id", "nowhere"))
	}},
	{"both sides of one relationship mean the same column", func(b *bench) {
		b.do("keys.create", b.related("a.bs>b:one_to_many", "b.a>a:one_to_one"))
		b.no(b.set("b", "b1", "a_id", "a1"))
		b.permanent(b.set("b", "b2", "a_id", "a1"))
	}},
	{"an entity may refer to itself, and be undone", func(b *bench) {
		args := b.related("a.parent>a:many_to_one", "a.friends>a:many_to_many")
		b.do("keys.create", args)
		b.no(b.set("a", "a1", "parent_id", "a2"))
		b.undo("keys.create", args)
		b.permanent(b.set("a", "a1", "parent_id", "a1"), "data/parent_id")
	}},
	{"all kinds are undone, and can be created again", func(b *bench) {
		args := b.related("a.one>b:one_to_one", "a.many>b:one_to_many", "a.to>b:many_to_one", "a.both>b:many_to_many")
		b.do("keys.create", args)
		b.no(b.set("a", "a1", "one_id", "b1"))
		b.undo("keys.create", args)
		b.permanent(b.set("a", "a1", "one_id", "b2"), "data/one_id")
		b.doAs("again", "keys.create", args)
		b.no(b.set("b", "b1", "a_id", "a1"))
	}},
	{"what cannot be is refused, and nothing is created", func(b *bench) {
		b.related()
		long := strings.Repeat("x", 44)
		for _, c := range []struct{ relation, words string }{
			{"nowhere", `{"rel":{"target":"c","type":"many_to_one"}}`},
			{"type", `{"rel":{"target":"b","type":"many"}}`},
			{"Bad Name", `{"Bad Name":{"target":"b","type":"many_to_one"}}`},
			{"user_id", `{"user":{"target":"b","type":"many_to_one"}}`},
			{"63", `{"` + long + `":{"target":"` + long + `","type":"many_to_many"}}`},
		} {
			name := "a"
			if c.relation == "63" {
				name = long
			}
			list := []object{{"name": "b"}, {"name": name, "relationships": rawObject(b, c.words)}}
			b.refused(c.relation, "keys.create", object{"entities": list}, "entities/"+name)
		}
		b.permanent(b.set("a", "a1", "rel_id", "b1"), "data/rel_id")
	}},
}
