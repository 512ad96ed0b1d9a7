package server

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/handlers"
	"github.com/osp-platform/osp/handlers/ui"
	"github.com/osp-platform/osp/tasks"
)

// handler is what the role answers: the API where it is served, health everywhere.
func (s *Server) handler(ctx context.Context) (http.Handler, error) {
	c := handlers.Config{
		Auth: s.authenticator(), Services: s.store, HookSecrets: s.config.HookSecrets, Ready: s, Log: s.log, Now: time.Now, NewID: newID, Closing: s.closing,
	}
	c.Middleware = append(c.Middleware, s.watched()...)
	if s.tracing != nil {
		c.Admit = s.tracing.Admit
	}
	if s.config.Role == RoleDev {
		c.Middleware = append(c.Middleware, localOnly)
	}
	if s.config.Role.serves() {
		c.Tasks = api{s.dispatcher, s.deleter(), s.deployer(), s.triggers(), s.webhooks, s.gauge, s.fleet(), s}
		c.Rate, c.Load = s.config.RateLimit, s.load
		c.Sessions, c.Audit = s.sessions(), audit{s}
	}
	h := handlers.New(c)
	if !s.config.Role.serves() {
		// A worker's port is not for the public, and a worker knows no keys.
		h.GET("/metrics", gin.WrapH(s.metrics.Handler()))
	} else {
		h.GET("/metrics", h.Guard(handlers.RoleReader), h.Everything, gin.WrapH(s.metrics.Handler()))
		look, operate, err := s.monitors(ctx)
		if err != nil {
			return nil, err
		}
		h.GET(monitorPath, func(c *gin.Context) { c.Redirect(http.StatusMovedPermanently, monitorPath+"/") })
		h.Any(monitorPath+"/*any", h.Monitor(look, operate)...)
		pages := ui.New()
		for _, path := range ui.Paths {
			h.GET(path, gin.WrapH(pages))
		}
		h.NoRoute(func(c *gin.Context) {
			if c.Request.Method == http.MethodGet && strings.HasPrefix(c.Request.URL.Path, ui.Root) {
				pages.Missing(c.Writer, c.Request)
				return
			}
			h.Nowhere(c)
		})
		h.GET(strings.TrimSuffix(ui.Root, "/"), toPages)
		h.GET("/", toPages)
	}
	return h, nil
}

// monitors are the pages for those who may look, and for those who may operate; nil: nobody may.
func (s *Server) monitors(ctx context.Context) (look, operate http.Handler, err error) {
	if look, err = monitor(ctx, s.redis, true); err != nil {
		return nil, nil, err
	}
	// Without authentication only dev lets the monitor change anything, and it listens on loopback only.
	if s.config.Open && s.config.Role != RoleDev {
		return look, nil, nil
	}
	operate, err = monitor(ctx, s.redis, false)
	return look, operate, err
}

func toPages(c *gin.Context) { c.Redirect(http.StatusFound, ui.Root) }

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
	*tasks.Fleet
	handlers.Readiness
}

// fleet is what operators see and steer of everything.
func (s *Server) fleet() *tasks.Fleet {
	backlog := func(ctx context.Context) (int, error) {
		_, all, err := s.gauge.due(ctx)
		return all, err
	}
	return &tasks.Fleet{
		Journal: s.journal, Queue: s.queue, Queues: s.config.Queues, Rows: s.store, Backlog: backlog, Log: s.log, Now: time.Now,
		BuiltIn: s.dispatcher.Types, Deployed: s.store.Workflows, Paused: s.pauses.Look,
	}
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
	return tasks.NewHTTP(tasks.HTTPOptions{
		Secrets: secrets(s.config.Secret), AllowPrivate: s.config.AllowPrivate, Proxy: http.ProxyFromEnvironment,
		Traceparent: s.tracing.Traceparent, Through: s.throughCalls(),
	})
}
