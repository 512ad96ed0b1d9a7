package handlers

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

// eachOf does what is asked for to tasks, some at the same time. It returns how many of them, from the first on, it is through
// with: the rest is left for later, with the reason if that is an error.
func (a *API) eachOf(ctx context.Context, b bulk, list []saga.Task, end time.Time, answer *bulkAnswer) (int, error) {
	for from := 0; from < len(list); {
		if !a.now().Before(end) {
			return from, nil
		}
		some := list[from:min(from+bulkWorkers, len(list))]
		if b.kind.starts {
			n, err := a.rates.upTo(ctx, len(some))
			if err != nil {
				return from, err
			}
			some = some[:n]
		}
		errs := make([]error, len(some))
		var workers sync.WaitGroup
		for i, t := range some {
			workers.Go(func() { errs[i] = a.safely(ctx, b, t) })
		}
		workers.Wait()
		n, err := a.tell(ctx, b, some, errs, answer)
		if from += n; err != nil {
			return from, err
		}
	}
	return len(list), nil
}

// tell adds to an answer what was done to tasks at the same time. It returns how many of them it is through with, and why no more
// should be done now. What was put off is left for later, with all that come after it: for those, it is no harm to be done again.
// Where it is, for a retry without a key starts another task each time, what was put off is refused instead.
func (a *API) tell(ctx context.Context, b bulk, some []saga.Task, errs []error, answer *bulkAnswer) (int, error) {
	putOff := slices.IndexFunc(errs, func(err error) bool { return err != nil && a.passes(err) })
	through := len(some)
	if putOff >= 0 && (!b.kind.starts || b.key != "" || a.nothingElse(errs)) {
		through = putOff
	}
	for i, err := range errs[:through] {
		if errors.Is(err, errOwn) {
			continue
		}
		answer.Matched++
		later := err != nil && a.passes(err)
		switch {
		case err == nil:
			answer.Done++
		case later:
			answer.Refused = append(answer.Refused, refusedTask{some[i].ID, a.sentence(ctx, err) + putOffSays})
		case len(answer.Refused) < maxRefused:
			answer.Refused = append(answer.Refused, refusedTask{some[i].ID, a.sentence(ctx, err)})
		}
	}
	if putOff >= 0 {
		return through, errs[putOff]
	}
	return through, nil
}

const putOffSays = " It was put off, and is not done by the next call: retry it on its own."

// nothingElse tells whether each of some tasks was put off.
func (a *API) nothingElse(errs []error) bool {
	return !slices.ContainsFunc(errs, func(err error) bool { return err == nil || !a.passes(err) })
}

// safely does it in a goroutine of its own, where a panic would end the process.
func (a *API) safely(ctx context.Context, b bulk, t saga.Task) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = a.panicked(ctx, v)
		}
	}()
	return b.kind.do(ctx, b, t)
}

// passes tells whether a refusal is for now only, so that the task is better left for later.
func (a *API) passes(err error) bool {
	k, _, _ := a.judge(err)
	return k.status == http.StatusTooManyRequests || k.status == http.StatusServiceUnavailable
}

// sentence tells in one why a task was refused.
func (a *API) sentence(ctx context.Context, err error) string {
	body, _ := a.describe(ctx, err)
	if len(body.Errors) > 0 && body.Errors[0].Pointer != nil {
		return strings.TrimPrefix(*body.Errors[0].Pointer, "/") + " " + body.Errors[0].Detail
	}
	return body.Detail
}
