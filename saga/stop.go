package saga

import "context"

// told stops the run if it is told to, and tells whether it was.
func (x *run) told(ctx context.Context) bool {
	switch {
	case spoke(x.draining()):
		x.stop("the worker is stopping", false)
	case spoke(x.deliveryEnded(ctx)):
		x.stop("the delivery was cancelled", true)
	case spoke(x.heldEnded()):
		x.stop("the lease ended", true)
	default:
		return false
	}
	return true
}

func spoke(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// heed stops the run before it starts anything if it is to stop.
func (x *run) heed(ctx context.Context) {
	if x.stopping {
		return
	}
	switch {
	case spoke(x.Draining):
		x.stop("the worker is stopping", false)
	case spoke(ctx.Done()):
		x.stop("the delivery was cancelled", true)
	}
}

// draining and its like are channels that speak once: a run that is stopping already waits for its calls only.
func (x *run) draining() <-chan struct{} {
	if x.stopping {
		return nil
	}
	return x.Draining
}

func (x *run) deliveryEnded(ctx context.Context) <-chan struct{} {
	if x.allAsked() {
		return nil
	}
	return ctx.Done()
}

func (x *run) heldEnded() <-chan struct{} {
	if x.allAsked() {
		return nil
	}
	return x.held.Done()
}

func (x *run) allAsked() bool {
	for _, c := range x.calls {
		if !c.asked {
			return false
		}
	}
	return true
}

// stop keeps the run from starting anything; hard also cancels what is under way.
func (x *run) stop(why string, hard bool) {
	x.log.InfoContext(x.held, "no new steps", "why", why)
	x.stopping = true
	if !hard {
		return
	}
	limit := x.Now().Add(slack)
	for _, c := range x.calls {
		c.asked = true
		c.cancel()
		if limit.Before(c.giveUp) {
			c.giveUp = limit
		}
	}
}
