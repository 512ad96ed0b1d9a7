package cli

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newQueue(w World) *cobra.Command {
	c := &cobra.Command{Use: "queue", Short: "See queues, pause and resume them", RunE: Help}
	c.AddCommand(newQueues(w), newPauseOf(w, "queue"), newResumeOf(w, "queue"))
	return c
}

func newQueues(w World) *cobra.Command {
	f := &remote{}
	c := &cobra.Command{
		Use: "list", Short: "List the queues: what waits in each, and for how long", Args: needs(),
		Long: `List the queues: what waits in each, and for how long. Of one that says "no worker" nobody carries anything out at the moment:
start a worker whose OSP_QUEUES has it. A worker that was killed counts for some seconds more.`,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.run(w, c, func(s *session) error {
				return s.list(c.Context(), paged{path: path("v1", "queues"), member: "items"}, s.queueTable())
			})
		},
	}
	f.addTo(w, c, asTable, asJSON, asNDJSON, asID)
	return c
}

func (s *session) queueTable() listed {
	t := newTable("QUEUE STATE", "QUEUE", "STATE", "WEIGHT", "PENDING", "ACTIVE", "SCHEDULED", "RETRY", "OLDEST WAITS")
	return listed{"There are no queues.", t, func(raw json.RawMessage) (string, []cell, error) {
		var q struct {
			Name                                      string
			Weight, Pending, Active, Scheduled, Retry int
			Paused                                    bool
			UndoPaused                                bool `json:"undo_paused"`
			Unserved                                  bool
			Oldest                                    float64 `json:"oldest_waiting_seconds"`
		}
		err := s.decode(raw, &q)
		state, oldest := "open", ""
		if q.Paused {
			state = "paused"
		}
		if q.UndoPaused { // in Asynqmon
			state = "stopped, with undos"
		}
		colour := colourOf(state)
		if q.Unserved {
			state, colour = state+", no worker", yellow
		}
		if q.Oldest > 0 {
			oldest = lasting(time.Duration(q.Oldest * float64(time.Second)))
		}
		n := func(i int) cell { return cell{strconv.Itoa(i), ""} }
		return q.Name, []cell{
			{q.Name, ""}, {state, colour}, n(q.Weight), n(q.Pending), n(q.Active), n(q.Scheduled), n(q.Retry), {oldest, ""},
		}, err
	}}
}

// kinds are what can be paused.
var kinds = []string{"type", "service", "queue"}

func newPause(w World) *cobra.Command {
	c := &cobra.Command{
		Use: "pause", Short: "Hold the tasks of a type, a service or a queue, for a while", RunE: Help,
		Long: `Hold the tasks of a type, a service or a queue: they are accepted, and wait before their next step until osp resume. What
is under way ends its step, and what is being undone is undone. For operators.`,
		Example: `  osp pause type orders.place --reason 'the bank is away'
  osp pause list
  osp resume type orders.place`,
	}
	for _, kind := range kinds {
		p := newPauseOf(w, kind)
		p.Use, p.Short = kind+" NAME", "Pause a "+kind
		c.AddCommand(p)
	}
	c.AddCommand(newPauses(w))
	return c
}

func newResume(w World) *cobra.Command {
	c := &cobra.Command{Use: "resume", Short: "Let a type, a service or a queue go on that was paused", RunE: Help}
	for _, kind := range kinds {
		r := newResumeOf(w, kind)
		r.Use, r.Short = kind+" NAME", "Let a "+kind+" go on"
		c.AddCommand(r)
	}
	return c
}

