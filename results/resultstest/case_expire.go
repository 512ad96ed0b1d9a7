package resultstest

import (
	"errors"
	"time"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// ended is a task that completed so long before the epoch.
func (b *bench) ended(name string, ago time.Duration) saga.Task {
	t := b.task(name, 1)
	at := epoch.Add(-ago)
	t.Status, t.State, t.CreatedAt, t.CompletedAt = saga.StatusCompleted, saga.Completed, at, &at
	return t
}

// gone wants tasks not to be there, and there wants them to be.
func (b *bench) gone(names ...string) {
	b.Helper()
	for _, name := range names {
		if _, err := b.Get(b.Context(), b.id(name)); !errors.Is(err, saga.ErrNotFound) {
			b.Errorf("task %s is there: %v", name, err)
		}
	}
}

func (b *bench) there(names ...string) {
	b.Helper()
	for _, name := range names {
		b.get(b.id(name))
	}
}

// expire deletes what ended more than an hour before the epoch until there is no more.
func (b *bench) expire() {
	b.Helper()
	for {
		n, err := b.Expire(b.Context(), epoch.Add(-time.Hour), 100)
		b.no(err)
		if n < 100 {
			return
		}
	}
}

// saveChild saves a task as a child of another, with a journal that is kept.
func (b *bench) saveChild(t saga.Task, parent string) {
	b.Helper()
	_, err := b.Save(b.Context(), []results.Row{{Task: t, Parent: b.id(parent), Journal: []string{"1:1:1:{}"}}})
	b.no(err)
}

var expireCases = []testCase{
	{"tasks that ended before a moment are deleted, and no others", func(b *bench) {
		cancelled, failed := b.ended("cancelled", 2*time.Hour), b.ended("failed", 2*time.Hour)
		cancelled.Status, cancelled.State = saga.StatusCancelled, saga.Cancelled
		failed.Status, failed.State = saga.StatusFailed, saga.Failed
		running := b.task("running", 1)
		stuck := b.task("stuck", 1)
		stuck.State = saga.Stuck
		b.save(b.ended("old", 61*time.Minute), cancelled, failed, b.ended("young", 59*time.Minute), running, stuck)
		b.expire()
		b.gone("old", "cancelled", "failed")
		b.there("young", "running", "stuck")
	}},
	{"no more than the limit, and how many is told", func(b *bench) {
		b.expire() // what other cases have left
		for _, name := range []string{"a", "b", "c"} {
			b.save(b.ended(name, 2*time.Hour))
		}
		for _, want := range []int{2, 1, 0} {
			n, err := b.Expire(b.Context(), epoch.Add(-time.Hour), 2)
			b.no(err)
			same(b, "deleted", n, want)
		}
	}},
	{"its fences go with it, and no others", func(b *bench) {
		b.shop()
		data := object{"entity": "item", "data": object{"name": "tea"}}
		b.doAs("x", "entity.insert", data)
		b.save(b.ended("other", 2*time.Hour))
		b.expire()
		b.doAs("x", "entity.insert", data)
		same(b, "rows while the fence is there", len(b.items(nil)), 1)
		b.save(b.ended("task", 2*time.Hour))
		b.expire()
		b.doAs("x", "entity.insert", data)
		same(b, "rows without it", len(b.items(nil)), 2)
	}},
	{"a child stays until the tasks above it have ended", func(b *bench) {
		b.save(b.task("top", 1))
		b.saveChild(b.ended("middle", 2*time.Hour), "top")
		b.saveChild(b.ended("child", 2*time.Hour), "middle")
		b.expire()
		b.there("child", "middle", "top")
		top := b.ended("top", time.Minute)
		top.Version = 2
		b.save(top)
		b.saveChild(b.ended("late", 2*time.Hour), "top")
		b.expire()
		b.gone("child", "middle", "late")
		b.there("top")
	}},
	{"many at once delete everything once, and never in a deadlock", func(b *bench) {
		b.expire()
		const tasks, workers = 60, 6
		for i := range tasks {
			b.save(b.ended("t"+string(rune('A'+i)), 2*time.Hour))
		}
		deleted := make([]int, workers)
		together(workers, func(i int) {
			for range tasks {
				n, err := b.Expire(b.Context(), epoch.Add(-time.Hour), 7)
				if err != nil {
					b.Errorf("expire: %v", err)
				}
				deleted[i] += n
			}
		})
		total := 0
		for _, n := range deleted {
			total += n
		}
		same(b, "deleted", total, tasks)
	}},
}
