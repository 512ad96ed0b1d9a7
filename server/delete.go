package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/tasks"
)

// deleter deletes what is kept of a task, a service or a user.
func (s *Server) deleter() *tasks.Deleter {
	return &tasks.Deleter{Journal: s.journal, Store: s.store, Log: s.log, NewID: newID}
}

// deployer takes workflows in that are data.
func (s *Server) deployer() *tasks.Deployer {
	return &tasks.Deployer{VersionStore: s.store, Catalogue: s.dispatcher.Catalogue}
}

// newExpirer deletes old rows, if there is a retention.
func (s *Server) newExpirer() *results.Expirer {
	if s.config.Retention == 0 {
		return nil
	}
	return &results.Expirer{Store: s.store, Keep: s.config.Retention, Log: s.log, Now: time.Now}
}

// Deletion is a way to delete from outside of a process that serves, with the Redis and the result store that the
// environment names.
type Deletion struct {
	*tasks.Deleter
	server *Server
}

// OpenDeletion opens both. They are closed by Close.
func OpenDeletion(ctx context.Context, env Environment) (*Deletion, error) {
	c, err := Load(RoleWorker, env)
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, log: slog.New(slog.DiscardHandler)}
	if err := s.connect(ctx); err != nil {
		s.close()
		return nil, err
	}
	return &Deletion{Deleter: s.deleter(), server: s}, nil
}

// Close closes what was opened.
func (d *Deletion) Close() { d.server.close() }

// Caller is who the environment says is at the keyboard.
func (e Environment) Caller() string {
	if user, ok := e.Lookup("USER"); ok && user != "" {
		return "osp delete by " + user
	}
	return "osp delete"
}
