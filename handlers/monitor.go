package handlers

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// Monitor serves pages that show everybody's tasks, by two handlers: whoever is a reader and bound to nothing may look, and
// an operator may operate. Operate is nil where nobody may.
func (a *API) Monitor(look, operate http.Handler) []gin.HandlerFunc {
	return []gin.HandlerFunc{a.BrowserGuard(RoleReader), func(c *gin.Context) {
		p := PrincipalOf(c.Request.Context())
		changes := c.Request.Method != http.MethodGet && c.Request.Method != http.MethodHead
		c.Header("Cache-Control", "no-store")
		switch {
		case p.bound():
			a.problem(c, refuse(forbidden).because("The monitor shows everybody's tasks; %s is limited to a user or a service.", p.Name))
		case p.Role == RoleOperator && operate != nil && changes && a.audit != nil:
			n := a.noteOf(c, "monitor")
			n.Kind, n.Subject = "queue", clip(clean(c.Request.URL.Path))
			n.Details["method"] = c.Request.Method
			a.noted(c, n, func() { operate.ServeHTTP(c.Writer, c.Request) })
		case p.Role == RoleOperator && operate != nil:
			operate.ServeHTTP(c.Writer, c.Request)
		case changes && operate == nil:
			a.problem(c, refuse(forbidden).because("The monitor is for looking only here, for everybody may (OSP_AUTH=off)."))
		case changes:
			a.problem(c, p.holds(RoleOperator))
		default:
			look.ServeHTTP(c.Writer, c.Request)
		}
	}}
}
