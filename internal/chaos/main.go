// Command chaos runs the real thing and makes it go wrong: workers and APIs of osp, Redis, PostgreSQL and PostgREST are
// killed, stopped and restarted, and the connections between any two of them cut, slowed down and stalled, on a schedule that
// follows from a seed. Meanwhile clients have money moved between accounts. When it is over, all of it must be there, and
// what clients were told must be so.
//
// One run is a [world] (world.go), to which a [damage] does what the [schedule] says while a [workload] asks for tasks that
// call the [bank]. What clients are told and what the bank sees goes into a [history]; [check] holds it to the promises.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"
	"testing"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := start(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// errBroken tells that a promise was not kept. The report has said which.
var errBroken = errors.New("a promise was not kept")

// start reads the flags and makes a run.
func start(ctx context.Context, args []string, out io.Writer) error {
	o := options{apis: 2, pace: 1, every: 80 * ms, patience: 3 * time.Minute, queue: 3 * time.Minute}
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.DurationVar(&o.lasts, "duration", 2*time.Minute, "how long there are faults")
	flags.Uint64Var(&o.seed, "seed", 0, "what the faults follow from; 0: any")
	flags.Func("only", "the one kind of fault that there is, such as \"kill -9\"; empty: all", o.choose)
	flags.IntVar(&o.workers, "workers", 3, "workers")
	flags.StringVar(&o.osp, "osp", "bin/osp", "the program")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("read the flags: %w", err)
	}
	for o.seed == 0 {
		o.seed = rand.Uint64N(1_000_000)
	}
	var err error
	if o.osp, err = exec.LookPath(o.osp); err != nil {
		return fmt.Errorf("find osp: %w", err)
	}
	if o.dir, err = os.MkdirTemp("", "osp-chaos-"); err != nil {
		return fmt.Errorf("make a directory for the logs: %w", err)
	}
	_, _ = fmt.Fprintf(out, "chaos: %v with seed %d\n", o.lasts, o.seed)
	return perform(ctx, o, out)
}

// choose takes the name of a kind of fault.
func (o *options) choose(name string) error {
	if name != "" && !slices.ContainsFunc(lanes, func(l lane) bool { return string(l.kind) == name }) {
		return errors.New("there is no such fault: take one of those that a report counts")
	}
	o.only = faultKind(name)
	return nil
}

// perform makes a run on a stage of its own, and prints its report. Logs and history are kept when something is wrong.
func perform(ctx context.Context, o options, out io.Writer) error {
	var r *report
	var failed error
	err := on(ctx, o.dir, func(t testing.TB) { r, failed = run(ctx, t, o, out) })
	err = errors.Join(err, failed)
	sound := err == nil && len(r.Found) == 0
	if sound {
		err = os.RemoveAll(o.dir)
	} else {
		_, _ = fmt.Fprintf(out, "something is wrong: logs and history are in %s; again with make chaos DURATION=%v SEED=%d\n", o.dir, o.lasts, o.seed)
	}
	if err != nil {
		return err
	}
	r.print(out)
	if !sound {
		return errBroken
	}
	return nil
}
