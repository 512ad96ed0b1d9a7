package handlers

import (
	"context"
	"errors"
	"net/http"

	"github.com/osp-platform/osp/saga"
)

// kind is a kind of problem. Its slug is part of the API: `type` is /problems/<slug>.
type kind struct {
	slug   string
	status int
	title  string
	detail string // what to do; answers say it when they have nothing more exact
	retry  string // Retry-After, in seconds
}

// The kinds of problems.
var (
	malformed = kind{
		slug: "malformed", status: http.StatusBadRequest, title: "The body is not JSON",
		detail: "Send one JSON document in UTF-8 and nothing after it.",
	}
	badParameter = kind{
		slug: "bad-parameter", status: http.StatusBadRequest, title: "A parameter or header is wrong",
		detail: "See errors for what is wrong with which one.",
	}
	unauthenticated = kind{
		slug: "unauthenticated", status: http.StatusUnauthorized, title: "Who are you?",
		detail: "Send a valid API key, or the access token of a signed-in user, as Authorization: Bearer …",
	}
	badSignIn = kind{
		slug: "bad-sign-in", status: http.StatusUnauthorized, title: "That does not let you in",
		detail: "Something of it is not right. What lets in is the operator password, an API key, or the e-mail address and password of a user of the project.",
	}
	tooManySignIns = kind{
		slug: "too-many-sign-ins", status: http.StatusTooManyRequests, title: "Too many sign-ins have failed",
		detail: "Try again after Retry-After seconds.", retry: "30",
	}
	badHook = kind{
		slug: "bad-hook", status: http.StatusUnauthorized, title: "Which database is this?",
		detail: "Send the secret of OSP_HOOK_SECRET as Authorization: Bearer …, or sign the body with it as Standard Webhooks say.",
	}
	hooksOff = kind{
		slug: "hooks-off", status: http.StatusNotImplemented, title: "Databases are not listened to",
		detail: "Set OSP_HOOK_SECRET to a secret that the database sends along, such as `echo whsec_$(openssl rand -base64 32)` prints.",
	}
	forbidden = kind{
		slug: "forbidden", status: http.StatusForbidden, title: "Not allowed",
		detail: "Use a key whose role or service, or a user whose tasks, these are.",
	}
	crossSite = kind{
		slug: "cross-site", status: http.StatusForbidden, title: "Refused: a request from another site",
		detail: "A browser sent this from a page of another origin, without a Bearer token.",
	}
	noTask = kind{
		slug: "no-such-task", status: http.StatusNotFound, title: "No such task",
		detail: "No task has this id, or it is another user's, or it has been deleted.",
	}
	noType = kind{
		slug: "no-such-type", status: http.StatusNotFound, title: "No such task type",
		detail: "GET /v1/types lists the types.",
	}
	noWorkflow = kind{
		slug: "no-such-workflow", status: http.StatusNotFound, title: "No such workflow",
		detail: "No workflow of this id, or no such version of it, has been deployed: GET /v1/workflows lists those that are. " +
			"One of a service is asked for with ?service=.",
	}
	noWebhook = kind{
		slug: "no-such-webhook", status: http.StatusNotFound, title: "No such webhook",
		detail: "No webhook has this id, or it has been removed: GET /v1/webhooks lists those that there are.",
	}
	noRoute = kind{
		slug: "no-such-route", status: http.StatusNotFound, title: "Nothing here",
		detail: "GET /openapi.json lists the endpoints.",
	}
	noMethod = kind{
		slug: "method-not-allowed", status: http.StatusMethodNotAllowed, title: "Method not allowed",
		detail: "The Allow header lists the methods that this path has.",
	}
	conflict = kind{
		slug: "conflict", status: http.StatusConflict, title: "The id belongs to another request",
		detail: "A task with this id, or this Idempotency-Key, was started with another type, input, service or user.",
	}
	finished = kind{
		slug: "finished", status: http.StatusConflict, title: "The task has ended",
		detail: "A task that has ended takes no signal and no cancel. To run it again is to start a new one like it: POST …/retry, osp task retry.",
	}
	lost = kind{
		slug: "lost", status: http.StatusConflict, title: "The task is lost",
		detail: "Redis no longer has the journal of this task, and the result store has kept none, so nothing can be done " +
			"about it. POST /v1/tasks/{id}/retry starts a new one like it.",
	}
	unfinished = kind{
		slug: "unfinished", status: http.StatusConflict, title: "The task has not ended",
		detail: "Only a task that has ended can be retried. Cancel it first, or wait for it.",
	}
	isChild = kind{
		slug: "child", status: http.StatusConflict, title: "The task is another's child",
		detail: "A child is run again with its parent: retry that one. On its own it would have its effects beside the parent's.",
	}
	notStuck = kind{
		slug: "not-stuck", status: http.StatusConflict, title: "The task is not stuck",
		detail: "There is nothing to resolve: only a task in the state stuck waits for an operator.",
	}
	noHumanTask = kind{
		slug: "no-such-human-task", status: http.StatusNotFound, title: "No such human task",
		detail: "The task has no step of this path that a person answers. GET /v1/tasks/{id} lists the steps that have begun; " +
			"one in a loop is lines[3]/approve, written lines%5B3%5D%2Fapprove in a URL.",
	}
	notWaiting = kind{
		slug: "not-waiting", status: http.StatusConflict, title: "Nobody's answer is waited for",
		detail: "The step has not begun, or waits no longer.",
	}
	answered = kind{
		slug: "answered", status: http.StatusConflict, title: "It has another answer",
		detail: "Somebody answered before, or you did and said something else: the first answer stands.",
	}
	tooLarge = kind{
		slug: "too-large", status: http.StatusRequestEntityTooLarge, title: "Too large",
		detail: "An input, and a signal's payload, may have 1 MiB, a batch 8 MiB; a task's whole journal has a limit too. " +
			"Pass a reference to large data instead.",
	}
	wrongMedia = kind{
		slug: "unsupported-media-type", status: http.StatusUnsupportedMediaType, title: "Not JSON",
		detail: "Send Content-Type: application/json (curl --json does) without Content-Encoding.",
	}
	invalid = kind{
		slug: "invalid", status: http.StatusUnprocessableEntity, title: "The request breaks a rule",
		detail: "See errors for what is wrong and where.",
	}
	unknownType = kind{
		slug: "unknown-type", status: http.StatusUnprocessableEntity, title: "Unknown task type",
		detail: "GET /v1/types lists the types, GET /v1/workflows the workflows that are data. One of a service is started with its service.",
	}
	tooMany = kind{
		slug: "too-many-requests", status: http.StatusTooManyRequests, title: "Too many tasks in too little time",
		detail: "You have started as many tasks as you may for now (OSP_RATE_LIMIT). Send what is left after Retry-After " +
			"seconds.",
		retry: "1",
	}
	internal = kind{
		slug: "internal", status: http.StatusInternalServerError, title: "Something broke on our side",
		detail: "The log has the cause under this request_id. Sending the same request again is safe with an id or an " +
			"Idempotency-Key.",
	}
	unavailable = kind{
		slug: "unavailable", status: http.StatusServiceUnavailable, title: "Not available right now",
		detail: "Nothing is lost, but it cannot be done, or not be confirmed, at this moment: it may have been taken all the " +
			"same. Send the same request again after Retry-After seconds, with the same id or Idempotency-Key.",
		retry: "2",
	}
	overloaded = kind{
		slug: "overloaded", status: http.StatusServiceUnavailable, title: "Too much to do already",
		detail: "No new task is accepted until there is less to do; those that were accepted go on. Send the same request " +
			"again after Retry-After seconds, with an id or an Idempotency-Key.",
		retry: "10",
	}
)

