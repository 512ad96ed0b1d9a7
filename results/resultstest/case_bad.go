package resultstest

import (
	"encoding/json"
	"strings"

	"github.com/osp-platform/osp/saga"
)

// keywords mean something in SQL, and are good names all the same.
var keywords = []string{"select", "table", "user", "order", "group", "where", "default", "null", "primary", "end", "all"}

// textIn puts a JSON text into a part of a task.
var textIn = map[string]func(t *saga.Task, text string){
	"input":       func(t *saga.Task, text string) { t.Input = json.RawMessage(`{"x":` + text + `}`) },
	"output":      func(t *saga.Task, text string) { t.Output = json.RawMessage(text) },
	"error":       func(t *saga.Task, text string) { t.Error = text },
	"type":        func(t *saga.Task, text string) { t.Type = text },
	"step output": func(t *saga.Task, text string) { t.Steps[0].Output = json.RawMessage(`[` + text + `]`) },
	"step error":  func(t *saga.Task, text string) { t.Steps[0].Error = text },
	"undo error":  func(t *saga.Task, text string) { t.Steps[0].UndoError = text },
	"a key":       func(t *saga.Task, text string) { t.Input = json.RawMessage(`{` + text + `:1}`) },
}

var badCases = []testCase{
	{"no text keeps a row from being stored, wherever it stands", func(b *bench) {
		for part, put := range textIn {
			for name, text := range map[string]string{
				"NUL": `"a\u0000b"`, "a high surrogate": `"a\ud800b"`, "a low one": `"\udfff"`, "two high ones": `"\ud800\ud800"`,
				"bytes that are no UTF-8": "\"\xff\xc0\x80\"", "a NUL byte": "\"a\x00b\"", "half an escape": `"\\ud800"`,
			} {
				if name == "a NUL byte" && !strings.Contains(part, "error") && part != "type" {
					continue // no JSON holds one
				}
				t := b.task(strings.ReplaceAll(part+"."+name, " ", "_"), 1)
				put(&t, text)
				b.save(t)
				got, _ := json.Marshal(b.get(t.ID))
				if strings.Contains(strings.ReplaceAll(string(got), `\\`, ""), `\u0000`) || !json.Valid(got) {
					b.Errorf("%s in the %s came back: %s", name, part, got)
				}
			}
		}
	}},
	{"a megabyte is taken as the output of a step, too", func(b *bench) {
		t := b.task("a", 1)
		t.Steps[0].Output = json.RawMessage(`"` + strings.Repeat("x", saga.MaxOutput) + `"`)
		t.Error = strings.Repeat("é", 1<<20)
		b.save(t)
		b.sameTask(b.get(t.ID), t)
	}},
	{"a table is made once, and each entity has its own name", func(b *bench) {
		b.reserved()
		b.do("schema.create", nil)
		b.refused("twice", "tables.create", object{"entities": []object{{"name": "x"}, {"name": "y"}, {"name": "x"}}}, "entities/x/name", "its own")
		b.do("tables.create", object{"entities": []object{{"name": "x"}}})
		b.refused("again", "tables.create", object{"entities": []object{{"name": "x"}}}, "entities/x/name", "its own")
	}},
	{"a relationship takes nobody's name", func(b *bench) {
		many := func(name, target string) object {
			return object{name: object{"target": target, "type": "many_to_many"}}
		}
		b.related()
		for _, c := range []struct {
			name     string
			entities []object
			words    string
		}{
			{"an entity's", []object{{"name": "a", "relationships": many("x", "b")}, {"name": "b"}, {"name": "a_x"}}, "a_x"},
			{"another's", []object{
				{"name": "a", "relationships": many("b_x", "b")}, {"name": "a_b", "relationships": many("x", "b")}, {"name": "b"},
			}, "a_b_x"},
			{"the owner's column", []object{{"name": "a", "relationships": many("x", "user")}, {"name": "user"}}, "user_id"},
			{"one column twice", []object{{"name": "a", "relationships": many("a", "a")}}, "a_id"},
		} {
			b.refused(c.name, "keys.create", object{"entities": c.entities}, "entities/a", "/relationships/", c.words, "rename")
		}
	}},
	{"words of SQL are names like others", func(b *bench) {
		var list []object
		attributes, row := object{}, object{}
		for _, word := range keywords {
			attributes[word], row[word] = "string", "the "+word
		}
		for _, word := range keywords {
			e := object{"name": word, "attributes": attributes, "relationships": object{
				"from": object{"target": "order", "type": "many_to_one"}, "join": object{"target": "select", "type": "many_to_many"},
			}}
			if word == "user" || word == "select" {
				delete(e["relationships"].(object), "join") // its column would be user_id, or select_id twice
			}
			list = append(list, e)
		}
		args := object{"name": "Words", "entities": list}
		for _, effect := range whole[:6] {
			b.do(effect, args)
		}
		for _, word := range keywords {
			id := b.doAs("insert "+word, "entity.insert", object{"entity": word, "data": row})["row"].(object)["id"]
			for _, column := range keywords {
				b.doAs("update "+word+" "+column, "entity.update",
					object{"entity": word, "id": id, "data": object{column: "new"}})
			}
			rows := b.do("entity.query", object{"entity": word, "filters": object{"select": "new", "all": "new"}})["rows"].([]any)
			same(b, "rows of "+word, len(rows), 1)
			b.doAs("delete "+word, "entity.delete", object{"entity": word, "id": id})
		}
		for i := range whole[:6] {
			b.undo(whole[5-i], args)
		}
	}},
}
