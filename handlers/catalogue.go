package handlers

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

type typeList struct {
	Types []saga.TaskType `json:"types"`
}

// listTypes lists the types of tasks there are: GET /v1/types.
func (a *API) listTypes(c *gin.Context) {
	types := a.tasks.Types()
	if types == nil {
		types = []saga.TaskType{}
	}
	a.json(c, http.StatusOK, typeList{types})
}

// getType answers with one type, and the schema of its input: GET /v1/types/{name}.
func (a *API) getType(c *gin.Context) {
	t, err := a.typeNamed(c)
	if errors.Is(err, saga.ErrNotFound) {
		err = refuse(noType)
	}
	if err != nil {
		a.problem(c, err)
		return
	}
	a.json(c, http.StatusOK, t)
}

// typeNamed finds a type that is built in or, as a start in the service would, a workflow that is data.
func (a *API) typeNamed(c *gin.Context) (saga.TaskType, error) {
	w, err := onlyWorkflow(c, "name")
	if err != nil {
		return saga.TaskType{}, err
	}
	if t, ok := a.tasks.Type(w.ID); ok {
		return t, nil
	}
	ctx := c.Request.Context()
	if _, err := a.servicesSeen(ctx, w.Service); err != nil {
		return saga.TaskType{}, err
	}
	w.Service = cmp.Or(w.Service, PrincipalOf(ctx).Service)
	return a.tasks.Startable(ctx, w)
}

func (a *API) typeNames() []string {
	types := a.tasks.Types()
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.Name
	}
	return names
}
