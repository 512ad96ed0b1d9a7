package tasks

import (
	"net/http"
	"strconv"
	"time"

	"github.com/osp-platform/osp/saga"
)

// outcome is what an answer's status means for the step.
type outcome uint8

const (
	succeeded  outcome = iota
	again              // retried by the step's policy, not before Retry-After
	refused            // permanent, and certainly without effect
	conflicted         // permanent, but whether there was an effect is not known
)

// outcomeOf judges a status. A refusal by 4xx says that the request was not carried out. 409 does not: it is also what
// an endpoint answers while an earlier attempt with the same idempotency key is still under way. 408, 425 and 429 ask
// for another attempt, whose key stays the same. What is left are redirects that lead nowhere.
func outcomeOf(status int) outcome {
	switch {
	case status >= 200 && status < 300:
		return succeeded
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		return again
	case status >= 500:
		return again
	case status == http.StatusConflict:
		return conflicted
	case status >= 400:
		return refused
	}
	return conflicted
}

// alreadyGone tells whether an undo's answer means that there is nothing left to undo: what it would delete is not
// there, or the do whose outcome is not known never happened.
func alreadyGone(status int, method string, doKnown bool) bool {
	gone := status == http.StatusNotFound || status == http.StatusGone
	return gone && (method == http.MethodDelete || !doKnown)
}

// mark gives err what the outcome says about further attempts. After a redirect a refusal proves nothing: the endpoint
// that redirected may have acted.
func (o outcome) mark(err error, redirected bool, after time.Duration) error {
	switch o {
	case again:
		return saga.RetryAfter(err, after)
	case refused:
		if !redirected {
			err = saga.Definite(err)
		}
		return saga.Permanent(err)
	case conflicted:
		return saga.Permanent(err)
	case succeeded:
	}
	return nil
}

// maxRetryAfter is the longest that an endpoint may keep a step waiting between two attempts.
const maxRetryAfter = time.Hour

// retryAfter reads the header: seconds, or a date, which is held to the endpoint's own clock.
func retryAfter(h http.Header, most time.Duration) time.Duration {
	raw := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(raw, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, most)
	}
	until, err1 := http.ParseTime(raw)
	now, err2 := http.ParseTime(h.Get("Date"))
	if err1 != nil || err2 != nil {
		return 0
	}
	return max(0, min(until.Sub(now), most))
}
