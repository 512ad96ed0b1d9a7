package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/saga"
)

// deed is what is done to one task by its id, or to many by a filter.
type deed struct {
	name  string // in the path
	verb  string // in sentences: "cancel"
	past  string // "cancelled"
	again bool   // doing it twice is doing it once
	soon  string // what comes of it next, where that is not to be seen yet
}

// next is what comes of it next for a task of some state.
func (d deed) next(of saga.State) string {
	if of == saga.Stuck {
		return "It is stuck, and stays so until somebody decides about its undo: osp task resolve. It stands as follows."
	}
	return d.soon
}

func newCancel(w World) *cobra.Command {
	return newDeed(w, deed{"cancel", "cancel", "cancelled", true, "It is to be cancelled: what it began is undone next. It stands as follows."}, &cobra.Command{
		Use: "cancel ID… | --all-matching", Short: "Have tasks undone that have not ended",
		Long: `Have tasks undone that have not ended: what they began is undone, in reverse order.

With --all-matching, every task that the other flags match: it says how many, and asks.`,
		Example: `  osp task cancel 0199… --reason 'ordered twice' --wait
  osp task cancel --type orders.place --state waiting --all-matching --reason 'the supplier is closed'`,
	})
}

func newRetry(w World) *cobra.Command {
	return newDeed(w, deed{"retry", "run again", "run again", false, ""}, &cobra.Command{
		Use: "retry ID… | --all-matching", Short: "Run tasks again that have ended: each as a new task",
		Long: `Run tasks again that have ended. Each becomes a new task with the same request, and retry_of names the old one.

With --all-matching, every task that the other flags match: it says how many, and asks.`,
		Example: `  osp task retry 0199… --watch
  osp task retry --type orders.place --state failed --since 2h --all-matching --reason 'the bank is back'`,
	})
}

// newDeed is the command for a deed.
func newDeed(w World, d deed, c *cobra.Command) *cobra.Command {
	r, then, f := &remote{}, &settling{}, &filter{}
	var reason string
	var all, yes, dry bool
	c.ValidArgsFunction = completeTasks(w, r)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := then.check(); err != nil {
			return err
		}
		members, err := f.members(w)
		if err != nil {
			return err
		}
		switch {
		case all && len(args) > 0:
			return misused("write ids or --all-matching, not both")
		case all && len(members) == 0:
			return misused("--all-matching needs a flag that says which tasks, such as --type or --state (see %s --help)", c.CommandPath())
		case all && (then.watch || then.wait != ""):
			return misused("--wait and --watch are for one task")
		case !all && (len(members) > 0 || dry):
			return misused("flags that say which tasks need --all-matching beside them: it says how many, and asks")
		case len(args) == 0 && !all:
			return misused("ID is missing (see %s --help)", c.CommandPath())
		case len(args) > 1 && then.wait == forEver && behind(c, args[len(args)-1]) != "":
			return oneTooMany(c, args[len(args)-1])
		case len(args) > 1 && (then.watch || then.wait != ""):
			return misused("--wait and --watch are for one task")
		}
		return r.run(w, c, func(s *session) error {
			if all {
				return s.many(c, d, bulk{Filter: members, Reason: reason, key: w.NewID()}, dry, yes)
			}
			return s.some(c, d, args, reason, *then)
		})
	}
	c.Flags().StringVar(&reason, "reason", "", "why; the audit keeps it")
	c.Flags().BoolVar(&all, "all-matching", false, "every task that the flags match")
	c.Flags().BoolVar(&dry, "dry-run", false, "only tell how many match")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	f.addTo(w, r, c)
	r.addTo(w, c, asTable, asJSON, asID)
	then.addTo(c)
	return c
}

// some does it to tasks by their ids; the first error ends it.
func (s *session) some(c *cobra.Command, d deed, ids []string, reason string, then settling) error {
	for i, id := range ids {
		body := map[string]string{}
		if reason != "" {
			body["reason"] = reason
		}
		raw, err := s.post(c, d.again, body, "v1", "tasks", id, d.name)
		if err != nil {
			if i > 0 {
				s.talk("%s: %d of %d; then:", capital(d.past), i, len(ids))
			}
			return err
		}
		var t saga.Task
		if err := s.decode(raw, &t); err != nil {
			return err
		}
		if len(ids) == 1 {
			if d.soon != "" && s.output.people() && !t.State.Finished() && t.State != saga.Compensating && !then.watch && then.wait == "" {
				s.talk("%s", d.next(t.State))
			}
			return s.settle(c.Context(), raw, then)
		}
		if err := s.say(raw, t.ID, "%s  %s", plain(t.ID), plain(string(t.State))); err != nil {
			return err
		}
	}
	return nil
}

