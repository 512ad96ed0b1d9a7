package crashpoints

import (
	"fmt"
	"hash/fnv"
	"runtime"
	"time"

	"github.com/osp-platform/osp/saga"
)

// actor is one of those who make calls in a process. Each takes its own time for a call, so that two never come at the
// same moment and every run of a plan is the same.
type actor struct {
	p     *process
	name  string
	takes time.Duration
}

func (p *process) actor(name string) actor {
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, name, p.n)
	return actor{p, name, time.Millisecond + time.Duration(h.Sum32()%99_991)*10*time.Nanosecond}
}

// call makes a call that changes something, with a place before and a place after it.
func (a actor) call(what string, f func() error) error {
	time.Sleep(a.takes)
	a.reach(place{a.name, what, false})
	err := f()
	if a.reach(place{a.name, what, true}) == lost {
		return saga.ErrUnavailable
	}
	return err
}

// got is the place after a call that has brought something: its answer dies with the process.
func (a actor) got(what string) error {
	if a.reach(place{a.name, what, true}) == lost {
		return saga.ErrUnavailable
	}
	return nil
}

// alive is the place of calls that change nothing: only the dead go no further.
func (a actor) alive() {
	if a.p.isDead() {
		runtime.Goexit()
	}
}

// reach is where a fault may be met. It does not return to the dead.
func (a actor) reach(at place) fault {
	a.alive()
	f := a.p.w.reached(at)
	switch f {
	case crash:
		a.p.die()
	case late:
		time.Sleep(lateness)
	case echo:
		a.p.w.echo()
	case cancel:
		a.p.w.cancel()
	case lost, none:
	}
	a.alive()
	return f
}
