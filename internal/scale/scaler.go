package scale

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Driver sets the number of workers on a platform.
type Driver interface {
	// Workers is how many there are meant to be now.
	Workers(ctx context.Context) (int, error)
	// SetWorkers says how many there are to be, from 1.
	SetWorkers(ctx context.Context, n int) error
}

// Scaler keeps the number of workers at what the backlog needs: more at once, fewer only when all of the last CoolDown
// needed fewer.
type Scaler struct {
	Backlog  func(ctx context.Context) (int, error)
	Driver   Driver
	Rule     Rule
	Every    time.Duration // between two looks
	CoolDown time.Duration
	DryRun   bool // only tell
	Log      *slog.Logger
	Now      func() time.Time

	begun time.Time
	seen  []need // of the last CoolDown
}

// need is how many workers the backlog needed at a moment.
type need struct {
	at      time.Time
	workers int
}

// patience bounds one look with all its calls.
const patience = 30 * time.Second

// Run looks at the backlog until ctx ends.
func (s *Scaler) Run(ctx context.Context) {
	s.begun = s.Now()
	ticker := time.NewTicker(s.Every)
	defer ticker.Stop()
	for {
		s.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// look sets the number of workers once. What cannot be known or done leaves it as it is, until the next look.
func (s *Scaler) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	backlog, err := s.Backlog(ctx)
	if err != nil {
		s.fail(ctx, "the backlog cannot be read: the number of workers stays as it is", err)
		return
	}
	workers, err := s.Driver.Workers(ctx)
	if err != nil {
		s.fail(ctx, "the platform does not say how many workers there are", err)
		return
	}
	wanted := s.next(s.Rule.Desired(backlog), workers)
	if wanted == workers {
		return
	}
	log := s.Log.With("backlog", backlog, "from", workers, "to", wanted)
	if s.DryRun {
		log.InfoContext(ctx, "workers would be scaled")
		return
	}
	if err := s.Driver.SetWorkers(ctx, wanted); err != nil {
		s.fail(ctx, "workers cannot be scaled", err)
		return
	}
	log.InfoContext(ctx, "workers scaled")
}

// next is how many workers there should be from now on. For fewer, the most that was needed during the last CoolDown
// counts, and a process that has begun since then does not know that yet.
func (s *Scaler) next(needed, workers int) int {
	now := s.Now()
	s.seen = append(s.seen, need{now, needed})
	for len(s.seen) > 0 && now.Sub(s.seen[0].at) > s.CoolDown {
		s.seen = s.seen[1:]
	}
	if needed >= workers {
		return needed
	}
	if now.Sub(s.begun) < s.CoolDown {
		return workers
	}
	most := needed
	for _, n := range s.seen {
		most = max(most, n.workers)
	}
	return min(most, workers)
}

// fail tells of an error, unless it is that the process stops.
func (s *Scaler) fail(ctx context.Context, message string, err error) {
	if !errors.Is(ctx.Err(), context.Canceled) {
		s.Log.WarnContext(ctx, message, "error", err)
	}
}