// kinds is every kind, in the order of the documentation.
var kinds = []kind{
	malformed, badParameter, unauthenticated, badSignIn, tooManySignIns, badHook, forbidden, crossSite, noTask, noType, noWorkflow, noWebhook, noRoute, noMethod, conflict, finished,
	lost, unfinished, isChild, notStuck, noHumanTask, notWaiting, answered, tooLarge, wrongMedia, invalid, unknownType, tooMany, internal, hooksOff, unavailable,
	overloaded,
}

// meanings says which kind of problem an error is. What is not in it is internal.
var meanings = []struct {
	err  error
	kind kind
}{
	{saga.ErrNotFound, noTask},
	{saga.ErrConflict, conflict},
	{saga.ErrFinished, finished},
	{saga.ErrLost, lost},
	{saga.ErrUnfinished, unfinished},
	{saga.ErrNotStuck, notStuck},
	{saga.ErrAnswered, answered},
	{saga.ErrUnknownType, unknownType},
	{saga.ErrTooLarge, tooLarge},
	{saga.ErrUnavailable, unavailable},
	{saga.ErrUnknownEvent, unavailable}, // of a newer release, whose processes can answer
	// The request took too long, or this process is stopping, or the client has gone and will not read it.
	{context.DeadlineExceeded, unavailable},
	{context.Canceled, unavailable},
}

// kindOf looks an error up in the table.
func kindOf(err error) kind {
	for _, m := range meanings {
		if errors.Is(err, m.err) {
			return m.kind
		}
	}
	return internal
}