func newPauseOf(w World, kind string) *cobra.Command {
	f := &remote{}
	var reason string
	c := &cobra.Command{
		Use: "pause NAME", Short: "Pause a " + kind, Args: needs("NAME"), ValidArgsFunction: completeKind(w, f, kind),
		RunE: func(c *cobra.Command, args []string) error {
			if reason == "" {
				return misused("--reason is missing: say why, others will want to know")
			}
			body, err := json.Marshal(map[string]string{"reason": reason})
			if err != nil {
				return err
			}
			return f.run(w, c, func(s *session) error {
				raw, err := s.client.do(c.Context(), call{
					method: http.MethodPut, path: path("v1", "pauses", kind, args[0]), body: body, again: true,
				})
				if err != nil {
					return err
				}
				var p struct{ Warnings []fault }
				if err := s.decode(raw, &p); err != nil {
					return err
				}
				s.warn(p.Warnings)
				return s.say(raw, args[0], "The %s %s is paused. To let it go on: osp resume %s %s", kind, plain(args[0]), kind, plain(args[0]))
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is shown to whoever asks")
	f.addTo(w, c, asTable, asJSON, asID)
	return c
}

func newResumeOf(w World, kind string) *cobra.Command {
	f := &remote{}
	var reason string
	c := &cobra.Command{
		Use: "resume NAME", Short: "Let a " + kind + " go on", Args: needs("NAME"), ValidArgsFunction: completePaused(w, f, kind),
		RunE: func(c *cobra.Command, args []string) error {
			r := call{method: http.MethodDelete, path: path("v1", "pauses", kind, args[0]), again: true}
			if reason != "" {
				body, err := json.Marshal(map[string]string{"reason": reason})
				if err != nil {
					return err
				}
				r.body = body
			}
			return f.run(w, c, func(s *session) error {
				paused, listErr := s.paused(c.Context(), kind)
				raw, err := s.client.do(c.Context(), r)
				if err != nil || len(raw) == 0 && s.output == asJSON { // 204: there is nothing to write
					return err
				}
				if listErr == nil && !slices.Contains(paused, args[0]) {
					return s.say(raw, args[0], "The %s %s was not paused.%s", kind, plain(args[0]), meant(args[0], paused))
				}
				return s.say(raw, args[0], "The %s %s goes on.", kind, plain(args[0]))
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why")
	f.addTo(w, c, asTable, asJSON, asID)
	return c
}

// paused are the names of what is paused of a kind.
func (s *session) paused(ctx context.Context, kind string) (names []string, err error) {
	_, err = s.each(ctx, paged{path: path("v1", "pauses"), member: "items"}, func(raw json.RawMessage) error {
		var p struct{ Kind, Name string }
		err := s.decode(raw, &p)
		if p.Kind == kind {
			names = append(names, p.Name)
		}
		return err
	})
	return names, err
}

func newPauses(w World) *cobra.Command {
	f := &remote{}
	c := &cobra.Command{
		Use: "list", Short: "List what is paused, since when, by whom and why", Args: needs(),
		RunE: func(c *cobra.Command, _ []string) error {
			return f.run(w, c, func(s *session) error {
				return s.list(c.Context(), paged{path: path("v1", "pauses"), member: "items"}, s.pauseTable())
			})
		},
	}
	f.addTo(w, c, asTable, asJSON, asNDJSON, asID)
	return c
}

func (s *session) pauseTable() listed {
	t := newTable("KIND NAME", "KIND", "NAME", "FOR", "BY", "REASON")
	return listed{"Nothing is paused.", t, func(raw json.RawMessage) (string, []cell, error) {
		var p struct {
			Kind, Name, By, Reason string
			Since                  time.Time
		}
		err := s.decode(raw, &p)
		return p.Name, []cell{{p.Kind, ""}, {p.Name, yellow}, {age(s.now().Sub(p.Since)), ""}, {p.By, ""}, {p.Reason, ""}}, err
	}}
}

func newHuman(w World) *cobra.Command {
	c := &cobra.Command{Use: "human", Short: "See the human tasks that wait for you", RunE: Help}
	c.AddCommand(newHumans(w))
	return c
}

func newHumans(w World) *cobra.Command {
	f := &remote{}
	var service, role string
	c := &cobra.Command{
		Use: "list", Short: "List the human tasks that you may answer, what has waited longest first", Args: needs(),
		Long: `List the human tasks that you may answer, what has waited longest first. To answer one:
osp task answer ID STEP --answer '{…}', or --reject --reason TEXT`,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.run(w, c, func(s *session) error {
				q := url.Values{}
				for name, value := range map[string]string{"service": service, "role": role} {
					if value != "" {
						q.Set(name, value)
					}
				}
				return s.list(c.Context(), paged{path("v1", "human-tasks"), q, "human_tasks", 0}, s.humanTable())
			})
		},
	}
	c.Flags().StringVar(&service, "service", "", "of this service")
	c.Flags().StringVar(&role, "role", "", "that ask for this role")
	f.addTo(w, c, asTable, asJSON, asNDJSON, asID)
	return c
}

func (s *session) humanTable() listed {
	t := newTable("TASK STEP", "TASK", "STEP", "ROLES", "WAITS", "DUE", "TITLE")
	return listed{"No human task waits for you.", t, func(raw json.RawMessage) (string, []cell, error) {
		var h struct {
			Task, Step, Title string
			Roles             []string
			Since             time.Time
			Due               *time.Time `json:"due_at"`
		}
		err := s.decode(raw, &h)
		slices.Sort(h.Roles)
		return h.Task, []cell{
			{h.Task, ""},
			{h.Step, ""},
			{strings.Join(h.Roles, ", "), ""},
			{lasting(s.now().Sub(h.Since)), ""},
			{strings.TrimSpace(until(h.Due, s.now())), ""},
			{h.Title, ""},
		}, err
	}}
}