// bulk is the request about many tasks.
type bulk struct {
	Filter map[string]string `json:"filter"`
	Reason string            `json:"reason,omitempty"`
	DryRun bool              `json:"dry_run,omitempty"`
	Cursor string            `json:"cursor,omitempty"`

	key string // the same for all rounds
}

// bulked is the answer.
type bulked struct {
	Matched int  `json:"matched"`
	Capped  bool `json:"capped,omitempty"` // there are more than were counted
	Done    int  `json:"done"`
	Refused []struct {
		ID     string `json:"id"`
		Detail string `json:"detail"`
	} `json:"refused"`
	Next string `json:"next"`
}

// many tells how many there are, asks, and does it, round by round.
func (s *session) many(c *cobra.Command, d deed, b bulk, dry, yes bool) error {
	b.DryRun = true
	raw, plan, err := s.bulk(c, d, b)
	if err != nil {
		return err
	}
	if dry {
		return s.say(raw, "", "%s (%s).", plan.matching(), b.says())
	}
	if plan.Matched == 0 {
		s.talk("No tasks match (%s).", b.says())
		if s.output == asJSON {
			return writeJSON(s.out, raw)
		}
		return nil
	}
	if !yes {
		if err := s.confirm(c.Context(), fmt.Sprintf("%s (%s). %s? Type yes: ", plan.matching(), b.says(), capital(d.verb))); err != nil {
			return err
		}
	}
	b.DryRun = false
	total := bulked{}
	for {
		_, part, err := s.bulk(c, d, b)
		total.Matched, total.Done = max(total.Matched, part.Matched), total.Done+part.Done
		total.Refused = append(total.Refused, part.Refused...)
		if b.Cursor = part.Next; err != nil || b.Cursor == "" {
			return both(err, s.tellBulked(d, total))
		}
		s.talk("%d of %d …", total.Done, plan.Matched)
	}
}

func (s *session) bulk(c *cobra.Command, d deed, b bulk) (raw []byte, answer bulked, err error) {
	body, err := json.Marshal(b)
	if err != nil {
		return nil, answer, err
	}
	raw, err = s.client.do(c.Context(), call{
		method: http.MethodPost, path: path("v1", "tasks", "bulk", d.name), body: body, again: true,
		header: map[string]string{"Idempotency-Key": b.key}, // the same tasks, when it has to be sent again
	})
	if err == nil {
		err = s.decode(raw, &answer)
	}
	return raw, answer, err
}

func (b bulked) matching() string {
	switch {
	case b.Capped:
		return "More than " + times(b.Matched, "task") + " match"
	case b.Matched == 1:
		return "1 task matches"
	}
	return times(b.Matched, "task") + " match"
}

// says is the filter in words.
func (b bulk) says() string {
	list := []string{}
	for _, name := range slices.Sorted(maps.Keys(b.Filter)) {
		list = append(list, strings.ReplaceAll(name, "_", " ")+" "+b.Filter[name])
	}
	return plain(strings.Join(list, ", "))
}

const mostRefused = 10

func (s *session) tellBulked(d deed, t bulked) error {
	if s.output == asJSON {
		raw, err := json.Marshal(t)
		return both(err, writeJSON(s.out, raw))
	}
	_, err := fmt.Fprintf(s.out, "%s: %d.\n", capital(d.past), t.Done)
	for i, r := range t.Refused {
		if i == mostRefused {
			s.talk("… and %d more: -o json lists all", len(t.Refused)-i)
			break
		}
		s.talk("%s: %s", plain(r.ID), plain(r.Detail))
	}
	if n := len(t.Refused); n > 0 && err == nil {
		err = ended(exitFailed, "refused: %s", times(n, "task"))
	}
	return err
}
