package server

import (
	"time"

	"github.com/osp-platform/osp/tasks"
	"github.com/osp-platform/osp/tasks/activities"
	"github.com/osp-platform/osp/tasks/smtp"
)

// newActivities makes what carries out the activities of definitions, with all that the configuration has set up. It
// needs s.store and s.calls.
func (s *Server) newActivities(types activities.Types) (*activities.Activities, error) {
	o := activities.Options{Effects: s.store, Types: types, HTTP: s.calls, Log: s.log, Now: time.Now, StripeURL: s.config.StripeURL, OpenAIURL: s.config.OpenAIURL}
	if s.config.SMTP != nil {
		o.Mailer = smtp.New(*s.config.SMTP, nil, time.Now)
	}
	if s.config.SMS.URL != "" {
		gateway, err := s.newGateway()
		if err != nil {
			return nil, err
		}
		o.SMS = gateway
	}
	return activities.New(o), nil
}

// smsAuthorization is the name by which the gateway's client, and no other, knows its credential.
const smsAuthorization = "OSP_SMS_AUTHORIZATION"

// newGateway makes a client of the gateway's own. Its address is the operator's choice, and may be a private one; steps
// cannot name its credential.
func (s *Server) newGateway() (*activities.Gateway, error) {
	c := s.config.SMS
	s.texts = tasks.NewHTTP(tasks.HTTPOptions{
		AllowPrivate: true, Traceparent: s.tracing.Traceparent, Through: s.throughCalls(),
		Secrets: secrets(func(name string) (string, bool) { return c.Authorization, name == smsAuthorization }),
	})
	o := activities.GatewayOptions{URL: c.URL, Body: c.Body, From: c.From, HTTP: s.texts}
	if c.Authorization != "" {
		o.Authorization = smsAuthorization
	}
	gateway, err := activities.NewGateway(o)
	if err != nil {
		return nil, &ConfigError{"OSP_SMS_URL", "or OSP_SMS_BODY is wrong: " + err.Error()}
	}
	return gateway, nil
}
