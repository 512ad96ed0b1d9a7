package handlers

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// json answers with v.
func (a *API) json(c *gin.Context, status int, v any) { a.write(c, status, "application/json", v) }

// write encodes before it sends, so that a value that cannot be encoded is a 500 and not half an answer.
func (a *API) write(c *gin.Context, status int, contentType string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		a.problem(c, fmt.Errorf("encode the answer: %w", err)) // a problem itself can always be encoded
		return
	}
	c.Data(status, contentType, append(body, '\n'))
}

// task answers with a task.
func (a *API) task(c *gin.Context, status int, t saga.Task) { a.json(c, status, shown(t)) }

// location is where a task is found.
func location(id string) string { return "/v1/tasks/" + id } // every character of an id may stand in a path

// shown is a task as clients see it: steps is a list even before there are any.
func shown(t saga.Task) saga.Task {
	if t.Steps == nil {
		t.Steps = []saga.StepView{}
	}
	return t
}

// after answers a request that set a task going: with where to find it, and, if the client prefers to wait, as it is
// when it has ended or the time is over.
func (a *API) after(c *gin.Context, status int, t saga.Task) {
	c.Header("Location", location(t.ID))
	t = a.settle(c, t)
	if t.State.Finished() {
		status = http.StatusOK
	}
	a.task(c, status, t)
}
