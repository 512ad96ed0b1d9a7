package handlers

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// execution is a task in the words of the OSP app, which calls it by the columns of its table.
type execution struct {
	ExecutionID   string          `json:"execution_id"`
	WorkflowID    string          `json:"workflow_id"`
	ServiceSchema string          `json:"service_schema"`
	UserID        string          `json:"user_id"`
	Status        saga.Status     `json:"status"`
	Input         json.RawMessage `json:"input"`
	Output        json.RawMessage `json:"output"`
	Error         *string         `json:"error"`
	CreatedAt     time.Time       `json:"created_at"`
	StartedAt     *time.Time      `json:"started_at"`
	CompletedAt   *time.Time      `json:"completed_at"`
}

func executionOf(t saga.Task) execution {
	e := execution{
		ExecutionID: t.ID, WorkflowID: t.Type, ServiceSchema: t.Service, UserID: t.UserID, Status: t.Status, Input: t.Input,
		Output: t.Output, CreatedAt: t.CreatedAt, StartedAt: t.StartedAt, CompletedAt: t.CompletedAt,
	}
	if t.Error != "" {
		e.Error = &t.Error
	}
	return e
}

// executions is the app's answer to a list.
type executions struct {
	Success    bool        `json:"success"`
	Executions []execution `json:"executions"`
}

// executed is the app's answer to a start.
type executed struct {
	Success            bool   `json:"success"`
	ExecutionID        string `json:"executionId"`
	TemporalWorkflowID string `json:"temporalWorkflowId"` // the same: the app shows it
	TaskQueue          string `json:"taskQueue"`
	Message            string `json:"message"`
	Mode               string `json:"mode"`
}

// startExecution starts a task as the OSP app asks for one: POST /v1/executions.
func (a *API) startExecution(c *gin.Context) {
	message := "The workflow was accepted: it finishes, or is undone."
	task, _, err := a.start(c, func(o *object) (saga.Request, error) {
		if o.raw("workflowDefinition") != nil {
			message += " The definition in the request was ignored: what runs is the one that was deployed."
		}
		return executeRequest(o)
	})
	if err != nil {
		a.problem(c, a.asTheAppSent(err))
		return
	}
	c.Header("Location", location(task.ID))
	a.json(c, http.StatusOK, executed{
		Success: true, ExecutionID: task.ID, TemporalWorkflowID: task.ID, TaskQueue: task.Service + "-tasks", Message: message, Mode: "osp",
	})
}

// executeRequest reads what POST /v1/executions takes.
func executeRequest(o *object) (saga.Request, error) {
	r := saga.Request{
		Type: o.text("workflowId", typeRule), Service: o.text("serviceSchema", nameRule.mandatory()), Input: o.raw("input"),
	}
	if r.Input == nil {
		r.Input = json.RawMessage(`{}`)
	}
	if err := fits(r.Input); err != nil {
		return r, err
	}
	return r, o.end()
}

// asTheAppSent has what is wrong with a member bear the name that the app gave it.
func (a *API) asTheAppSent(err error) error {
	k, detail, faults := a.judge(err)
	if k.status >= http.StatusInternalServerError {
		return err
	}
	names := map[string]string{"/type": "/workflowId", "/service": "/serviceSchema"}
	told := refuse(k).because("%s", detail)
	for _, f := range faults {
		if f.Pointer != nil && names[*f.Pointer] != "" {
			f = atPointer(names[*f.Pointer], "%s", f.Detail)
		}
		told.faults = append(told.faults, f)
	}
	return told
}

// defaultExecutions is how many the app is shown when it does not say.
const defaultExecutions = 10

// listExecutions answers with tasks as the OSP app lists them, newest first: GET /v1/executions.
func (a *API) listExecutions(c *gin.Context) {
	list, err := a.newestExecutions(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.json(c, http.StatusOK, executions{true, list})
}

func (a *API) newestExecutions(c *gin.Context) ([]execution, error) {
	ctx := c.Request.Context()
	p, err := parseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	q := saga.Query{Service: p.text("service", nameRule), Limit: defaultExecutions}
	if n, ok := digits(p.text("limit", limitRule)); ok {
		q.Limit = int(n)
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	if err := PrincipalOf(ctx).narrow(&q); err != nil {
		return nil, err
	}
	page, err := a.tasks.List(ctx, q)
	if err != nil {
		return nil, err
	}
	list := make([]execution, len(page.Tasks))
	for i, task := range page.Tasks {
		list[i] = executionOf(task)
	}
	return list, nil
}
