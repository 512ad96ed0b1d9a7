package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/tasks"
)

// takeOver has an osp dev restore the tasks of the earlier one: its Redis was inside the process, and is gone with it. So nobody else
// may use its file at the same time: each would carry out the tasks that the other has in its Redis.
func (s *Server) takeOver(ctx context.Context) error {
	file, ok := s.store.(*results.SQLite)
	if !ok {
		return nil
	}
	if s.config.Role != RoleDev {
		shared, err := file.Share(ctx)
		switch {
		case err != nil:
			s.log.WarnContext(ctx, "an osp dev on the same file will not see that it is used", "error", err)
		case !shared:
			return &ConfigError{"OSP_RESULTS", "names a file that an osp dev uses: stop that one, or give it another file"}
		}
		return nil
	}
	alone, err := file.Hold(ctx)
	switch {
	case err != nil:
		return &ConfigError{"OSP_RESULTS", fmt.Sprintf("names a file that cannot be locked: %v", err)}
	case !alone:
		return &ConfigError{"OSP_RESULTS", "names a file that another process uses, such as an osp dev that runs already, " +
			"which has its tasks in a Redis of its own: set it to sqlite:PATH with another path, or stop that one"}
	}
	s.config.Recover = true
	return nil
}

// recoverEvery is how often a recovery is tried until Redis and the result store answer.
const recoverEvery = 2 * time.Second

// recoverAll finds out once, beside everything else, whether Redis has lost tasks, and restores them if it is to.
func (s *Server) recoverAll(ctx context.Context) {
	retry := time.NewTicker(recoverEvery)
	defer retry.Stop()
	for {
		err := s.recoverOnce(ctx)
		if err == nil {
			return
		}
		s.log.DebugContext(ctx, "it is not known yet whether Redis has lost tasks", "error", err)
		select {
		case <-retry.C:
		case <-s.closing:
			return
		}
	}
}

func (s *Server) recoverOnce(ctx context.Context) error {
	if !s.config.Recover {
		complete, err := s.restorer.Complete(ctx)
		if err == nil && !complete {
			s.log.WarnContext(ctx, "Redis may have lost tasks that the result store keeps: run osp recover. "+
				"If another Redis has them, stop and mend REDIS_URL: they would be carried out twice")
		}
		return err
	}
	r, err := s.restorer.RecoverAll(ctx, false, nil)
	if err == nil {
		s.log.InfoContext(ctx, "recovered", "restored", r.Restored, "there", r.There, "ended", r.Ended, "failed", len(r.Failed))
	}
	return err
}

// RecoverOptions say what [Recover] does.
type RecoverOptions struct {
	Dry  bool // tell only what would be done
	Rows bool // have the rows of all journals written once more
}

// Recover makes the journals of unfinished tasks again that Redis has lost, from what the result store keeps, and has the
// tasks carried on. It may run at any time, beside workers, and any number of times. Progress goes to errs.
func Recover(ctx context.Context, c Config, o RecoverOptions, out, errs io.Writer) error {
	s := &Server{config: c, log: slog.New(slog.DiscardHandler)} // what fails is in the answer
	defer s.close()
	if err := s.connect(ctx); err != nil {
		return err
	}
	restorer := &tasks.Restorer{
		Journal: s.journal, Store: s.store, Queue: tasks.NewQueue(s.redis), Changed: func() {}, Nudge: func() {}, Log: s.log,
	}
	r, err := restorer.RecoverAll(ctx, o.Dry, func(r tasks.Recovery) {
		_, _ = fmt.Fprintf(errs, "%d tasks looked at\n", r.Seen())
	})
	report(out, r, o.Dry)
	if says := nothingLost(r, c); err == nil && says != "" {
		_, _ = fmt.Fprintln(errs, says)
	}
	if err != nil {
		return fmt.Errorf("stopped half-way, run it again: %w", err)
	}
	if o.Rows && !o.Dry {
		n, err := s.journal.MarkAllDirty(ctx)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "rows to be written again: %d\n", n)
	}
	if n := len(r.Failed); n > 0 {
		return fmt.Errorf("%d tasks could not be restored", n)
	}
	return nil
}

// nothingLost tells what was looked at, where there is nothing to restore.
func nothingLost(r tasks.Recovery, c Config) string {
	store := c.SupabaseURL
	if c.SQLite != "" {
		store = "sqlite:" + c.SQLite
	}
	switch {
	case r.Seen() == 0:
		return "There is nothing to restore: the result store (" + store + ") keeps no task that has not ended. " +
			"Is it the one that the workers write to?"
	case r.Restored == 0 && len(r.Failed) == 0:
		return "There is nothing to restore: Redis has the journals of all tasks that have not ended in the result store (" + store + ")."
	}
	return ""
}

// report prints what became of the tasks.
func report(out io.Writer, r tasks.Recovery, dry bool) {
	restored := "restored"
	if dry {
		restored = "to be restored"
	}
	_, _ = fmt.Fprintf(out, "%s %d, there already %d, ended %d, failed %d\n", restored, r.Restored, r.There, r.Ended, len(r.Failed))
	for _, f := range r.Failed {
		err := f.Err
		if inner := errors.Unwrap(err); inner != nil { // without "restore task …", which the id says
			err = inner
		}
		_, _ = fmt.Fprintf(out, "failed %s: %v\n", f.ID, err)
	}
}
