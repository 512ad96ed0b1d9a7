package server

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/handlers"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// handler is what the role answers: the API where it is served, health everywhere.
func (s *Server) handler() http.Handler {
	c := handlers.Config{
		Ready: s, Log: s.log, Now: time.Now, NewID: newID, Closing: s.closing,
	}
	if s.config.Role == RoleDev {
		c.Middleware = append(c.Middleware, localOnly)
	}
	if !s.config.Open {
		c.Auth = handlers.Keys(s.config.Keys)
	}
	if s.config.Role.serves() {
		c.Tasks = api{s.dispatcher, s}
	}
	h := handlers.New(c)
	if s.config.Role.serves() {
		// Without authentication only dev lets the monitor change anything, and it listens on loopback only.
		readOnly := s.config.Open && s.config.Role != RoleDev
		h.GET(monitorPath, func(c *gin.Context) { c.Redirect(http.StatusMovedPermanently, monitorPath+"/") })
		h.Any(monitorPath+"/*any", h.BrowserGuard(handlers.RoleOperator), gin.WrapH(monitor(s.redis, readOnly)))
		h.GET("/", func(c *gin.Context) { c.Redirect(http.StatusFound, monitorPath+"/") })
	}
	return h
}

var localHost = regexp.MustCompile(`(?i)^(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?$`).MatchString

// localOnly refuses requests to another host than this machine. Dev is open, and a page of a site whose name was made to
// point here (DNS rebinding) is of the same origin to the browser: only the Host header tells.
func localOnly(c *gin.Context) {
	if localHost(c.Request.Host) {
		return
	}
	c.Header("Content-Type", "application/problem+json")
	c.AbortWithStatusJSON(http.StatusMisdirectedRequest, gin.H{
		"type": "about:blank", "title": http.StatusText(http.StatusMisdirectedRequest), "status": http.StatusMisdirectedRequest,
		"detail": "osp dev answers to localhost, 127.0.0.1 and [::1] only. To serve other hosts, run osp all.",
	})
}

// api is the dispatcher with the server's readiness: all that the handlers need.
type api struct {
	*tasks.Dispatcher
	handlers.Readiness
}

// Ready tells whether Redis answers, and whether the result store has ever answered. Tasks are accepted and carried out
// while the store is away, so that must not take every pod out of service; but a wrong key shows before the first task.
func (s *Server) Ready(ctx context.Context) error {
	if err := s.redis.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("redis: %w: %w", saga.ErrUnavailable, err)
	}
	if s.stored.Load() {
		return nil
	}
	if err := s.store.Ping(ctx); err != nil {
		return fmt.Errorf("result store: %w", err)
	}
	s.stored.Store(true)
	return nil
}

// secrets finds named secrets in the environment.
type secrets func(name string) (string, bool)

// Secret implements tasks.Secrets.
func (f secrets) Secret(name string) (string, bool) { return f(name) }

func (s *Server) newHTTP() *tasks.HTTP {
	return tasks.NewHTTP(tasks.HTTPOptions{Secrets: secrets(s.config.Secret), AllowPrivate: s.config.AllowPrivate, Proxy: http.ProxyFromEnvironment})
}
