package cli

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/saga"
)

// filter says which tasks are meant.
type filter struct {
	status, state, typ, service, user, search, since, until string
}

func (f *filter) addTo(w World, r *remote, c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.status, "status", "", "pending, running, completed, failed or cancelled")
	flags.StringVar(&f.state, "state", "", "the same, and waiting, compensating or stuck")
	flags.StringVar(&f.typ, "type", "", "of this type")
	flags.StringVar(&f.service, "service", "", "of this service")
	flags.StringVar(&f.user, "user", "", "of this user")
	flags.StringVar(&f.search, "search", "", "with this in the type or the error, or at the beginning of the id")
	flags.StringVar(&f.since, "since", "", "created since then: a time, or how long ago (90m, 2d)")
	flags.StringVar(&f.until, "until", "", "created before then")
	states := make([]string, len(saga.States))
	for i, s := range saga.States {
		states[i] = string(s)
	}
	complete(c, "state", states...)
	complete(c, "status", "pending", "running", "completed", "failed", "cancelled")
	_ = c.RegisterFlagCompletionFunc("type", completeTypes(w, r))
}

// members are the filter's, by the names that the API has for them.
func (f *filter) members(w World) (map[string]string, error) {
	since, err := moment(w.Now(), "--since", f.since, -1)
	if err != nil {
		return nil, err
	}
	until, err := moment(w.Now(), "--until", f.until, -1)
	if err != nil {
		return nil, err
	}
	all := map[string]string{
		"status": f.status, "state": f.state, "type": f.typ, "service": f.service, "user_id": f.user, "search": f.search,
		"created_after": since, "created_before": until,
	}
	for name, value := range all {
		if value == "" {
			delete(all, name)
		}
	}
	return all, nil
}

// query is the filter as parameters; the times by the names that every release of the API knows.
func (f *filter) query(w World) (url.Values, error) {
	members, err := f.members(w)
	q := url.Values{}
	for name, value := range members {
		switch name {
		case "created_after":
			name = "from"
		case "created_before":
			name = "until"
		}
		q.Set(name, value)
	}
	return q, err
}

func newList(w World) *cobra.Command {
	r, f := &remote{}, &filter{}
	var limit int
	var all bool
	c := &cobra.Command{
		Use: "list", Short: "List tasks, newest first", Args: needs(),
		Long: `List tasks, newest first. It is read from the result store, so that a task may be a moment behind.

-o json writes one array, -o ndjson a task a line, as the pages come.`,
		Example: `  osp task list --state stuck
  osp task list --type createReservation --status failed --since 2d
  osp task list --all -o ndjson | jq -r 'select(.not_undone) | .id'`,
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 1 {
				return misused("--limit is %d: write a number from 1 on, or --all", limit)
			}
			return r.run(w, c, func(s *session) error {
				q, err := f.query(w)
				if err != nil {
					return err
				}
				if all {
					limit = 0
				}
				return s.list(c.Context(), paged{path("v1", "tasks"), q, "tasks", limit}, s.taskTable())
			})
		},
	}
	f.addTo(w, r, c)
	c.Flags().IntVar(&limit, "limit", 50, "how many, at most")
	c.Flags().BoolVar(&all, "all", false, "all of them")
	c.MarkFlagsMutuallyExclusive("limit", "all")
	r.addTo(w, c, asTable, asJSON, asNDJSON, asID)
	return c
}

// listed is how the items of a list are shown to people.
type listed struct {
	none  string // what is said when there are none
	table *table
	row   func(raw json.RawMessage) (id string, cells []cell, err error)
}

func (s *session) taskTable() listed {
	return listed{
		"No such task is listed; what has happened just now is listed a moment later.", newTable("ID TYPE STATE AGE", "ID", "TYPE", "STATE", "AGE", "TOOK", "SERVICE", "ERROR"),
		func(raw json.RawMessage) (string, []cell, error) {
			var t saga.Task
			err := s.decode(raw, &t)
			took := ""
			if t.StartedAt != nil && t.CompletedAt != nil {
				took = lasting(t.CompletedAt.Sub(*t.StartedAt))
			}
			return t.ID, []cell{
				{t.ID, ""},
				{t.Type, ""},
				{string(t.State), colourOf(string(t.State))},
				{age(s.now().Sub(t.CreatedAt)), ""},
				{took, ""},
				{t.Service, ""},
				{t.Error, ""},
			}, err
		},
	}
}

// paged is a list of the API that comes in pages.
type paged struct {
	path   string
	query  url.Values // nil: the list has no pages
	member string     // of the answer, that has the items
	limit  int        // 0: all
}

const pageSize = 200

// each reads items page by page, and tells whether there are more than the limit.
func (s *session) each(ctx context.Context, p paged, do func(json.RawMessage) error) (more bool, err error) {
	for n := 0; ; {
		size := pageSize
		if p.limit > 0 {
			size = min(size, p.limit-n)
		}
		if p.query != nil {
			p.query.Set("limit", strconv.Itoa(size))
		}
		raw, err := s.client.do(ctx, call{method: http.MethodGet, path: p.path, query: p.query})
		if err != nil {
			return false, err
		}
		var page map[string]json.RawMessage
		var items []json.RawMessage
		var next string
		if err := s.decode(raw, &page); err != nil {
			return false, err
		}
		if page[p.member] == nil {
			return false, ended(exitUnreachable, "what answers at %s is not osp: %s", s.client.target.url, s.client.target.rightURL())
		}
		if err := s.decode(page[p.member], &items); err != nil {
			return false, err
		}
		if len(page["next"]) > 0 {
			if err := s.decode(page["next"], &next); err != nil {
				return false, err
			}
		}
		for _, item := range items {
			if err := do(item); err != nil {
				return false, err
			}
		}
		if n += len(items); next == "" || p.limit > 0 && n >= p.limit {
			return next != "", nil
		}
		p.query.Set("cursor", next)
	}
}
