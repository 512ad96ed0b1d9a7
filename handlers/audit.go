package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// Auditor keeps what people did.
type Auditor interface {
	// NoteAction keeps an action; the same id again completes it. When it returns, no death of a process loses it.
	// Errors: [saga.ErrUnavailable].
	NoteAction(ctx context.Context, a saga.Action) error
	// Actions returns a page, the newest first. What was just noted may take a moment to be on it.
	Actions(ctx context.Context, q saga.ActionQuery) ([]saga.Action, error)
}

const (
	noteWithin = 5 * time.Second // for the end of an action, whose client may have gone
	maxWords   = 64 << 10        // of a body that is looked at for words
)

// words are the members of a body that tell what was asked for. Others may be private, and stay out of the audit.
var words = []string{
	"step", "action", "state", "version", "outcome", "dry_run", "all", "ids", "filter", "limit", "service",
}

// note is the entry of the audit that a request makes.
type note struct{ saga.Action }

type noteKey struct{}

// about says what a request's action is about, where the path does not.
func about(ctx context.Context, kind, subject string) {
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		n.Kind, n.Subject = kind, subject
	}
}

// audited has a route's requests noted: before anything is done, and once more with what became of it. What cannot be noted
// is not done. Nothing but a route's flag is needed for that: who, the reason and other words of the body are found here.
func (a *API) audited(r route) gin.HandlerFunc {
	return func(c *gin.Context) {
		if a.audit == nil || r.audited == "deploy" && c.Query("validate") == "only" {
			return
		}
		n := a.noteOf(c, r.audited)
		n.place(c)
		heard := &earful{ReadCloser: c.Request.Body}
		if r.payload {
			n.Reason = clean(c.Query("reason"))
		} else {
			c.Request.Body = heard
		}
		a.noted(c, n, func() {
			c.Next()
			n.hear(heard.whole())
		})
	}
}

// noteOf begins an entry about whoever makes the request.
func (a *API) noteOf(c *gin.Context, action string) *note {
	ctx := c.Request.Context()
	p := PrincipalOf(ctx)
	return &note{saga.Action{
		ID: a.newID(), At: a.now().UTC().Truncate(time.Microsecond), Name: action, By: p.Name, UserID: p.Owner,
		RequestID: requestIDOf(ctx), Outcome: saga.OutcomeBegun, Details: map[string]string{},
	}}
}

// noted does something between the two notes of it. Of users, and of keys of one service, only what was done is noted, and once: a
// task's journal tells it, too, and there may be any number of them, who could fill the audit with what is refused.
func (a *API) noted(c *gin.Context, n *note, do func()) {
	ctx := c.Request.Context()
	once := PrincipalOf(ctx).bound()
	if !once {
		if err := a.audit.NoteAction(ctx, n.Action); err != nil {
			a.problem(c, err)
			return
		}
	}
	c.Request = c.Request.WithContext(context.WithValue(ctx, noteKey{}, n))
	n.Outcome = saga.OutcomeFailed // unless do returns
	defer func() {
		if !once || n.Outcome != saga.OutcomeRefused {
			a.conclude(ctx, n.Action)
		}
	}()
	do()
	n.Outcome = outcomeOf(c.Writer.Status())
}

// conclude notes the end of an action, which has been done: that cannot be refused any longer.
func (a *API) conclude(ctx context.Context, done saga.Action) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteWithin)
	defer cancel()
	if err := a.audit.NoteAction(ctx, done); err != nil {
		a.log.LogAttrs(ctx, slog.LevelError, "the audit lacks how an action ended", slog.Any("error", err), slog.String("action", done.Name),
			slog.String("subject", done.Subject), slog.String("by", done.By), slog.String("outcome", string(done.Outcome)),
			slog.String("request_id", done.RequestID))
	}
}

func outcomeOf(status int) saga.Outcome {
	switch {
	case status < 400:
		return saga.OutcomeDone
	case status < 500:
		return saga.OutcomeRefused
	}
	return saga.OutcomeFailed
}

// place reads a path: /v1/tasks/{id}/… is about a task, /v1/pauses/{kind}/{name} about what kind says. What else it names is a
// detail.
func (n *note) place(c *gin.Context) {
	_, rest, _ := strings.Cut(strings.TrimPrefix(c.FullPath(), "/"), "/")
	n.Kind, _, _ = strings.Cut(rest, "/")
	for _, p := range c.Params {
		switch {
		case p.Key == "id":
			n.Kind, n.Subject = strings.TrimSuffix(n.Kind, "s"), clip(clean(p.Value))
		case p.Key == "kind":
			n.Kind = clip(clean(p.Value))
		case p.Key == "name" && c.Param("kind") != "":
			n.Subject = clip(clean(p.Value))
		default:
			n.Details[p.Key] = clip(clean(p.Value))
		}
	}
}

// hear takes the words of a body.
func (n *note) hear(body []byte) {
	var members map[string]json.RawMessage
	if body == nil || json.Unmarshal(body, &members) != nil {
		return
	}
	if said := textOf(members["reason"]); len(said) <= maxReason && said != "" {
		n.Reason = said
	}
	for _, word := range words {
		if said := textOf(members[word]); said != "" && said != "null" {
			n.Details[word] = clip(said)
		}
	}
}

// textOf is a text as it is, and anything else as JSON.
func textOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = string(raw)
	}
	return clean(s)
}

// clean makes a text one that every store takes.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s[:min(len(s), maxReason)], "?"), "\x00", "")
}

// earful keeps the beginning of what is read.
type earful struct {
	io.ReadCloser

	heard bytes.Buffer
}

// Read implements io.Reader.
func (e *earful) Read(p []byte) (int, error) {
	n, err := e.ReadCloser.Read(p)
	if e.heard.Len() <= maxWords {
		e.heard.Write(p[:n])
	}
	return n, err
}

// whole is the body, unless it was too long.
func (e *earful) whole() []byte {
	if e.heard.Len() > maxWords || e.heard.Len() == 0 {
		return nil
	}
	return e.heard.Bytes()
}

// noteRefused notes that somebody was not let in: without what they typed.
func (a *API) noteRefused(c *gin.Context, how way) {
	ctx := c.Request.Context()
	if err := a.noteSession(c, "sign-in", Principal{}, how, saga.OutcomeRefused); err != nil {
		a.log.LogAttrs(ctx, slog.LevelError, "the audit lacks a sign-in that was refused", slog.Any("error", err),
			slog.String("request_id", requestIDOf(ctx)))
	}
}

// noteSession notes who came in and went out.
func (a *API) noteSession(c *gin.Context, action string, p Principal, how way, outcome saga.Outcome) error {
	if a.audit == nil {
		return nil
	}
	n := a.noteOf(c, action)
	n.Kind, n.By, n.UserID, n.Outcome = "session", p.Name, p.Owner, outcome
	n.Details["address"] = addressOf(c.Request, a.people.Proxies)
	if how != "" {
		n.Details["way"] = string(how)
	}
	return a.audit.NoteAction(c.Request.Context(), n.Action)
}
