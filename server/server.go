package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

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
	journal    *journal.Redis
	store      results.Store
	queue      *tasks.Queue
	dispatcher *tasks.Dispatcher
	flusher    *results.Flusher
	sweeper    *tasks.Sweeper
	worker     *tasks.Worker // nil in role api

	stored   atomic.Bool // the result store has answered
	listener net.Listener
	http     *http.Server
	closing  chan struct{} // closed when the server begins to stop
	calls    *tasks.HTTP   // of http.saga
	extra    []tasks.Type
}

// New opens everything that the role needs, and listens. Nothing runs before [Server.Run]. Types are task types beside
// those built in.
func New(ctx context.Context, c Config, log *slog.Logger, types ...tasks.Type) (*Server, error) {
	s := &Server{config: c, log: log, closing: make(chan struct{}), extra: types}
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
	if s.config.Role == RoleDev {
		if s.embedded, err = startEmbeddedRedis(); err != nil {
			return err
		}
		s.redis = s.embedded.client()
	} else if s.redis, err = openRedis(s.config.RedisURL, s.config.RedisPool); err != nil {
		return err
	}
	if s.store, err = openStore(ctx, s.config); err != nil {
		return err
	}
	s.ungroup = journal.GroupCommit(s.redis)
	// Another osp dev that shares the file would have the usual port.
	if s.config.Role == RoleDev && !s.config.PortGiven && s.port() == s.config.Port {
		if err := s.closeBooks(ctx); err != nil {
			return err
		}
	}
	s.journal = journal.New(s.redis, journal.Options{LeaseTTL: s.config.Lease, KeepFinished: s.config.KeepFinished})
	s.queue = tasks.NewQueue(s.redis)
	s.sweeper = tasks.NewSweeper(s.journal, s.queue, s.log, time.Now)
	s.flusher = results.NewFlusher(s.journal, s.store, s.log)
	if err := s.dispatch(); err != nil {
		return err
	}
	if s.config.Role.works() {
		s.worker = s.newWorker()
	}
	s.http = &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
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
	catalogue, err := tasks.NewCatalogue(append(tasks.Builtin(s.store, s.calls), s.extra...)...)
	if err != nil {
		return fmt.Errorf("the catalogue of task types: %w", err)
	}
	s.dispatcher = &tasks.Dispatcher{
		Catalogue: catalogue, Journal: s.journal, Queue: s.queue, Rows: s.store, Queues: s.config.Queues,
		Log: s.log, Now: time.Now, NewID: newID, Changed: s.flusher.Notify, Nudge: s.sweeper.Nudge,
	}
	return nil
}

func (s *Server) newWorker() *tasks.Worker {
	runner := &saga.Runner{
		Journal: s.journal, Workflows: s.dispatcher.Catalogue, Children: s.dispatcher, Log: s.log, Now: time.Now,
		Random: saga.DefaultRandom, Nonce: newNonce, Changed: s.flusher.Notify, Ended: s.ended,
	}
	return tasks.NewWorker(s.redis, runner, s.queue, tasks.WorkerOptions{
		Opening: s.dispatcher.Catalogue.Opening,
		Queues:  s.config.Queues, Concurrency: s.config.Concurrency, Servers: s.config.Servers, CheckInterval: s.config.CheckInterval,
		ShutdownTimeout: s.config.ShutdownTimeout, Log: s.log,
	})
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

// Run serves until ctx ends, then stops in reverse order: no new steps, running ones get their time, the rest is parked
// for other workers, and the rows are written.
func (s *Server) Run(ctx context.Context) error {
	defer s.close()
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var loops sync.WaitGroup
	loops.Go(func() { s.flusher.Run(background) })
	loops.Go(func() { s.sweeper.Run(background) })
	if s.worker != nil {
		if err := s.worker.Start(); err != nil {
			return err
		}
	}
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	s.log.InfoContext(ctx, "ready", "url", s.URL())

	var err error
	select {
	case <-ctx.Done():
		s.log.InfoContext(ctx, "stopping")
	case err = <-served:
	}
	s.stop(background)
	stop()
	loops.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// stop ends the traffic and the steps, side by side: both have the same time.
func (s *Server) stop(ctx context.Context) {
	close(s.closing)
	ctx, cancel := context.WithTimeout(ctx, s.config.ShutdownTimeout+slack)
	defer cancel()
	var both sync.WaitGroup
	both.Go(func() {
		s.drain(ctx)
		if err := s.http.Shutdown(ctx); err != nil {
			s.log.WarnContext(ctx, "requests were cut off", "error", err)
			_ = s.http.Close()
		}
	})
	if s.worker != nil {
		both.Go(func() { s.worker.Stop(ctx) })
	}
	both.Wait()
}

// drain goes on answering for a moment, with /readyz at 503, so that whoever sends requests here learns to send them
// elsewhere before the door closes.
func (s *Server) drain(ctx context.Context) {
	if !s.config.Role.serves() || s.config.Drain == 0 {
		return
	}
	select {
	case <-time.After(s.config.Drain):
	case <-ctx.Done():
	}
}

// slack is what the last writes may take after the running steps had their time.
const slack = 2 * time.Second

// close releases what open has opened.
func (s *Server) close() {
	if s.listener != nil {
		_ = s.listener.Close()
	}
	if s.calls != nil {
		s.calls.Close()
	}
	if s.journal != nil {
		_ = s.journal.Close()
	}
	if s.ungroup != nil {
		s.ungroup()
	}
	if s.redis != nil {
		_ = s.redis.Close()
	}
	if s.embedded != nil {
		s.embedded.close()
	}
	if s.store != nil {
		_ = s.store.Close()
	}
}
