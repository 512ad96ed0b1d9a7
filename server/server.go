package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/handlers"
	"github.com/osp-platform/osp/internal/telemetry"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// Server is one process of osp in one role.
type Server struct {
	config Config
	log    *slog.Logger

	embedded   *embeddedRedis // dev only
	redis      redis.UniversalClient
	ungroup    func()
	bell       *tasks.Bell
	journal    *journal.Redis
	store      results.Store
	queue      *tasks.Queue
	gauge      *gauge
	metrics    *telemetry.Metrics
	tracing    *telemetry.Tracing // nil: nothing is traced
	dispatcher *tasks.Dispatcher
	flusher    *results.Flusher
	auditor    *results.Auditor
	sweeper    *tasks.Sweeper
	restorer   *tasks.Restorer
	webhooks   *tasks.Webhooks
	worker     *tasks.Worker    // nil in role api
	scheduler  *tasks.Scheduler // nil in role api
	expirer    *results.Expirer // nil without a retention, and in role api

	load   *load // nil in role worker
	fair   *tasks.Fair
	limits *tasks.Limits
	pauses *tasks.Pauses

	keys      *handlers.KeyRing // nil: everybody may call
	users     *handlers.Tokens  // nil: users' tokens are not accepted
	transport *http.Transport   // of users
	password  handlers.Password // of the operator

	projectKey atomic.Pointer[string] // of Supabase, as it is now

	stored   atomic.Bool       // the result store has answered
	checked  bool              // preflight has seen Redis
	warned   map[string]string // by check: what was said last
	listener net.Listener
	http     *http.Server
	closing  chan struct{} // closed when the server begins to stop
	calls    *tasks.HTTP   // of http.saga, and of the activities of definitions
	public   *tasks.HTTP   // to webhooks of callers who are limited to a user or a service
	texts    *tasks.HTTP   // to the gateway of texts; nil: there is none
	extra    []tasks.Type
}

// New opens everything that the role needs, and listens. Nothing runs before [Server.Run]. Types are task types beside
// those built in.
func New(ctx context.Context, c Config, log *slog.Logger, types ...tasks.Type) (*Server, error) {
	s := &Server{config: c, log: log, closing: make(chan struct{}), extra: types, metrics: telemetry.NewMetrics(c.Build, time.Now)}
	if err := s.open(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *Server) open(ctx context.Context) error {
	var err error
	if s.listener, err = s.listen(ctx); err != nil {
		return err
	}
	s.warn(ctx, s.config.Unknown)
	if err = s.trace(ctx); err != nil {
		return err
	}
	if s.config.Role == RoleDev {
		if s.embedded, err = startEmbeddedRedis(); err != nil {
			return err
		}
		s.redis = s.embedded.client()
	} else if s.redis, err = openRedis(s.config.RedisURL, s.config.RedisPool, s.config.RedisTrust); err != nil {
		return err
	}
	s.bell = tasks.NewBell(s.redis, s.log, time.Now)
	if s.store, err = openStoreThrough(ctx, s.config, s.throughStore); err != nil {
		return err
	}
	if err = s.preflight(ctx); err != nil {
		return err
	}
	s.ungroup = journal.GroupCommit(s.redis)
	if err := s.takeOver(ctx); err != nil {
		return err
	}
	s.journal = journal.New(s.redis, journal.Options{
		Partitions: s.partitions(), LeaseTTL: s.config.Lease, KeepFinished: s.config.KeepFinished,
		Replicated: s.config.Accept == AcceptReplica,
	})
	s.queue = tasks.NewQueue(s.redis)
	s.bell.Connect(s.journal)
	s.gauge = newGauge(s.queue, s.journal, s.config)
	s.measure()
	s.sweeper = tasks.NewSweeper(s.journal, s.queue, s.log, time.Now)
	s.flusher = results.NewFlusher(s.journal, s.store, s.log, time.Now)
	s.auditor = &results.Auditor{Journal: s.journal, Store: s.store, Log: s.log, Now: time.Now}
	s.sweeper.Repaired, s.flusher.Flushed = s.metrics.Repaired, s.metrics.Flushed
	s.restorer = &tasks.Restorer{
		Journal: s.journal, Store: s.store, Queue: s.queue, Log: s.log, Changed: s.flusher.Notify, Nudge: s.sweeper.Nudge,
	}
	s.sweeper.Restorer, s.flusher.Restorer = s.restorer, s.restorer
	if err := s.dispatch(); err != nil {
		return err
	}
	if s.limits, err = s.newLimits(); err != nil {
		return err
	}
	s.pauses = &tasks.Pauses{Journal: s.journal, Log: s.log, Nudge: s.sweeper.Nudge}
	if s.config.Role.works() {
		s.worker = s.newWorker()
	}
	if s.config.Role.works() {
		s.scheduler = &tasks.Scheduler{
			Source: s.store, Definitions: s.dispatcher.Catalogue.Definitions, Ticks: s.journal, Tasks: s.dispatcher, Log: s.log, Now: time.Now,
		}
		s.expirer = s.newExpirer()
	}
	s.callers()
	if s.config.Role.serves() {
		s.load = &load{
			redis: s.redis, queued: s.pending, unwritten: s.journal.DirtyCount, maxBacklog: s.config.MaxBacklog,
			mark: s.config.MaxMemory, log: s.log,
		}
	}
	handler, err := s.handler(ctx)
	if err != nil {
		return err
	}
	s.http = &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	return nil
}

// listen opens the port. Dev is open to everybody, so it listens on loopback only; and it takes any free port when
// nobody asked for one.
func (s *Server) listen(ctx context.Context) (net.Listener, error) {
	host := ""
	if s.config.Role == RoleDev {
		host = "127.0.0.1"
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(s.config.Port)))
	if err != nil && s.config.Role == RoleDev && !s.config.PortGiven {
		l, err = lc.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, &ConfigError{"PORT", fmt.Sprintf("cannot be listened on (%v): set it to a free port", err)}
	}
	return l, nil
}

