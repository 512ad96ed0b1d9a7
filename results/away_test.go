package results_test

import (
	"testing"
	"time"
)

// away stops PostgREST for a while under load, and holds the plant to what is promised: no task is slowed or fails, Redis
// grows by the tasks and no more, and all rows are written within a minute of its return. A percentile of the durations
// tells whether tasks are slowed; above it is what else the machine does.
func (p *plant) away(perSecond int, d time.Duration, percentile int) {
	p.Helper()
	p.load(perSecond, time.Second) // connections are made, scripts are loaded
	before := p.load(perSecond, 3*time.Second)
	p.eventually(time.Minute, "rows are written while the store is there", func() bool { return p.rows() == p.started })
	p.supabase.StopREST()
	p.Cleanup(func() { p.supabase.StartREST(p.T) })
	memory, started := p.memory(), p.started
	during := p.load(perSecond, d)
	started = p.started - started
	bytes := (p.memory() - memory) / started
	if dirty := p.dirty(); dirty != int64(started) {
		p.Errorf("%d rows wait, for %d tasks", dirty, started)
	}
	p.supabase.StartREST(p.T)
	// Redis is asked, for counting the rows again and again would keep the database from writing them.
	took := p.eventually(time.Minute, "nothing is dirty any longer", func() bool { return p.dirty() == 0 })
	if n := p.rows(); n != p.started {
		p.Errorf("%d rows of %d tasks are at their end", n, p.started)
	}
	p.Logf("away for %v at %d tasks/s: %d tasks; p50 %v and p99 %v, before %v and %v; %d bytes of Redis each; all written in %v",
		d, perSecond, started, during.percentile(50), during.percentile(99), before.percentile(50), before.percentile(99), bytes,
		took.Round(10*time.Millisecond))
	if len(during) != started {
		p.Errorf("%d of %d tasks have ended", len(during), started)
	}
	if was, is := before.percentile(percentile), during.percentile(percentile); is > 2*was+time.Second {
		p.Errorf("tasks were slowed: p%d is %v, %v before", percentile, is, was)
	}
	if bytes > 6000 {
		p.Errorf("each task takes %d bytes of Redis", bytes)
	}
}

func TestTheStoreIsAwayUnderLoad(t *testing.T) { newPlant(t).away(100, 8*time.Second, 50) }
