package server

import (
	"net/http"
	"regexp"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/handlers"
	"github.com/osp-platform/osp/tasks"
)

// handler is what the role answers: the API where it is served, health everywhere.
func (s *Server) handler() http.Handler {
	c := handlers.Config{
		Auth: s.authenticator(), Services: s.store, HookSecrets: s.config.HookSecrets, Ready: s, Log: s.log, Now: time.Now, NewID: newID, Closing: s.closing,
	}
	if s.config.Role == RoleDev {
		c.Middleware = append(c.Middleware, localOnly)
	}
	if s.config.Role.serves() {
		c.Tasks = api{s.dispatcher, s.deleter(), s.deployer(), s.triggers(), s.webhooks, s.gauge, s}
		c.Rate, c.Load = s.config.RateLimit, s.load
	}
	h := handlers.New(c)
	if !s.config.Role.serves() {
		// A worker's port is not for the public, and a worker knows no keys.
		h.GET("/metrics", gin.WrapH(s.gauge))
	} else {
		h.GET("/metrics", h.Guard(handlers.RoleReader), gin.WrapH(s.gauge))
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

// api is all that the handlers need.
type api struct {
	*tasks.Dispatcher
	*tasks.Deleter
	*tasks.Deployer
	*tasks.Triggers
	*tasks.Webhooks
	handlers.Scaler
	handlers.Readiness
}

// triggers listens to signals and databases.
func (s *Server) triggers() *tasks.Triggers {
	return &tasks.Triggers{
		Source: s.store, Tasks: s.dispatcher, Log: s.log, Now: time.Now, Changes: s.dispatcher.Catalogue.Definitions.Changes,
	}
}

// secrets finds named secrets in the environment.
type secrets func(name string) (string, bool)

// Secret implements tasks.Secrets.
func (f secrets) Secret(name string) (string, bool) { return f(name) }

func (s *Server) newHTTP() *tasks.HTTP {
	return tasks.NewHTTP(tasks.HTTPOptions{Secrets: secrets(s.config.Secret), AllowPrivate: s.config.AllowPrivate, Proxy: http.ProxyFromEnvironment})
}