func (s *Server) dispatch() error {
	s.calls = s.newHTTP()
	s.webhooks = s.newWebhooks()
	catalogue, err := tasks.NewCatalogue(append(tasks.Builtin(s.store, s.calls), append(s.extra, tasks.WebhookDeliver(s.webhooks))...)...)
	if err != nil {
		return fmt.Errorf("the catalogue of task types: %w", err)
	}
	acts, err := s.newActivities(catalogue)
	if err != nil {
		return err
	}
	catalogue.Definitions = &tasks.Definitions{
		Source: s.store, Shelf: s.journal, Activities: acts, Log: s.log, Now: time.Now,
	}
	s.fair = tasks.NewFair(s.journal, s.queue, s.log, 2*s.config.Concurrency, s.config.Queues)
	s.dispatcher = &tasks.Dispatcher{
		Catalogue: catalogue, Journal: s.journal, Queue: s.queue, Rows: s.store, Restorer: s.restorer, Queues: s.config.Queues, Fair: s.fair,
		RowWithin: s.config.waitForRow(), Log: s.log, Now: time.Now, NewID: newID, Changed: s.flusher.Notify, Nudge: s.sweeper.Nudge,
		Started: s.metrics.Started, Webhooks: s.webhooks,
	}
	if s.tracing != nil {
		s.dispatcher.Trace = s.tracing.Traceparent
		s.queue.Headers = s.tracing.Headers
	}
	s.webhooks.Tasks, s.flusher.Teller = s.dispatcher, s.webhooks
	return nil
}

func (s *Server) newWorker() *tasks.Worker {
	runner := &saga.Runner{
		Journal: s.journal, Workflows: s.dispatcher.Catalogue, Children: s.dispatcher, Restorer: s.restorer, Log: s.log, Now: time.Now,
		Random: saga.DefaultRandom, Nonce: newNonce, Changed: s.flusher.Notify, Remember: s.journal.Remember, Ended: s.ended, Limiter: s.limits, Pauser: s.pauses,
		Observer: telemetry.Observer(s.metrics, s.tracing),
	}
	o := tasks.WorkerOptions{
		Opening: s.pauses.Opening(s.limits.Opening(s.dispatcher.Catalogue.Opening)),
		Queues:  s.config.Queues, Concurrency: s.config.Concurrency, CheckInterval: s.config.CheckInterval,
		ShutdownTimeout: s.config.ShutdownTimeout, Log: s.log, Bell: s.bell,
	}
	if s.tracing != nil {
		o.Context = s.tracing.Delivered
	}
	return tasks.NewWorker(s.redis, runner, s.queue, o)
}

// ended has the parent of a child told at once.
func (s *Server) ended(c saga.Created, _ saga.State) {
	if c.Parent != "" {
		s.sweeper.Nudge()
	}
}

// newID makes ids that sort by time. Asynqmon's lists cut ids at the first dash, so there is none.
func newID() string {
	id := uuid.Must(uuid.NewV7())
	return fmt.Sprintf("%x", id[:])
}

// newNonce tells two claims apart that got the same epoch from a Redis that went back in time.
func newNonce() string {
	id := uuid.New()
	return fmt.Sprintf("%x", id[:6])
}

// URL is where the server listens.
func (s *Server) URL() string {
	return "http://" + net.JoinHostPort("localhost", strconv.Itoa(s.port()))
}

func (s *Server) port() int { return s.listener.Addr().(*net.TCPAddr).Port }
