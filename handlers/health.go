package handlers

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// readyWithin is less than what platforms give a probe, so that it learns why.
const readyWithin = 2 * time.Second

type health struct {
	Status string `json:"status"`
}

// healthz tells that the process lives: GET /healthz. It asks nobody, for restarting us mends neither Redis nor Supabase.
func (a *API) healthz(c *gin.Context) { a.json(c, http.StatusOK, health{"ok"}) }

// readyz tells whether requests should be sent here: GET /readyz.
func (a *API) readyz(c *gin.Context) {
	select {
	case <-a.closing:
		a.problem(c, refuse(unavailable).because("The process is about to stop."))
		return
	default:
	}
	if a.ready != nil {
		ctx, cancel := context.WithTimeout(c.Request.Context(), readyWithin)
		defer cancel()
		if err := a.ready.Ready(ctx); err != nil {
			a.problem(c, fmt.Errorf("not ready: %w: %w", saga.ErrUnavailable, err))
			return
		}
	}
	a.json(c, http.StatusOK, health{"ready"})
}
