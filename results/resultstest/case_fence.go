package resultstest

import (
	"errors"

	"github.com/osp-platform/osp/saga"
)

var fenceCases = []testCase{
	{"a replay gets the first answer and has no second effect", func(b *bench) {
		b.shop()
		args := object{"entity": "item", "data": object{"name": "tea"}}
		first := b.doAs("x", "entity.insert", args)
		same(b, "replay", b.doAs("x", "entity.insert", args), first)
		same(b, "rows", len(b.items(nil)), 1)
	}},
	{"a later key of the same step is a replay, too", func(b *bench) {
		b.shop()
		args := object{"entity": "item", "data": object{"name": "tea"}}
		first := b.doAs("x", "entity.insert", args)
		f := b.fence("x")
		f.Key += "1"
		again, err := b.try(f, "entity.insert", args)
		b.no(err)
		same(b, "answer", again, first)
		same(b, "rows", len(b.items(nil)), 1)
	}},
	{"another step, and another task, are not", func(b *bench) {
		b.shop()
		args := object{"entity": "item", "data": object{"name": "tea"}}
		b.doAs("x", "entity.insert", args)
		b.doAs("y", "entity.insert", args)
		f := b.fence("x")
		f.Task += "1"
		_, err := b.try(f, "entity.insert", args)
		b.no(err)
		same(b, "rows", len(b.items(nil)), 3)
	}},
	{"an undo of what never happened succeeds, and a do after it is refused", func(b *bench) {
		b.shop()
		args := object{"entity": "item", "data": object{"name": "tea"}}
		b.undoAs("x", "entity.insert", args)
		_, err := b.try(b.fence("x"), "entity.insert", args)
		same(b, "is ErrUndone", errors.Is(err, saga.ErrUndone), true)
		same(b, "rows", len(b.items(nil)), 0)
	}},
	{"a do is refused after it was undone, replay or not", func(b *bench) {
		b.shop()
		args := object{"entity": "item", "data": object{"name": "tea"}}
		b.doAs("x", "entity.insert", args)
		b.undoAs("x", "entity.insert", args)
		_, err := b.try(b.fence("x"), "entity.insert", args)
		same(b, "is ErrUndone", errors.Is(err, saga.ErrUndone), true)
		same(b, "rows", len(b.items(nil)), 0)
	}},
	{"an undo happens once", func(b *bench) {
		b.shop()
		row := b.doAs("new", "entity.insert", object{"entity": "item", "data": object{"name": "tea"}})["row"].(object)
		change := object{"entity": "item", "id": row["id"], "data": object{"name": "milk"}}
		b.doAs("x", "entity.update", change)
		b.undoAs("x", "entity.update", change)
		b.doAs("y", "entity.update", object{"entity": "item", "id": row["id"], "data": object{"name": "coffee"}})
		b.undoAs("x", "entity.update", change)
		same(b, "name", b.items(nil)[0].(object)["name"], "coffee")
	}},
	{"what was refused leaves no fence: it may be tried again", func(b *bench) {
		b.shop()
		b.refused("x", "entity.insert", object{"entity": "item", "data": object{"nam": "tea"}}, "data/nam")
		b.doAs("x", "entity.insert", object{"entity": "item", "data": object{"name": "tea"}})
	}},
	{"a fence that names no step, and an effect that there is not, are refused", func(b *bench) {
		_, err := b.try(saga.Fence{}, "entity.insert", nil)
		b.permanent(err, "fence")
		for _, effect := range []string{"", "entity.drop", "entity_insert(null)", "Entity.insert"} {
			b.refused("x"+effect, effect, nil, "effect")
		}
	}},
	{"a step is not one effect now and another later", func(b *bench) {
		b.shop()
		b.doAs("x", "entity.insert", object{"entity": "item", "data": object{"name": "tea"}})
		b.refused("x", "entity.delete", object{"entity": "item", "id": "1"}, "effect")
	}},
	{"args that are no object are refused", func(b *bench) {
		for _, args := range []string{`null`, `[]`, `"x"`, `{"user_id": "x", "schema": 5}`, `{}`} {
			_, err := b.Apply(b.Context(), b.fence("x"+args), "entity.insert", []byte(args))
			b.permanent(err)
		}
	}},
}
