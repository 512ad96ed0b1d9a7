package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/saga"
)

func newTask(w World) *cobra.Command {
	c := &cobra.Command{
		Use: "task", Short: "Start, see and steer tasks", RunE: Help,
		Long: `Start, see and steer tasks, over the API: --url, --key and --profile say where it is and who asks, else OSP_URL and
OSP_KEY do, else the profile in use. Without any of them it is osp dev on this machine.`,
	}
	c.AddCommand(newStart(w), newGet(w), newList(w), newWatch(w), newWaitFor(w), newCancel(w), newRetry(w), newSignal(w),
		newResolve(w), newAnswer(w))
	return c
}

// settling are the flags of commands after which a task moves: wait for its end, or watch it.
type settling struct {
	wait  string
	watch bool
	limit time.Duration
}

const forEver = "for ever"

func (f *settling) addTo(c *cobra.Command) {
	c.Flags().StringVar(&f.wait, "wait", "", "wait until the task has ended, or for so long: --wait=30s")
	c.Flags().Lookup("wait").NoOptDefVal = forEver
	c.Flags().BoolVar(&f.watch, "watch", false, "watch the task until it has ended")
	c.MarkFlagsMutuallyExclusive("wait", "watch")
}

func (f *settling) check() error {
	if f.wait == "" || f.wait == forEver {
		return nil
	}
	d, err := time.ParseDuration(f.wait)
	if err != nil || d <= 0 {
		return misused("--wait is %q: write how long, as in --wait=30s, or --wait alone", f.wait)
	}
	f.limit = d
	return nil
}

// settle writes the task that a request was answered with, or waits for it as the flags want it.
func (s *session) settle(ctx context.Context, raw []byte, f settling) error {
	var t saga.Task
	if err := s.decode(raw, &t); err != nil {
		return err
	}
	switch {
	case f.watch:
		s.talkID(t)
		return s.watch(ctx, t.ID, 0)
	case f.wait != "":
		s.talkID(t)
		return s.wait(ctx, t.ID, f.limit)
	}
	if err := s.show(raw, &t); err != nil {
		return err
	}
	if s.output.people() && !t.State.Finished() {
		s.talk("\nTo follow it: osp task watch %s", plain(t.ID))
	}
	return nil
}

// talkID tells the id first, where the result comes later: whoever stops waiting wants to know it.
func (s *session) talkID(t saga.Task) {
	if s.output.people() && s.screenOn(s.err) == nil {
		s.talk("task %s", plain(t.ID))
	}
}

func newGet(w World) *cobra.Command {
	f := &remote{}
	c := &cobra.Command{
		Use: "get ID", Short: "Show a task with its steps, input and output", Args: needs("ID"), ValidArgsFunction: completeTasks(w, f),
		RunE: func(c *cobra.Command, args []string) error {
			return f.run(w, c, func(s *session) error {
				raw, err := s.client.do(c.Context(), call{method: http.MethodGet, path: path("v1", "tasks", args[0])})
				if err != nil {
					return err
				}
				var t saga.Task
				if err := s.decode(raw, &t); err != nil {
					return err
				}
				if err := s.show(raw, &t); err != nil || !s.output.people() {
					return err
				}
				s.showJSON("input", t.Input)
				s.showJSON("output", t.Output)
				return nil
			})
		},
	}
	f.addTo(w, c, asTable, asJSON, asID)
	return c
}

const mostJSON = 40 // lines of an input or output that people are shown

// showJSON shows an input or output, indented.
func (s *session) showJSON(name string, raw json.RawMessage) {
	if len(raw) == 0 || string(raw) == "null" {
		return
	}
	columns, _ := size(s.out)
	list := lines(indented(raw))
	_, _ = fmt.Fprintf(s.out, "\n%s\n", s.paint.in(bold, name))
	for i, l := range list {
		if i == mostJSON && len(list) > mostJSON+3 {
			_, _ = fmt.Fprintf(s.out, "  … %d more lines: -o json shows all\n", len(list)-i)
			return
		}
		if l = "  " + l; columns > 0 {
			l = clip(l, columns)
		}
		_, _ = fmt.Fprintln(s.out, l)
	}
}

func newWatch(w World) *cobra.Command {
	f := &remote{}
	var limit time.Duration
	c := &cobra.Command{
		Use: "watch ID", Short: "Watch how a task goes on, until it has ended", Args: needs("ID"), ValidArgsFunction: completeTasks(w, f),
		Long: `Watch how a task goes on, until it has ended or is stuck. On a terminal it is drawn; elsewhere each event is a line, with
-o json one JSON object a line, the whole task last. A lost connection is made again, and nothing is missed.

Ctrl-C stops watching; the task goes on. ` + codes,
		RunE: func(c *cobra.Command, args []string) error {
			return f.run(w, c, func(s *session) error { return s.watch(c.Context(), args[0], limit) })
		},
	}
	f.addTo(w, c, asTable, asJSON)
	c.Flags().DurationVar(&limit, "timeout", 0, "stop watching after so long (0: never)")
	return c
}

const codes = `Exit codes: 0 completed, 4 failed, 5 cancelled, 6 stuck, 7 not ended in time, 8 the API cannot
be reached.`

func newWaitFor(w World) *cobra.Command {
	f := &remote{}
	var limit time.Duration
	c := &cobra.Command{
		Use: "wait ID", Short: "Wait until a task has ended", Args: needs("ID"), ValidArgsFunction: completeTasks(w, f),
		Long: "Wait until a task has ended or is stuck, and show it. " + codes,
		RunE: func(c *cobra.Command, args []string) error {
			return f.run(w, c, func(s *session) error { return s.wait(c.Context(), args[0], limit) })
		},
	}
	f.addTo(w, c, asTable, asJSON, asID)
	c.Flags().DurationVar(&limit, "timeout", 0, "wait no longer than this, such as 30s (0: as long as it takes)")
	return c
}

// run opens a session for as long as a command takes.
func (f *remote) run(w World, c *cobra.Command, do func(*session) error) error {
	s, err := f.open(w, c)
	if err != nil {
		return err
	}
	defer s.close()
	return do(s)
}
