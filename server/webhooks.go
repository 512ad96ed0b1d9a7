package server

import (
	"time"

	"github.com/osp-platform/osp/tasks"
)

// newWebhooks tells how tasks end. What users and services name as a webhook must be on the internet, also where steps may
// call private addresses.
func (s *Server) newWebhooks() *tasks.Webhooks {
	s.public = tasks.NewHTTP(tasks.HTTPOptions{
		Secrets: secrets(s.config.Secret), Traceparent: s.tracing.Traceparent, Through: s.throughCalls(),
	})
	return &tasks.Webhooks{Source: s.store, HTTP: s.calls, Public: s.public, Log: s.log, Now: time.Now}
}
