package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
	"github.com/osp-platform/osp/tasks/definition"
)

// Caller calls HTTP endpoints. [tasks.HTTP] implements it.
type Caller interface {
	Call(ctx context.Context, c saga.Call, call tasks.HTTPCall) (json.RawMessage, error)
}

// Types hold requests to their types. [tasks.Catalogue] implements it.
type Types interface {
	Validate(r saga.Request) error
}

// Options is what activities act through.
type Options struct {
	Effects tasks.Effects // rows and manifests
	Types   Types         // what may be done with rows is what the types of tasks allow that do the same
	HTTP    Caller        // what activities call; it knows the secrets that they name
	Mailer  Mailer        // nil: OSP_SMTP_URL is not set, and no mail can be sent
	SMS     *Gateway      // nil: OSP_SMS_URL is not set, and no text can be sent
	Log     *slog.Logger  // of log_event
	Now     func() time.Time

	StripeURL, OpenAIURL string // what speaks their protocols; empty: [StripeURL], [OpenAIURL]
}

// Activities carries activities out. It is safe for concurrent use.
type Activities struct {
	Options
	actions map[string]action
}

// action is an activity. Only those that say so may be given names of secrets.
type action struct {
	do      func(ctx context.Context, c saga.Call, params json.RawMessage) (json.RawMessage, error)
	undo    func(ctx context.Context, c saga.Call, params, output json.RawMessage) error
	secrets bool
}

// New makes the activities. None of the options is used before an activity is carried out.
func New(o Options) *Activities {
	a := &Activities{Options: o}
	a.actions = map[string]action{
		"create_entity":   a.rowAction("entity.create", "entity.insert", "row"),
		"update_entity":   a.rowAction("entity.update", "entity.update", "after"),
		"delete_entity":   a.rowAction("entity.delete", "entity.delete", "before"),
		"query_entity":    {do: a.query},
		"update_manifest": {do: a.updateManifest},
		"call_api":        {do: a.callAPI, secrets: true},
		"call_stripe":     {do: a.callStripe, secrets: true},
		"call_openai":     {do: a.callOpenAI, secrets: true},
		"post_webhook":    {do: a.postWebhook, secrets: true},
		"trigger_agent":   {do: triggerAgent, secrets: true},
		"send_email":      {do: a.sendEmail},
		"send_sms":        {do: a.sendSMS},
		"validate_data":   {do: validateData},
		"transform_data":  {do: transformData},
		"log_event":       {do: a.logEvent, secrets: true}, // it logs their names, and does not fail
		"delay":           {do: delay},
	}
	return a
}

// Action implements [definition.Activities].
func (a *Activities) Action(activityType string) (definition.Action, error) {
	made, ok := a.actions[activityType]
	if !ok {
		return definition.Action{}, fmt.Errorf("this program has no activity %q", activityType)
	}
	do := made.do
	if !made.secrets {
		do = withoutSecrets(activityType, do)
	}
	return definition.Action{Do: do, Undo: made.undo}, nil
}

// withoutSecrets refuses names of secrets where their values would be stored or sent to people.
func withoutSecrets(
	activityType string, do func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error),
) func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) {
	return func(ctx context.Context, c saga.Call, params json.RawMessage) (json.RawMessage, error) {
		if bytes.Contains(params, []byte("${secrets.")) {
			return nil, refuse("", "%s takes no secrets: only headers and bodies of calls do", activityType)
		}
		return do(ctx, c, params)
	}
}

// triggerAgent is listed by the platform, but nothing says what an agent is or where it would be.
func triggerAgent(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) {
	return nil, refuse("", "trigger_agent is not supported: call the agent's endpoint by call_api or post_webhook, "+
		"or its model by call_openai")
}
