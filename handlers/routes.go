package handlers

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// patience bounds every request but event streams. Heroku's router cuts at 30 s; our own 503 comes before that.
const patience = 28 * time.Second

// route is one endpoint.
type route struct {
	method string
	path   string
	role   Role // the least role that may call it; zero: anybody
	handle gin.HandlerFunc
	stream bool // may last longer than patience
	starts bool // starts tasks, and is refused when there are too many

	audited string // what the audit calls it; empty: it changes nothing, or only starts tasks
	payload bool   // the body is data, of which nothing goes into the audit
}

// routes is every endpoint. A test compares it with openapi.json.
func (a *API) routes() []route {
	probes := []route{
		{method: http.MethodGet, path: "/healthz", handle: a.healthz},
		{method: http.MethodGet, path: "/readyz", handle: a.readyz},
		{method: http.MethodGet, path: "/problems/:slug", handle: a.explainProblem},
	}
	if a.tasks == nil {
		return probes
	}
	return append(probes, []route{
		{method: http.MethodGet, path: "/openapi.json", handle: a.openAPI},
		{method: http.MethodGet, path: "/reference", handle: a.readOpenAPI},

		{method: http.MethodGet, path: "/ui/session", handle: a.getSession},
		{method: http.MethodPost, path: "/ui/session", handle: a.signIn},
		{method: http.MethodDelete, path: "/ui/session", handle: a.signOut},

		{method: http.MethodGet, path: "/v1/types", role: RoleReader, handle: a.listTypes},
		{method: http.MethodGet, path: "/v1/types/:name", role: RoleReader, handle: a.getType},

		{method: http.MethodGet, path: "/schemas/workflow-1.json", handle: a.definitionSchema},
		{method: http.MethodGet, path: "/v1/workflows", role: RoleReader, handle: a.listWorkflows},
		{method: http.MethodGet, path: "/v1/workflows/:id", role: RoleReader, handle: a.listVersions},
		{method: http.MethodGet, path: "/v1/workflows/:id/versions/:version", role: RoleOperator, handle: a.getVersion},
		{method: http.MethodGet, path: "/v1/workflows/:id/diff", role: RoleOperator, handle: a.compareVersions},
		{method: http.MethodGet, path: "/v1/workflows/:id/audit", role: RoleOperator, handle: a.listNotes},
		{method: http.MethodPost, path: "/v1/workflows", role: RoleOperator, handle: a.deployWorkflow, audited: "deploy", payload: true},
		{method: http.MethodPost, path: "/v1/workflows/:id/state", role: RoleOperator, handle: a.changeVersion, audited: "change-version"},

		{method: http.MethodGet, path: "/v1/scale", role: RoleReader, handle: a.getScale},
		{method: http.MethodGet, path: "/v1/overview", role: RoleReader, handle: a.getOverview},
		{method: http.MethodGet, path: "/v1/queues", role: RoleReader, handle: a.listQueues},
		{method: http.MethodGet, path: "/v1/pauses", role: RoleReader, handle: a.listPauses},
		{method: http.MethodPut, path: "/v1/pauses/:kind/:name", role: RoleOperator, handle: a.pause, audited: "pause"},
		{method: http.MethodDelete, path: "/v1/pauses/:kind/:name", role: RoleOperator, handle: a.resume, audited: "resume"},

		{method: http.MethodGet, path: "/v1/tasks", role: RoleReader, handle: a.listTasks},
		{method: http.MethodGet, path: "/v1/tasks/counts", role: RoleReader, handle: a.countTasks},
		{method: http.MethodGet, path: "/v1/tasks/:id", role: RoleReader, handle: a.getTask},
		{method: http.MethodGet, path: "/v1/human-tasks", role: RoleStarter, handle: a.listHumans},
		{method: http.MethodGet, path: "/v1/tasks/:id/events", role: RoleReader, handle: a.streamEvents, stream: true},

		{method: http.MethodPost, path: "/v1/tasks", role: RoleStarter, handle: a.startTask, starts: true},
		{method: http.MethodPost, path: "/v1/tasks/batch", role: RoleStarter, handle: a.startBatch, starts: true},
		{method: http.MethodPost, path: "/v1/tasks/bulk/cancel", role: RoleStarter, handle: a.bulkCancel, audited: "bulk-cancel"},
		{method: http.MethodPost, path: "/v1/tasks/bulk/retry", role: RoleStarter, handle: a.bulkRetry, audited: "bulk-retry", starts: true},
		{method: http.MethodPost, path: "/v1/tasks/:id/cancel", role: RoleStarter, handle: a.cancelTask, audited: "cancel"},
		{method: http.MethodPost, path: "/v1/tasks/:id/signals/:name", role: RoleStarter, handle: a.signalTask, audited: "signal", payload: true},
		{method: http.MethodPost, path: "/v1/tasks/:id/human/:step", role: RoleStarter, handle: a.answerHuman, audited: "answer"},
		{method: http.MethodPost, path: "/v1/tasks/:id/retry", role: RoleStarter, handle: a.retryTask, audited: "retry", starts: true},

		{method: http.MethodGet, path: "/v1/executions", role: RoleReader, handle: a.listExecutions},
		{method: http.MethodPost, path: "/v1/executions", role: RoleStarter, handle: a.startExecution, starts: true},

		{method: http.MethodPost, path: "/v1/signals/:name", role: RoleStarter, handle: a.raiseSignal, starts: true},
		{method: http.MethodPost, path: "/v1/hooks/entities", handle: a.entityHook, starts: true}, // has a secret of its own

		{method: http.MethodPost, path: "/v1/tasks/:id/resolve", role: RoleOperator, handle: a.resolveTask, audited: "resolve"},

		{method: http.MethodGet, path: "/v1/tasks/:id/deliveries", role: RoleReader, handle: a.listTaskDeliveries},
		{method: http.MethodGet, path: "/v1/webhooks", role: RoleOperator, handle: a.listWebhooks},
		{method: http.MethodPost, path: "/v1/webhooks", role: RoleOperator, handle: a.addWebhook, audited: "add-webhook"},
		{method: http.MethodGet, path: "/v1/webhooks/:id", role: RoleOperator, handle: a.getWebhook},
		{method: http.MethodPatch, path: "/v1/webhooks/:id", role: RoleOperator, handle: a.changeWebhook, audited: "change-webhook"},
		{method: http.MethodDelete, path: "/v1/webhooks/:id", role: RoleOperator, handle: a.removeWebhook, audited: "remove-webhook"},
		{method: http.MethodPost, path: "/v1/webhooks/:id/test", role: RoleOperator, handle: a.testWebhook, audited: "test-webhook", starts: true},
		{method: http.MethodGet, path: "/v1/webhooks/:id/deliveries", role: RoleOperator, handle: a.listDeliveries},

		{method: http.MethodGet, path: "/v1/dead-letters", role: RoleOperator, handle: a.listDeadLetters},
		{method: http.MethodPost, path: "/v1/dead-letters/resend", role: RoleOperator, handle: a.resendDeadLetters, audited: "resend"},
		{method: http.MethodGet, path: "/v1/audit", role: RoleOperator, handle: a.listActions},
		{method: http.MethodPost, path: "/v1/deletions", role: RoleOperator, handle: a.deleteSubject, audited: "delete"},
	}...)
}

// chain is what runs for a route, after the middleware of the engine.
func (a *API) chain(r route) []gin.HandlerFunc {
	chain := []gin.HandlerFunc{private}
	if r.role != 0 {
		chain = append(chain, a.Guard(r.role))
	}
	if a.admit != nil {
		chain = append(chain, func(c *gin.Context) { a.admit(c, r.role != 0) })
	}
	if r.starts {
		chain = append(chain, a.unlessOverloaded)
	}
	if !r.stream {
		chain = append(chain, bounded)
	}
	if r.audited != "" {
		chain = append(chain, a.audited(r))
	}
	return append(chain, r.handle)
}

// bounded ends a request that takes too long: whatever it calls fails, and the answer is a 503.
func bounded(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), patience)
	defer cancel()
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}
