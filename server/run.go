package server

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// Run serves until ctx ends, then stops in reverse order: no new steps, running ones get their time, the rest is parked
// for other workers, and the rows are written.
func (s *Server) Run(ctx context.Context) error {
	defer s.close()
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var loops sync.WaitGroup
	failed := make(chan error, 2)
	loops.Go(func() {
		if err := s.withStore(background, &loops); err != nil {
			failed <- err
		}
	})
	loops.Go(func() { s.sweeper.Run(background) })
	loops.Go(func() { s.seeReplicas(background) })
	loops.Go(func() { s.fair.Run(background) })
	loops.Go(func() { rotate(background, s.rotations()) })
	if s.users != nil {
		loops.Go(func() { s.users.Run(background) })
	}
	if s.load != nil {
		loops.Go(func() { s.load.run(background) })
	}
	loops.Go(func() { s.tellOfStore(background) })
	if s.worker != nil {
		loops.Go(func() { s.limits.Run(background) })
		if err := s.pauses.Look(background); err != nil { // before any task is taken
			s.log.WarnContext(ctx, "it is not known what is paused, trying again", "error", err)
		}
		loops.Go(func() { s.pauses.Run(background) })
		if err := s.worker.Start(); err != nil {
			stop()
			loops.Wait()
			return err
		}
	}
	go func() { failed <- s.http.Serve(s.listener) }()
	s.log.InfoContext(ctx, "ready", "url", s.URL())
	s.tellCallers(ctx)

	var err error
	select {
	case <-ctx.Done():
		s.log.InfoContext(ctx, "stopping")
	case err = <-failed:
	}
	s.stop(background)
	stop()
	loops.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// withStore runs what writes into the result store, once it is known to be the right one.
func (s *Server) withStore(ctx context.Context, loops *sync.WaitGroup) error {
	if err := s.checkLate(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	loops.Go(func() { s.flusher.Run(ctx) })
	loops.Go(func() { s.auditor.Run(ctx) })
	loops.Go(func() { s.recoverAll(ctx) })
	if s.expirer != nil {
		loops.Go(func() { s.expirer.Run(ctx) })
	}
	if s.scheduler != nil {
		loops.Go(func() { s.scheduler.Run(ctx) })
	}
	return nil
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
	if s.public != nil {
		s.public.Close()
	}
	if s.texts != nil {
		s.texts.Close()
	}
	if s.transport != nil {
		s.transport.CloseIdleConnections()
	}
	s.bell.Close()
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
	s.untrace()
}
