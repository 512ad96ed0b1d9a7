package handlers

import (
	_ "embed"
	"net/http"
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/handlers/reference"
)

//go:embed openapi.json
var openAPIDocument []byte

// openAPI describes the API to machines: GET /openapi.json.
func (a *API) openAPI(c *gin.Context) { c.Data(http.StatusOK, "application/json", openAPIDocument) }

// referencePage is made when it is first asked for.
var referencePage = sync.OnceValues(func() ([]byte, error) { return reference.Page(openAPIDocument) })

// readOpenAPI describes the API to people, by the same document: GET /reference.
func (a *API) readOpenAPI(c *gin.Context) {
	page, err := referencePage()
	if err != nil {
		a.problem(c, err)
		return
	}
	c.Header("Content-Security-Policy", reference.Policy())
	c.Data(http.StatusOK, "text/html; charset=utf-8", page)
}
