package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// workerOf is set in the environment of a worker process: the address of its Redis.
const workerOf = "OSP_BENCH_WORKER_OF"

// child is a worker process: it works until its input ends.
func child(ctx context.Context, s settings, addr string, in io.Reader, out io.Writer) error {
	db := connect(addr, s.pool)
	defer db.disconnect()
	e, err := db.engine(ctx, s, func() {})
	if err != nil {
		return err
	}
	defer e.close(ctx)
	_, _ = fmt.Fprintln(out, "ready")
	_, _ = io.Copy(io.Discard, in)
	return nil
}

// processes compares how fast two worker processes, and sixteen, work off pending tasks with how fast one does.
func processes(ctx context.Context, s settings, db *database, r *report) error {
	for i := range s.rounds {
		r.progress("round %d of %d: one worker process, two, and sixteen", i+1, s.rounds)
		var rate [3]float64
		for i, n := range []int{1, 2, 16} {
			var err error
			if rate[i], err = db.workedOff(ctx, s, n); err != nil {
				return fmt.Errorf("%d processes: %w", n, err)
			}
		}
		r.add("one_process_per_s", rate[0])
		r.add("two_processes_per_s", rate[1])
		r.add("sixteen_processes_per_s", rate[2])
		r.add("two_processes_ratio", rate[1]/rate[0])
		r.add("sixteen_processes_ratio", rate[2]/rate[0])
	}
	return nil
}

const (
	paused = "asynq:{default}:paused" // while it is there asynq takes nothing out of the queue
	bell   = "osp:bell:default"       // all workers look when something is said there
	opens  = "osp:{00}:open"          // the tasks that have not ended
)

// workedOff has worker processes work off pending tasks, and returns how many a second: from when a tenth has ended, for then
// all are at work, to where a twentieth is left.
func (d *database) workedOff(ctx context.Context, s settings, workers int) (perS float64, err error) {
	if err := errors.Join(d.raw.Set(ctx, paused, 1, 0).Err(), d.pend(ctx, s, s.tasks)); err != nil {
		return 0, err
	}
	var stops []func() error
	defer func() {
		for _, stop := range stops {
			err = errors.Join(err, stop())
		}
		err = errors.Join(err, d.empty(ctx))
	}()
	for range workers {
		stop, err := startWorker(ctx, d.addr)
		if err != nil {
			return 0, err
		}
		stops = append(stops, stop)
	}
	if err := errors.Join(d.raw.Del(ctx, paused).Err(), d.raw.Publish(ctx, bell, "").Err()); err != nil {
		return 0, err
	}
	first, begun, err := d.left(ctx, s.tasks*9/10)
	if err != nil {
		return 0, err
	}
	last, ended, err := d.left(ctx, s.tasks/20)
	if err == nil && first <= last {
		err = fmt.Errorf("%d tasks are too few to tell their rate: more -tasks", s.tasks)
	}
	return float64(first-last) / ended.Sub(begun).Seconds(), err
}

// left waits until so many open tasks are left, and tells how many and when.
func (d *database) left(ctx context.Context, most int) (n int64, at time.Time, err error) {
	err = until(10*time.Minute, 2*time.Millisecond, fmt.Sprintf("%d tasks are left", most), func() bool {
		n = d.raw.ZCard(ctx, opens).Val()
		at = time.Now()
		return n <= int64(most)
	})
	return n, at, err
}

// startWorker starts a worker process with this one's flags, and returns when it works.
func startWorker(ctx context.Context, addr string) (stop func() error, err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, os.Args[1:]...) //nolint:gosec // ourselves
	cmd.Env, cmd.Stderr = append(os.Environ(), workerOf+"="+addr), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() error {
		_ = in.Close()
		return cmd.Wait()
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		return nil, errors.Join(fmt.Errorf("a worker process says %q: %w", line, err), stop())
	}
	return stop, nil
}
