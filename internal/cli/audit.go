package cli

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newActions(w World) *cobra.Command {
	f := &remote{}
	q := map[string]*string{"action": new(string), "subject": new(string), "by": new(string)}
	limit, all := 50, false
	c := &cobra.Command{
		Use: "audit", Short: "Tell who did what, when and why, the newest first", Args: needs(),
		Long: `Tell who did what with the API and its pages, when and why, the newest first. For operators. What was just done may take a
moment to be told.`,
		Example: `  osp audit --by ada --limit 20
  osp audit --subject 0199… -o ndjson`,
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 1 {
				return misused("--limit is %d: write a number from 1 on, or --all", limit)
			}
			query := url.Values{}
			for name, value := range q {
				if *value != "" {
					query.Set(name, *value)
				}
			}
			return f.run(w, c, func(s *session) error {
				if all {
					limit = 0
				}
				return s.list(c.Context(), paged{path("v1", "audit"), query, "entries", limit}, s.actionTable())
			})
		},
	}
	c.Flags().StringVar(q["action"], "action", "", "of this kind, such as cancel, resolve or deploy")
	c.Flags().StringVar(q["subject"], "subject", "", "about this task, workflow or whatever it was")
	c.Flags().StringVar(q["by"], "by", "", "of this key or user")
	c.Flags().IntVar(&limit, "limit", limit, "how many, at most")
	c.Flags().BoolVar(&all, "all", false, "all of them")
	c.MarkFlagsMutuallyExclusive("limit", "all")
	f.addTo(w, c, asTable, asJSON, asNDJSON, asID)
	return c
}

func (s *session) actionTable() listed {
	t := newTable("AT ACTION SUBJECT", "AT", "BY", "ACTION", "SUBJECT", "OUTCOME", "REASON")
	return listed{"Nothing is noted.", t, func(raw json.RawMessage) (string, []cell, error) {
		var a struct {
			ID, Action, Kind, Subject, By, Reason, Outcome string
			At                                             time.Time
			Details                                        struct {
				DryRun string `json:"dry_run"`
			}
		}
		err := s.decode(raw, &a)
		if a.Details.DryRun == "true" { // it only counted
			a.Outcome = "counted"
		}
		colour := ""
		if a.Outcome != "done" {
			colour = yellow
		}
		return a.ID, []cell{
			{a.At.Local().Format(time.DateTime), ""},
			{a.By, ""},
			{a.Action, ""},
			{strings.TrimSpace(a.Kind + " " + a.Subject), ""},
			{a.Outcome, colour},
			{a.Reason, ""},
		}, err
	}}
}
