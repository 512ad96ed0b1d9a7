package server

import (
	"context"
	"net/http"
	"time"

	"github.com/osp-platform/osp/handlers"
)

// callers sets up who may call, unless that is everybody.
func (s *Server) callers() {
	if s.config.Open {
		return
	}
	s.keys = &handlers.KeyRing{}
	s.keys.Replace(s.config.Keys)
	if u := s.config.Users; u != nil {
		s.transport = &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 5 * time.Second, IdleConnTimeout: time.Minute}
		s.users = handlers.NewTokens(handlers.TokensConfig{
			Issuer: u.Issuer, JWKS: u.JWKS, Secret: u.Secret, Log: s.log, Now: time.Now, Transport: s.transport,
		})
	}
}

// authenticator is what the handlers ask; nil: everybody may do everything.
func (s *Server) authenticator() handlers.Authenticator {
	if s.config.Open {
		return nil
	}
	callers := handlers.Callers{Keys: s.keys}
	if s.users != nil { // an interface that holds a nil pointer is not nil
		callers.Users = s.users
	}
	return callers
}

// tellCallers logs who may call.
func (s *Server) tellCallers(ctx context.Context) {
	if !s.config.Role.serves() {
		return
	}
	bound := 0
	for _, k := range s.config.Keys {
		if k.Service != "" {
			bound++
		}
	}
	s.log.InfoContext(ctx, "who may call", "everybody", s.config.Open, "keys", len(s.config.Keys), "keys_of_one_service", bound,
		"users", s.users != nil)
}
