package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// maxWait is the longest that an answer is held back, in seconds: Heroku's router gives up after 30.
const maxWait = 25

// preferredWait reads `Prefer: wait=N` (RFC 7240), in seconds; 0 when the client does not prefer to wait. A preference
// that cannot be read is ignored, as the RFC wants it, and the first of several counts.
func preferredWait(h http.Header) int {
	for _, header := range h.Values("Prefer") {
		for preference := range strings.SplitSeq(header, ",") {
			preference, _, _ = strings.Cut(preference, ";")
			name, value, _ := strings.Cut(preference, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			value = strings.Trim(strings.TrimSpace(value), `"`)
			if n, ok := digits(value); ok {
				return int(min(n, maxWait))
			}
			return 0
		}
	}
	return 0
}

// settle returns the task when it has ended, when the time that the client prefers to wait is over, or when the process
// is about to stop, whichever comes first.
func (a *API) settle(c *gin.Context, t saga.Task) saga.Task {
	seconds := preferredWait(c.Request.Header)
	if seconds == 0 {
		return t
	}
	c.Header("Preference-Applied", "wait="+strconv.Itoa(seconds))
	if t.State.Finished() {
		return t
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), time.Duration(seconds)*time.Second)
	defer cancel()
	settled, err := a.untilEnd(ctx, t)
	if err != nil && ctx.Err() == nil {
		// The request itself has been done, so its answer stands; only the waiting failed.
		a.log.LogAttrs(ctx, slog.LevelWarn, "wait for a task", slog.String("task", t.ID), slog.Any("error", err),
			slog.String("request_id", requestIDOf(ctx)))
	}
	return settled
}

// untilEnd returns the task as it was last seen.
func (a *API) untilEnd(ctx context.Context, t saga.Task) (saga.Task, error) {
	seat, err := a.feeds.join(ctx, t.ID)
	if err != nil {
		return t, err
	}
	defer seat.leave()
	for {
		// Read after the watch began: what came before it is not told.
		latest, err := seat.task(ctx)
		if err != nil {
			return t, err
		}
		if t = latest; t.State.Finished() {
			return t, nil
		}
		select {
		case _, ok := <-seat.appended:
			if !ok {
				return t, nil
			}
		case <-ctx.Done():
			return seat.atLast(ctx, t)
		case <-a.closing:
			return seat.atLast(ctx, t)
		}
	}
}

// lastLook is how long the answer of a wait that is over may be put off by its last read.
const lastLook = time.Second

// atLast is a task as it is when nobody waits for it any longer: of what was appended last nobody may have heard yet.
func (s *seat) atLast(ctx context.Context, t saga.Task) (saga.Task, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	latest, err := s.task(ctx)
	if err != nil {
		return t, err
	}
	return latest, nil
}
