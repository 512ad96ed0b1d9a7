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
	s.password.Replace(s.config.People.Password)
	s.projectKey.Store(&s.config.SupabaseKey)
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

// sessions says who may sign in with a browser: who may call, and whoever has the operator password.
func (s *Server) sessions() handlers.SessionConfig {
	if s.config.Open {
		return handlers.SessionConfig{}
	}
	c := handlers.SessionConfig{
		Store: s.journal, Operator: &s.password, Keys: s.keys, Lifetime: s.config.People.Lifetime, Idle: s.config.People.Idle,
		Proxies: s.config.People.Proxies,
	}
	if s.users != nil && s.config.SupabaseKey != "" { // without the project's key its Auth answers nobody
		c.Accounts = &handlers.SupabaseAuth{
			URL: s.config.Users.Auth, Key: func() string { return *s.projectKey.Load() }, Now: time.Now, Transport: s.transport,
		}
	}
	return c
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
		"users", s.users != nil, "operator_password", s.config.People.Password != "")
}
