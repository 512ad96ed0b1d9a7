package resultstest

import (
	"errors"
	"sync"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// together runs f n times at once.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

var raceCases = []testCase{
	{"many flushers with shuffled versions end with the newest, and never in a deadlock", func(b *bench) {
		const tasks, rounds = 20, 8
		together(rounds, func(i int) {
			var batch []saga.Task
			for j := range tasks {
				n := (j*7 + i*3) % tasks
				t := b.task("t"+string(rune('a'+n)), int64((i*5+n)%rounds+1))
				batch = append(batch, t)
			}
			if _, err := b.Save(b.Context(), results.Rows(batch...)); err != nil {
				b.Errorf("save: %v", err)
			}
		})
		for n := range tasks {
			same(b, "version", b.get(b.id("t"+string(rune('a'+n)))).Version, int64(rounds))
		}
	}},
	{"the same do at once happens once", func(b *bench) {
		b.shop()
		together(8, func(int) { b.doAs("x", "entity.insert", object{"entity": "item", "data": object{"name": "tea"}}) })
		same(b, "rows", len(b.items(nil)), 1)
	}},
	{"a do and its undo at once leave nothing", func(b *bench) {
		b.shop()
		for round := range 5 {
			step := "x" + string(rune('a'+round))
			args := object{"entity": "item", "data": object{"name": "tea"}}
			together(6, func(i int) {
				if i == 3 {
					b.undoAs(step, "entity.insert", args)
					return
				}
				if _, err := b.try(b.fence(step), "entity.insert", args); err != nil && !errors.Is(err, saga.ErrUndone) {
					b.Errorf("do: %v", err)
				}
			})
		}
		same(b, "rows", len(b.items(nil)), 0)
	}},
	{"of many who want a name one gets it", func(b *bench) {
		var mu sync.Mutex
		got := 0
		together(6, func(i int) {
			if _, err := b.try(b.fence("x"+string(rune('a'+i))), "service.reserve", object{"name": "Shop"}); err == nil {
				mu.Lock()
				got++
				mu.Unlock()
			}
		})
		same(b, "got it", got, 1)
	}},
}
