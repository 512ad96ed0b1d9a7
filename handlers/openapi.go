package handlers

import (
	_ "embed"
	"net/http"

	"github.com/gin-gonic/gin"
)

//go:embed openapi.json
var openAPIDocument []byte

// openAPI describes the API to machines: GET /openapi.json.
func (a *API) openAPI(c *gin.Context) { c.Data(http.StatusOK, "application/json", openAPIDocument) }
