package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// report is what a run came to.
type report struct {
	Seed      uint64
	Lasted    time.Duration
	Faults    map[faultKind]int
	Kills     int // by kill -9, Redis' included
	Fallen    int // processes that ended by themselves
	Sent      int
	Accepted  int
	Ends      map[saga.State]int
	GivenUp   int               // of those that failed
	Seen      map[eventKind]int // at the bank
	Undos     int               // effects that were taken back
	Receipts  int
	TakeOvers []time.Duration
	Stops     []time.Duration
	Drained   time.Duration // until every task had ended, from the last fault
	Queue     time.Duration // until asynq had forgotten them all; 0: it was not looked at
	Found     findings
}

// mostFindings are printed one by one.
const mostFindings = 30

// count fills in what the history tells.
func (r *report) count(events []event, end ending) {
	r.Ends, r.Seen = map[saga.State]int{}, map[eventKind]int{}
	for _, e := range events {
		switch e.What {
		case seenSent:
			r.Sent++
		case seenAccepted:
			r.Accepted++
		default:
			r.Seen[e.What]++
		}
		if e.What == seenEffect && e.Undo && e.Amount != 0 {
			r.Undos++
		}
	}
	for _, t := range end.Tasks {
		if r.Ends[t.State]++; t.givenUp() {
			r.GivenUp++
		}
	}
	for _, n := range end.Receipts {
		r.Receipts += n
	}
	r.TakeOvers = takeOvers(events)
}

// print writes the report. Its last line is the verdict.
func (r *report) print(out io.Writer) {
	line := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(out, "%-22s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("seed", "%d", r.Seed)
	line("duration", "%v, and %v until all tasks had ended", r.Lasted.Round(time.Second), r.Drained.Round(100*ms))
	line("faults", "%s", r.faults())
	line("ended by themselves", "%d", r.Fallen)
	line("tasks", "%d sent, %d accepted: %d completed, %d failed (%d given up after %d deaths), %d cancelled", r.Sent, r.Accepted,
		r.Ends[saga.Completed], r.Ends[saga.Failed], r.GivenUp, saga.MaxInterruptions, r.Ends[saga.Cancelled])
	line("calls of the bank", "%d: %d effects, of which %d were taken back; %d replayed, %d declined, %d came after their undo",
		r.Seen[seenArrived], r.Seen[seenEffect], r.Undos, r.Seen[seenReplayed], r.Seen[seenDeclined], r.Seen[seenTooLate])
	line("fenced rows", "%d", r.Receipts)
	line("take-over after kill", "%s", quantiles(r.TakeOvers))
	line("stop after SIGTERM", "%s", quantiles(r.Stops))
	if r.Queue > 0 {
		line("asynq's own leftovers", "gone after %v", r.Queue.Round(time.Second))
	}
	for _, f := range r.Found[:min(len(r.Found), mostFindings)] {
		line("", "%v", f)
	}
	if more := len(r.Found) - mostFindings; more > 0 {
		line("", "and %d more", more)
	}
	_, _ = fmt.Fprintln(out, r.verdict())
}

func (r *report) verdict() string {
	s := fmt.Sprintf("chaos: %d kills, %d lost, %d doubled", r.Kills, r.Found.count(wrongLost), r.Found.count(wrongDoubled))
	if n := r.Found.count(wrongElse); n > 0 {
		s += fmt.Sprintf(", %d wrong", n)
	}
	return s
}

func (r *report) faults() string {
	var parts []string
	for _, l := range lanes {
		parts = append(parts, fmt.Sprintf("%d %s", r.Faults[l.kind], l.kind))
	}
	return strings.Join(parts, ", ")
}

// quantiles tells how durations are spread.
func quantiles(all []time.Duration) string {
	if len(all) == 0 {
		return "none"
	}
	sorted := slices.Sorted(slices.Values(all))
	at := func(q float64) time.Duration { return sorted[int(q*float64(len(sorted)-1)+0.5)].Round(10 * ms) }
	return fmt.Sprintf("%d: p50 %v, p99 %v, max %v", len(sorted), at(0.5), at(0.99), at(1))
}
