package handlers

import (
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
	t, ok := a.tasks.Type(c.Param("name"))
	if !ok {
		a.problem(c, refuse(noType))
		return
	}
	a.json(c, http.StatusOK, t)
}

func (a *API) typeNames() []string {
	types := a.tasks.Types()
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.Name
	}
	return names
}
