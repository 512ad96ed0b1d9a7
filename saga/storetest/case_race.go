package storetest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/osp-platform/osp/saga"
)

var watchCases = []testCase{
	{"an append is told to every watcher of the task", func(b *bench) {
		l := b.claimed("a")
		first, second := b.watch(b.Context(), "a"), b.watch(b.Context(), "a")
		b.append(l, saga.Batch{Read: 1, Facts: []saga.Event{fact("x")}})
		b.told(first)
		b.told(second)
		b.signal("a")
		b.told(first)
		b.told(second)
	}},
	{"signals are merged, never queued", func(b *bench) {
		b.started("a")
		c := b.watch(b.Context(), "a")
		same(b, "room", cap(c), 1)
		for range 10 {
			b.signal("a")
		}
		b.told(c)
	}},
	{"another task's appends are not told", func(b *bench) {
		b.started("a")
		b.started("b")
		of, other := b.watch(b.Context(), "a"), b.watch(b.Context(), "b")
		b.signal("b")
		b.told(other)
		b.signal("a")
		b.told(of)
		// A watcher may be signalled for nothing, when a connection was lost; not each time, though.
		quiet := false
		for i := 0; i < 5 && !quiet; i++ {
			for len(of) > 0 {
				<-of
			}
			for range 2 { // what the first would be told of is told before the second
				b.signal("b")
				b.told(other)
			}
			quiet = len(of) == 0
		}
		same(b, "hears of its own task only", quiet, true)
	}},
	{"a watcher that left is in nobody's way", func(b *bench) {
		b.started("a")
		ctx, cancel := context.WithCancel(b.Context())
		_, stays := b.watch(ctx, "a"), b.watch(b.Context(), "a")
		cancel()
		b.signal("a")
		b.told(stays)
	}},
	{"a watcher that comes when the last has left is told", func(b *bench) {
		b.started("a")
		for range 3 {
			ctx, cancel := context.WithCancel(b.Context())
			c := b.watch(ctx, "a")
			b.signal("a")
			b.told(c)
			cancel()
		}
	}},
	{"a task may be watched before it exists", func(b *bench) {
		c := b.watch(b.Context(), "a")
		b.started("a")
		b.told(c)
	}},
}

func (b *bench) watch(ctx context.Context, id string) <-chan struct{} {
	b.Helper()
	c, err := b.Journal.Watch(ctx, id)
	b.no(err)
	return c
}

// told waits for a signal.
func (b *bench) told(c <-chan struct{}) {
	b.Helper()
	select {
	case <-c:
	case <-time.After(time.Minute):
		b.Fatal("the watcher was not told")
	}
}

var raceCases = []testCase{
	{"of 32 claims at once exactly one wins", func(b *bench) {
		b.started("a")
		var won, busy atomic.Int64
		b.at(32, func(i int) error {
			_, err := b.Journal.Claim(b.Context(), "a", "n"+strconv.Itoa(i))
			var e *saga.BusyError
			switch {
			case err == nil:
				won.Add(1)
			case errors.As(err, &e):
				busy.Add(1)
			default:
				return err
			}
			return nil
		})
		same(b, "won", won.Load(), 1)
		same(b, "busy", busy.Load(), 31)
	}},
	{"of 100 starts at once exactly one is new", func(b *bench) {
		var fresh atomic.Int64
		b.at(100, func(int) error {
			s, err := b.Journal.Start(b.Context(), saga.Start{Created: created("a")})
			if s.New {
				fresh.Add(1)
			}
			return err
		})
		same(b, "new", fresh.Load(), 1)
		same(b, "events", b.kinds("a"), "created")
	}},
	{"of 32 sweepers at once each task is found by one", func(b *bench) {
		for i := range 40 {
			b.parked("a" + strconv.Itoa(i))
			b.signal("a" + strconv.Itoa(i))
			b.started("b" + strconv.Itoa(i))
		}
		b.Advance(3 * time.Second)
		var woken, overdue, dirty atomic.Int64
		b.at(32, func(int) error {
			w, err1 := b.Journal.Woken(b.Context(), 10)
			o, _, err2 := b.Journal.Overdue(b.Context(), 10)
			d, err3 := b.Journal.Dirty(b.Context(), 10)
			woken.Add(int64(len(w)))
			overdue.Add(int64(len(o)))
			dirty.Add(int64(len(d)))
			return errors.Join(err1, err2, err3)
		})
		same(b, "overdue", overdue.Load(), 40)
		same(b, "dirty", dirty.Load(), 80)
		same(b, "woken at least once", woken.Load() >= 40, true)
	}},
	{"messages at once all get their own number", func(b *bench) {
		b.started("a")
		b.at(50, func(i int) error {
			m := signal()
			m.Dedupe = strconv.Itoa(i % 25)
			_, err := b.Journal.Post(b.Context(), "a", m)
			return err
		})
		r := b.read("a")
		same(b, "events", len(r.Events), 26)
		for i, e := range r.Events {
			same(b, "number", e.Seq, int64(i+1))
		}
	}},
	{"signals and appends at once lose nothing", func(b *bench) {
		l := b.claimed("a")
		var decided atomic.Int64
		b.at(2, func(who int) error {
			read := int64(1)
			for range 50 {
				if who == 0 {
					if _, err := b.Journal.Post(b.Context(), "a", signal()); err != nil {
						return err
					}
					continue
				}
				batch := saga.Batch{Read: read, Facts: []saga.Event{fact("x")}, Decisions: []saga.Event{decision("y")}}
				a, err := b.Journal.Append(b.Context(), l, batch)
				if err != nil {
					return err
				}
				read += int64(len(a.Between)) + 1
				if a.Decided {
					decided.Add(1)
					read++
				}
			}
			return nil
		})
		same(b, "events", int64(len(b.read("a").Events)), 1+50+50+decided.Load())
	}},
}

// at runs f n times at once.
func (b *bench) at(n int, f func(i int) error) {
	b.Helper()
	var wg sync.WaitGroup
	start := make(chan struct{})
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	b.no(errors.Join(errs...))
}
