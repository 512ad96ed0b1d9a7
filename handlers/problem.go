package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// problemBase is what `type` begins with; a GET there explains the kind.
const problemBase = "/problems/"

// maxFaults bounds how many faults one answer lists.
const maxFaults = 20

// fault is one thing that is wrong with a request. Exactly one of the first three says where; all three are empty only
// for a body that is wrong as a whole, whose JSON pointer is the empty string.
type fault struct {
	Parameter string  `json:"parameter,omitempty"` // in the path or the query
	Header    string  `json:"header,omitempty"`
	Pointer   *string `json:"pointer,omitempty"` // JSON pointer into the body
	Line      int     `json:"line,omitempty"`    // of the body, from 1
	Column    int     `json:"column,omitempty"`
	Detail    string  `json:"detail"`
}

func atPointer(pointer, format string, args ...any) fault {
	return fault{Pointer: &pointer, Detail: fmt.Sprintf(format, args...)}
}

// problemBody is an RFC 9457 problem as it is sent.
type problemBody struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail"`
	RequestID string  `json:"request_id,omitempty"`
	Errors    []fault `json:"errors,omitempty"`
}

// refusal is an error that this package has found itself.
type refusal struct {
	kind   kind
	detail string
	faults []fault
}

func refuse(k kind, faults ...fault) *refusal {
	return &refusal{kind: k, faults: faults}
}

func (r *refusal) because(format string, args ...any) *refusal {
	r.detail = fmt.Sprintf(format, args...)
	return r
}

func (r *refusal) Error() string {
	parts := []string{r.kind.slug}
	if r.detail != "" {
		parts = append(parts, r.detail)
	}
	for _, f := range r.faults {
		parts = append(parts, f.Detail)
	}
	return strings.Join(parts, ": ")
}

// problem answers a request with an error. It is the only place that does.
func (a *API) problem(c *gin.Context, err error) {
	body, retry := a.describe(c.Request.Context(), err)
	if retry != "" {
		c.Header("Retry-After", retry)
	}
	c.Abort()
	a.write(c, body.Status, "application/problem+json", body)
}

// describe turns an error into what the client is told, and logs what it is not told.
func (a *API) describe(ctx context.Context, err error) (body problemBody, retryAfter string) {
	k, detail, faults := a.judge(err)
	if k.status >= http.StatusInternalServerError {
		level := slog.LevelError
		if k.status != http.StatusInternalServerError { // nothing is wrong with the program
			level = slog.LevelWarn
		}
		a.log.LogAttrs(ctx, level, "request failed", slog.String("problem", k.slug), slog.Any("error", err),
			slog.String("request_id", requestIDOf(ctx)))
	}
	if detail == "" {
		detail = k.detail
	}
	if more := len(faults) - maxFaults; more > 0 {
		faults = faults[:maxFaults]
		detail += fmt.Sprintf(" (%d more are not listed.)", more)
	}
	return problemBody{
		Type: problemBase + k.slug, Title: k.title, Status: k.status, Detail: detail,
		RequestID: requestIDOf(ctx), Errors: faults,
	}, k.retry
}

// judge finds what kind of problem an error is.
func (a *API) judge(err error) (k kind, detail string, faults []fault) {
	if refused, ok := errors.AsType[*refusal](err); ok {
		return refused.kind, refused.detail, refused.faults
	}
	if broken, ok := errors.AsType[*saga.InvalidError](err); ok {
		for _, p := range broken.Problems {
			f := atPointer(p.Pointer, "%s", p.Detail)
			f.Line, f.Column = p.Line, p.Column
			faults = append(faults, f)
		}
		return invalid, "", faults
	}
	if asked, ok := errors.AsType[*saga.NotAskedError](err); ok {
		r := notAsked(asked)
		return r.kind, r.detail, nil
	}
	if child, ok := errors.AsType[*saga.ChildError](err); ok {
		return isChild, whoseChild(child), nil
	}
	if wait, ok := errors.AsType[*saga.UnfinishedError](err); ok {
		return unfinished, "Nothing was deleted: " + wait.Error() + ".", nil
	}
	k = kindOf(err)
	if k == unknownType {
		return k, "", []fault{atPointer("/type", "must be one of %s, or the id of a workflow with an active version", strings.Join(a.typeNames(), ", "))}
	}
	return k, "", nil
}

// whoseChild tells which task is to be retried instead.
func whoseChild(child *saga.ChildError) string {
	if child.Parent == "" {
		return "The id is one that children have, and the journal that would tell the parent has expired: run the parent again, " +
			"or start it anew if it has none."
	}
	return fmt.Sprintf("It is the child of %s: run that one again.", child.Parent)
}

// explainProblem answers what the type of a problem links to.
func (a *API) explainProblem(c *gin.Context) {
	for _, k := range kinds {
		if k.slug == c.Param("slug") {
			a.json(c, http.StatusOK, problemBody{Type: problemBase + k.slug, Title: k.title, Status: k.status, Detail: k.detail})
			return
		}
	}
	a.problem(c, refuse(noRoute))
}
