package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

const (
	maxWebhookURL   = 2048
	maxWebhookTypes = 100
)

var (
	webhookURLRule = rule{required: true, holds: upTo(maxWebhookURL), says: "must be a URL of 1 to 2048 bytes"}
	secretNameRule = rule{
		required: true, holds: regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`).MatchString,
		says: "must be the name of a secret, such as SHOP_HOOK for the secret in OSP_SECRET_SHOP_HOOK: never the secret itself",
	}
	secretRefRule = rule{
		holds: regexp.MustCompile(`^\$\{secrets\.[A-Za-z_][A-Za-z0-9_]{0,127}\}$`).MatchString,
		says:  "must name a secret, as ${secrets.SHOP_HOOK} does: a secret itself would be stored",
	}
)

// webhook takes where the task's end is to be told. What is allowed: see [API.permit].
func (o *object) webhook() *saga.TaskWebhook {
	raw := o.raw("webhook")
	if raw == nil || string(raw) == "null" {
		return nil
	}
	members, err := newObject(raw)
	if err != nil {
		o.wrong("webhook", "must be an object")
		return nil
	}
	w := &saga.TaskWebhook{URL: members.text("url", webhookURLRule)}
	w.Secret = strings.TrimSuffix(strings.TrimPrefix(members.text("secret", secretRefRule), "${secrets."), "}")
	_ = members.end() // it tells what it has added to the faults
	for _, f := range members.faults {
		o.faults = append(o.faults, atPointer(pointer("webhook")+*f.Pointer, "%s", f.Detail))
	}
	return w
}

// permitWebhook holds the webhook of a start to what the principal may do. Whoever is limited names no secret, for what it
// signs would be taken for somebody else's word, and no address that is not on the internet.
func (p Principal) permitWebhook(w *saga.TaskWebhook) error {
	if w == nil || !p.bound() {
		return nil
	}
	w.Public = true
	if w.Secret != "" {
		return refuse(forbidden, atPointer("/webhook/secret", "is for API keys that are not bound to a service: leave it out, "+
			"and ask for the task when you are told of it"))
	}
	return nil
}

// permitCancel holds a cancel to what the principal may do.
func (a *API) permitCancel(ctx context.Context, id string) error {
	task, err := a.mine(ctx, id)
	if err != nil {
		return err
	}
	return PrincipalOf(ctx).cancels(task)
}

// cancels tells whether the principal may cancel a task that it may know of. Whoever is limited keeps no webhook of an operator
// from being told: of the deliveries that belong to nobody, only those of tasks' own webhooks are theirs.
func (p Principal) cancels(t saga.Task) error {
	if !p.bound() || t.Type != "webhook.deliver" || t.UserID != saga.NilOwner {
		return nil
	}
	var of struct {
		To json.RawMessage `json:"to"`
	}
	if json.Unmarshal(t.Input, &of) == nil && of.To != nil {
		return nil
	}
	return refuse(forbidden).because("This tells a webhook that operators have registered: it is theirs to cancel.")
}

// addWebhook registers a webhook: POST /v1/webhooks.
func (a *API) addWebhook(c *gin.Context) {
	w, err := a.newWebhook(c)
	if err == nil {
		about(c.Request.Context(), "webhook", w.ID)
		w, err = a.tasks.AddWebhook(c.Request.Context(), w)
	}
	if err != nil {
		a.problem(c, err)
		return
	}
	c.Header("Location", "/v1/webhooks/"+w.ID)
	a.json(c, http.StatusCreated, w)
}

func (a *API) newWebhook(c *gin.Context) (w saga.Webhook, err error) {
	o, err := webhookObject(c)
	if err != nil {
		return w, err
	}
	w = saga.Webhook{
		ID: a.newID(), Service: o.text("service", nameRule), URL: o.text("url", webhookURLRule), SecretName: o.text("secret_name", secretNameRule),
		Events: saga.WebhookEvents, Enabled: true, Reason: o.text("reason", reasonRule), By: PrincipalOf(c.Request.Context()).Name,
	}
	if events := o.events(); events != nil {
		w.Events = *events
	}
	if types := o.types(); types != nil {
		w.Types = *types
	}
	if enabled := o.enabled(); enabled != nil {
		w.Enabled = *enabled
	}
	return w, o.end()
}

// webhookObject reads a body; none counts as an empty object.
func webhookObject(c *gin.Context) (*object, error) {
	data, err := body(c, maxAction)
	if err != nil {
		return nil, err
	}
	return newObject(data)
}

// events takes a list of what a webhook is told; nil when it is missing.
func (o *object) events() *[]saga.WebhookEvent {
	raw := o.raw("events")
	if raw == nil {
		return nil
	}
	var list []saga.WebhookEvent
	if err := json.Unmarshal(raw, &list); err != nil || len(list) == 0 {
		o.wrong("events", "must be a list of at least one of: %s", oneOf(saga.WebhookEvents...).says[len("must be one of: "):])
		return nil
	}
	for i, event := range list {
		if !slices.Contains(saga.WebhookEvents, event) {
			o.faults = append(o.faults, atPointer(pointer("events", index(i)), "%s", oneOf(saga.WebhookEvents...).says))
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	return &list
}

// types takes a list of types of tasks, which may be empty; nil when it is missing.
func (o *object) types() *[]string {
	raw := o.raw("types")
	if raw == nil {
		return nil
	}
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil || list == nil || len(list) > maxWebhookTypes {
		o.wrong("types", "must be a list of up to %d types of tasks", maxWebhookTypes)
		return nil
	}
	for i, name := range list {
		if !typeRule.holds(name) {
			o.faults = append(o.faults, atPointer(pointer("types", index(i)), "%s", typeRule.says))
		}
	}
	return &list
}

// enabled takes true or false; nil when it is missing.
func (o *object) enabled() *bool {
	if o.raw("enabled") == nil {
		return nil
	}
	on := o.flag("enabled")
	return &on
}

// changeWebhook changes a webhook: PATCH /v1/webhooks/{id}.
func (a *API) changeWebhook(c *gin.Context) {
	change, err := webhookChange(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	w, err := a.tasks.ChangeWebhook(c.Request.Context(), change)
	if err != nil {
		a.problem(c, aboutWebhook(err))
		return
	}
	a.json(c, http.StatusOK, w)
}

func webhookChange(c *gin.Context) (change saga.WebhookChange, err error) {
	if change.ID, err = taskID(c); err != nil {
		return change, err
	}
	o, err := webhookObject(c)
	if err != nil {
		return change, err
	}
	if o.raw("url") != nil {
		url := o.text("url", webhookURLRule)
		change.URL = &url
	}
	if o.raw("secret_name") != nil {
		name := o.text("secret_name", secretNameRule)
		change.SecretName = &name
	}
	change.Events, change.Types, change.Enabled = o.events(), o.types(), o.enabled()
	change.Reason, change.By = o.text("reason", reasonRule), PrincipalOf(c.Request.Context()).Name
	nothing := !slices.ContainsFunc([]string{"url", "secret_name", "events", "types", "enabled"}, func(name string) bool { return o.members[name] != nil })
	if nothing {
		o.faults = append(o.faults, atPointer("", "must have at least one of url, secret_name, events, types and enabled"))
	}
	return change, o.end()
}

// aboutWebhook says what is not found.
func aboutWebhook(err error) error {
	if errors.Is(err, saga.ErrNotFound) {
		return refuse(noWebhook)
	}
	return err
}

// removeWebhook removes a webhook: DELETE /v1/webhooks/{id}.
func (a *API) removeWebhook(c *gin.Context) {
	id, err := taskID(c)
	if err == nil {
		err = aboutWebhook(a.tasks.RemoveWebhook(c.Request.Context(), id))
	}
	if err != nil {
		a.problem(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

// testWebhook has a test delivered: POST /v1/webhooks/{id}/test.
func (a *API) testWebhook(c *gin.Context) {
	id, err := taskID(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	ctx := c.Request.Context()
	task, err := a.tasks.TestWebhook(ctx, id, PrincipalOf(ctx).Name)
	if err != nil {
		a.problem(c, aboutWebhook(err))
		return
	}
	a.after(c, http.StatusAccepted, task)
}
