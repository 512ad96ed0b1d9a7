package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/handlers"
	"github.com/osp-platform/osp/internal/scale"
	"github.com/osp-platform/osp/internal/telemetry"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// platformPatience bounds one call of a platform's API.
const platformPatience = 20 * time.Second

// RunAutoscale is a whole process of the role autoscale: until ctx ends it keeps the number of workers at what the backlog
// in Redis needs, and answers probes on PORT. It needs no result store.
func RunAutoscale(ctx context.Context, c Config, log *slog.Logger) error {
	s := &Server{config: c, log: log, closing: make(chan struct{}), metrics: telemetry.NewMetrics(c.Build, time.Now)}
	defer s.close()
	if err := s.openGauge(ctx); err != nil {
		return err
	}
	return s.autoscale(ctx, newPlatformClient(), "")
}

func (s *Server) openGauge(ctx context.Context) (err error) {
	if s.listener, err = s.listen(ctx); err != nil {
		return err
	}
	s.warn(ctx, s.config.Unknown)
	if s.redis, err = openRedis(s.config.RedisURL, s.config.RedisPool, s.config.RedisTrust); err != nil {
		return err
	}
	s.journal = journal.New(s.redis, journal.Options{Partitions: s.partitions()})
	s.gauge = newGauge(tasks.NewQueue(s.redis), s.journal, s.config)
	s.measure()
	return s.admit(ctx)
}

// admit refuses a Redis that a worker would refuse too: what is due there is nobody's.
func (s *Server) admit(ctx context.Context) error {
	findings, err := checkRedis(ctx, s.redis)
	if err != nil {
		s.log.WarnContext(ctx, "redis cannot be reached: the number of workers stays as it is until then", "error", err)
		return nil
	}
	s.warn(ctx, findings)
	return Refusal(findings)
}

// newPlatformClient follows no redirect: a token goes to the platform and nowhere else.
func newPlatformClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &http.Client{
		Transport: transport, Timeout: platformPatience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (s *Server) autoscale(ctx context.Context, client *http.Client, baseURL string) error {
	defer client.CloseIdleConnections()
	a := s.config.Autoscale
	driver, err := scale.Open(scale.Settings{Platform: a.Platform, Target: a.Target, Token: a.Token, BaseURL: baseURL, Client: client})
	if err != nil {
		return &ConfigError{"OSP_SCALE_TARGET", "is wrong: " + err.Error()}
	}
	scaler := &scale.Scaler{
		Backlog: func(ctx context.Context) (int, error) { _, all, err := s.gauge.due(ctx); return all, err },
		Driver:  driver, Rule: s.config.Scale, Every: a.Every, CoolDown: a.CoolDown, DryRun: a.DryRun, Log: s.log, Now: time.Now,
	}
	s.log.InfoContext(ctx, "ready", "url", s.URL(), "driver", a.Platform, "target", a.Target, "dry_run", a.DryRun,
		"min", s.config.Scale.Min, "max", s.config.Scale.Max, "per_worker", s.config.Scale.PerWorker)
	return s.answerProbes(ctx, scaler.Run)
}

// answerProbes serves health and metrics while work runs, until ctx ends.
func (s *Server) answerProbes(ctx context.Context, work func(context.Context)) error {
	h := handlers.New(handlers.Config{Ready: pinged{s.redis}, Log: s.log, Now: time.Now, NewID: newID, Closing: s.closing})
	h.GET("/metrics", gin.WrapH(s.metrics.Handler()))
	web := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) }}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(s.listener) }()
	working, stop := context.WithCancel(ctx)
	defer stop()
	var loop sync.WaitGroup
	loop.Go(func() { work(working) })
	var err error
	select {
	case <-ctx.Done():
		s.log.InfoContext(ctx, "stopping")
	case err = <-failed:
	}
	close(s.closing)
	stop()
	loop.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.ShutdownTimeout)
	defer cancel()
	return errors.Join(err, web.Shutdown(last))
}

// pinged is ready when Redis answers.
type pinged struct{ redis redis.UniversalClient }

// Ready implements handlers.Readiness.
func (p pinged) Ready(ctx context.Context) error {
	if err := p.redis.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("redis: %w: %w", saga.ErrUnavailable, err)
	}
	return nil
}
