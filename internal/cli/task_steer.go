package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/saga"
)

func newSignal(w World) *cobra.Command {
	f := &remote{}
	var payload, key, reason string
	c := &cobra.Command{
		Use: "signal ID NAME", Short: "Send a signal to a task", Args: needs("ID", "NAME"), ValidArgsFunction: completeTasks(w, f),
		Long: `Send a signal to a task. It waits there when the task does not wait for it yet.`,
		RunE: func(c *cobra.Command, args []string) error {
			var body []byte
			if payload != "" {
				var err error
				if body, err = readJSON(c.InOrStdin(), "--payload", payload); err != nil {
					return err
				}
			}
			if key == "" {
				key = w.NewID()
			}
			query := url.Values{}
			if reason != "" {
				query.Set("reason", reason)
			}
			return f.run(w, c, func(s *session) error {
				raw, err := s.client.do(c.Context(), call{
					method: http.MethodPost, path: path("v1", "tasks", args[0], "signals", args[1]), query: query, body: body, again: true,
					header: map[string]string{"Idempotency-Key": key},
				})
				if err != nil {
					return err
				}
				return s.say(raw, args[0], "The signal %s has been recorded.", plain(args[1]))
			})
		},
	}
	c.Flags().StringVarP(&payload, "payload", "p", "", "what it brings: JSON, @FILE, or - for the standard input")
	c.Flags().StringVar(&reason, "reason", "", "why; the audit keeps it")
	c.Flags().StringVar(&key, "idempotency-key", "", "the same key again is the same signal")
	f.addTo(w, c, asTable, asJSON, asID)
	return c
}

// say writes what an action was answered with: a sentence for people.
func (s *session) say(raw []byte, id, format string, args ...any) error {
	switch s.output {
	case asJSON, asNDJSON:
		return writeJSON(s.out, raw)
	case asID:
		_, err := fmt.Fprintln(s.out, plain(id))
		return err
	case asTable:
	}
	_, err := fmt.Fprintf(s.out, format+"\n", args...)
	return err
}

func newResolve(w World) *cobra.Command {
	f, then := &remote{}, &settling{}
	r := struct {
		Step   string `json:"step"`
		Action string `json:"action"`
		Reason string `json:"reason"`
	}{}
	c := &cobra.Command{
		Use: "resolve ID STEP", Short: "Decide about a step whose undo has failed for good", Args: needs("ID", "STEP"),
		ValidArgsFunction: completeSteps(w, f, saga.StepStuck),
		Long: `Decide about a step whose undo has failed for good: its task is stuck until then. For operators.

--action retry has it undone again, skip leaves it (and lists it under not_undone), done says that it was undone by hand.`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := then.check(); err != nil {
				return err
			}
			switch {
			case r.Action == "":
				return misused("--action is missing: write retry, skip or done")
			case r.Reason == "":
				return misused("--reason is missing: say why, the audit keeps it")
			}
			r.Step = args[1]
			return f.run(w, c, func(s *session) error {
				raw, err := s.post(c, false, r, "v1", "tasks", args[0], "resolve")
				if err != nil {
					return err
				}
				return s.settle(c.Context(), raw, *then)
			})
		},
	}
	c.Flags().StringVar(&r.Action, "action", "", "retry, skip or done")
	c.Flags().StringVar(&r.Reason, "reason", "", "why; the audit keeps it")
	complete(c, "action", "retry", "skip", "done")
	f.addTo(w, c, asTable, asJSON, asID)
	then.addTo(c)
	return c
}

func newAnswer(w World) *cobra.Command {
	f := &remote{}
	var answer, reason string
	var reject bool
	c := &cobra.Command{
		Use: "answer ID STEP", Short: "Answer a human task", Args: needs("ID", "STEP"), ValidArgsFunction: completeSteps(w, f, saga.StepWaiting),
		Long: `Answer a human task: osp human list lists those that wait for you. The first answer stands.`,
		Example: `  osp task answer 0199… approve --answer '{"note":"fine"}'
  osp task answer 0199… approve --reject --reason 'we are full'`,
		RunE: func(c *cobra.Command, args []string) error {
			body := struct {
				Outcome string          `json:"outcome"`
				Output  json.RawMessage `json:"output,omitempty"`
				Reason  string          `json:"reason,omitempty"`
			}{saga.HumanCompleted, nil, reason}
			switch {
			case answer == "" && !reject: // the first answer stands: an approval is not made by a flag that was forgotten
				return misused("--answer is missing: write what to answer, {} where that is nothing, or --reject and --reason")
			case reject && reason == "":
				return misused("--reason is missing: say why it is rejected")
			case reject:
				body.Outcome = saga.HumanRejected
			}
			if answer != "" {
				var err error
				if body.Output, err = readJSON(c.InOrStdin(), "--answer", answer); err != nil {
					return err
				}
			}
			return f.run(w, c, func(s *session) error {
				raw, err := s.post(c, true, body, "v1", "tasks", args[0], "human", args[1])
				if err != nil {
					return err
				}
				return s.say(raw, args[0], "The answer has been recorded: %s.", body.Outcome)
			})
		},
	}
	c.Flags().StringVarP(&answer, "answer", "a", "", "what to answer, an object: JSON, @FILE, or - for the standard input")
	c.Flags().BoolVar(&reject, "reject", false, "reject it: the task fails, and is undone")
	c.Flags().StringVar(&reason, "reason", "", "why")
	f.addTo(w, c, asTable, asJSON, asID)
	return c
}
