package handlers

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"
)

// Scale is how much work is due, and how many workers it needs.
type Scale struct {
	Backlog int `json:"backlog"`
	Desired int `json:"desired"`
}

// Scaler tells how many workers are needed.
type Scaler interface {
	// Scale reads it from Redis: every process says the same.
	Scale(ctx context.Context) (Scale, error)
}

// getScale tells how many workers there should be: GET /v1/scale.
func (a *API) getScale(c *gin.Context) {
	ctx := c.Request.Context()
	if err := a.everything(ctx); err != nil {
		a.problem(c, err)
		return
	}
	s, err := a.tasks.Scale(ctx)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.json(c, http.StatusOK, s)
}
