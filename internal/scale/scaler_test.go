package scale

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// platform is a driver that keeps a number, and notes how it was set.
type platform struct {
	workers int
	set     []string
	begun   time.Time
	err     error // of every call
}

func (p *platform) Workers(context.Context) (int, error) { return p.workers, p.err }

func (p *platform) SetWorkers(_ context.Context, n int) error {
	if p.err == nil {
		p.set = append(p.set, fmt.Sprintf("%v: %d", time.Since(p.begun), n))
		p.workers = n
	}
	return p.err
}

// story has a scaler look each 10 s, with a cool-down of a minute, while a backlog changes. Backlog is what it is from a
// second on; -1: it cannot be read.
func story(t *testing.T, workers int, backlog map[int]int, long time.Duration, change ...func(*Scaler, *platform)) (*platform, string) {
	t.Helper()
	p := &platform{workers: workers}
	var log strings.Builder
	synctest.Test(t, func(t *testing.T) {
		p.begun = time.Now()
		s := &Scaler{
			Driver: p, Rule: Rule{Min: 1, Max: 8, PerWorker: 10}, Every: 10 * time.Second, CoolDown: time.Minute, Now: time.Now,
			Log: slog.New(slog.NewTextHandler(&log, nil)),
			Backlog: func(context.Context) (int, error) {
				n, latest := 0, -1
				for second, v := range backlog {
					if second > latest && time.Since(p.begun) >= time.Duration(second)*time.Second {
						n, latest = v, second
					}
				}
				if n < 0 {
					return 0, errors.New("redis is away")
				}
				return n, nil
			},
		}
		for _, c := range change {
			c(s, p)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(long, cancel)
		s.Run(ctx)
	})
	return p, log.String()
}

func TestWorkersFollowTheBacklog(t *testing.T) {
	const long = 5*time.Minute + time.Second
	for _, c := range []struct {
		what    string
		workers int
		backlog map[int]int
		want    string
	}{
		{"as many as are needed stay", 3, map[int]int{0: 30}, ""},
		{"more at once", 1, map[int]int{0: 0, 15: 45}, "20s: 5"},
		{"and more again without waiting", 1, map[int]int{0: 15, 5: 35, 15: 500}, "0s: 2, 10s: 4, 20s: 8"},
		{"never more than the bound", 1, map[int]int{0: 10_000}, "0s: 8"},
		{"fewer when a whole cool-down needed fewer", 1, map[int]int{0: 40, 60: 0}, "0s: 4, 2m0s: 1"},
		{"a dip takes nobody away", 4, map[int]int{0: 40, 60: 0, 100: 40, 130: 0}, "3m10s: 1"},
		{"step by step, as what was needed falls", 6, map[int]int{0: 60, 60: 30, 90: 10}, "2m0s: 3, 2m30s: 1"},
		{"a process that has just begun takes nobody away", 8, map[int]int{0: 0}, "1m0s: 1"},
		{"never none", 0, map[int]int{0: 0}, "0s: 1"},
		{"too many come down to the bound", 20, map[int]int{0: 1000}, "1m0s: 8"},
		{"what cannot be read changes nothing", 5, map[int]int{0: 50, 30: -1}, ""},
		{"and counts for nothing afterwards", 5, map[int]int{0: 50, 30: -1, 200: 20}, "3m20s: 2"},
	} {
		if p, log := story(t, c.workers, c.backlog, long); strings.Join(p.set, ", ") != c.want {
			t.Errorf("%s: %v, want %s\n%s", c.what, p.set, c.want, log)
		}
	}
}

func TestADryRunOnlyTells(t *testing.T) {
	p, log := story(t, 1, map[int]int{0: 25}, 15*time.Second, func(s *Scaler, _ *platform) { s.DryRun = true })
	if p.set != nil || strings.Count(log, "workers would be scaled\" backlog=25 from=1 to=3") != 2 {
		t.Errorf("set %v, log %s", p.set, log)
	}
}

func TestAPlatformThatRefusesIsAskedAgain(t *testing.T) {
	p, log := story(t, 1, map[int]int{0: 25}, time.Minute, func(s *Scaler, p *platform) {
		p.err = errors.New("429")
		backlog := s.Backlog
		s.Backlog = func(ctx context.Context) (int, error) {
			if time.Since(p.begun) >= 30*time.Second {
				p.err = nil
			}
			return backlog(ctx)
		}
	})
	if strings.Join(p.set, ", ") != "30s: 3" || strings.Count(log, "error=429") != 3 {
		t.Errorf("set %v, log %s", p.set, log)
	}
}

func TestAStopIsNoError(t *testing.T) {
	_, log := story(t, 1, nil, 25*time.Second, func(s *Scaler, p *platform) {
		s.Backlog = func(ctx context.Context) (int, error) {
			if time.Since(p.begun) < 20*time.Second {
				return 10, nil
			}
			<-ctx.Done() // it is being asked while the process stops
			return 0, ctx.Err()
		}
	})
	if log != "" {
		t.Error(log)
	}
}

func TestAPlatformThatHangsDoesNotHoldTheScalerForEver(t *testing.T) {
	_, log := story(t, 1, map[int]int{0: 25}, time.Minute, func(s *Scaler, _ *platform) {
		s.Backlog = func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }
	})
	if !strings.Contains(log, "the backlog cannot be read") || !strings.Contains(log, "deadline") {
		t.Errorf("log %s", log)
	}
}
