package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/saga"
)

func newWorkflows(w World) *cobra.Command {
	f := &ofWorkflow{}
	c := &cobra.Command{
		Use: "list", Short: "List workflows: of each the active version or, if none is, the newest", Args: needs(),
		Long: `List workflows: of each the active version or, if none is, the newest. Without --service, all that you may know of.`,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.run(w, c, func(s *session) error {
				return s.list(c.Context(), paged{path("v1", "workflows"), f.query(), "versions", 0}, s.versionTable("There are no workflows."))
			})
		},
	}
	f.addTo(w, c, asTable, asJSON, asNDJSON, asID)
	return c
}

func newVersions(w World) *cobra.Command {
	f := &ofWorkflow{}
	c := &cobra.Command{
		Use: "versions ID", Short: "List the versions of a workflow, the newest first", Args: needs("ID"),
		ValidArgsFunction: completeWorkflows(w, &f.remote),
		RunE: func(c *cobra.Command, args []string) error {
			return f.run(w, c, func(s *session) error {
				return s.list(c.Context(), paged{path("v1", "workflows", args[0]), f.query(), "versions", 0}, s.versionTable("There are no versions."))
			})
		},
	}
	f.addTo(w, c, asTable, asJSON, asNDJSON, asID)
	return c
}

func (s *session) versionTable(none string) listed {
	t := newTable("WORKFLOW VERSION STATE", "WORKFLOW", "VERSION", "STATE", "SERVICE", "AGE", "BY")
	return listed{none, t, func(raw json.RawMessage) (string, []cell, error) {
		var v saga.WorkflowVersion
		err := s.decode(raw, &v)
		return v.Workflow, []cell{
			{v.Workflow, ""},
			{strconv.Itoa(v.Version), ""},
			{string(v.State), colourOf(string(v.State))},
			{v.Service, ""},
			{age(s.now().Sub(v.CreatedAt)), ""},
			{v.By, ""},
		}, err
	}}
}

func newDefinition(w World) *cobra.Command {
	f := &ofWorkflow{}
	version := ""
	c := &cobra.Command{
		Use: "get ID", Short: "Show a version of a workflow with its definition", Args: needs("ID"),
		ValidArgsFunction: completeWorkflows(w, &f.remote),
		Long:              `Show a version of a workflow with its definition: the active one, or else the newest. For operators.`,
		RunE: func(c *cobra.Command, args []string) error {
			return f.run(w, c, func(s *session) error {
				n, err := s.versionMeant(c, f, args[0], version)
				if err != nil {
					return err
				}
				raw, err := s.client.do(c.Context(), call{
					method: http.MethodGet, path: path("v1", "workflows", args[0], "versions", strconv.Itoa(n)), query: f.query(),
				})
				if err != nil || !s.output.people() {
					return both(err, s.sayVersion(raw, args[0], err == nil))
				}
				return s.showVersion(raw)
			})
		},
	}
	c.Flags().StringVar(&version, "version", "", "this version")
	f.addTo(w, c, asTable, asJSON, asID)
	return c
}

func (s *session) sayVersion(raw []byte, id string, ok bool) error {
	if !ok {
		return nil
	}
	return s.say(raw, id, "")
}

// versionMeant is the version that is named, the active one, or else the newest.
func (s *session) versionMeant(c *cobra.Command, f *ofWorkflow, id, version string) (n int, err error) {
	if version != "" {
		return versionOf(version)
	}
	_, err = s.each(c.Context(), paged{path("v1", "workflows", id), f.query(), "versions", 0}, func(raw json.RawMessage) error {
		var v saga.WorkflowVersion
		err := s.decode(raw, &v)
		if n == 0 || v.State == saga.VersionActive {
			n = v.Version
		}
		return err
	})
	return n, err
}

func (s *session) showVersion(raw []byte) error {
	var v saga.WorkflowVersion
	if err := s.decode(raw, &v); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(s.out, "%s  version %d  %s  deployed %s by %s\n", s.paint.in(bold, plain(v.Workflow)), v.Version,
		s.paint.in(colourOf(string(v.State)), plain(string(v.State))), ago(s.now().Sub(v.CreatedAt)), plain(v.By))
	for _, l := range lines(indented(v.Definition)) {
		if _, err := fmt.Fprintln(s.out, l); err != nil {
			return err
		}
	}
	return nil
}

func newDiff(w World) *cobra.Command {
	f := &ofWorkflow{}
	c := &cobra.Command{
		Use: "diff ID FROM TO", Short: "Tell in what two versions of a workflow differ", Args: needs("ID", "FROM", "TO"),
		ValidArgsFunction: completeWorkflows(w, &f.remote),
		RunE: func(c *cobra.Command, args []string) error {
			for _, v := range args[1:] {
				if _, err := versionOf(v); err != nil {
					return err
				}
			}
			return f.run(w, c, func(s *session) error {
				raw, err := s.client.do(c.Context(), call{
					method: http.MethodGet, path: path("v1", "workflows", args[0], "diff"), query: f.query("from", args[1], "to", args[2]),
				})
				if err != nil {
					return err
				}
				if !s.output.people() {
					return writeJSON(s.out, raw)
				}
				return s.showDiff(raw)
			})
		},
	}
	f.addTo(w, c, asTable, asJSON)
	return c
}

func (s *session) showDiff(raw []byte) error {
	var d struct {
		Differences []struct {
			Pointer string
			Old     json.RawMessage
			New     json.RawMessage
		}
	}
	if err := s.decode(raw, &d); err != nil {
		return err
	}
	if len(d.Differences) == 0 {
		s.talk("They do not differ.")
	}
	for _, one := range d.Differences {
		_, _ = fmt.Fprintln(s.out, s.paint.in(bold, plain(dotted(one.Pointer))))
		for _, side := range []struct {
			sign, colour string
			raw          json.RawMessage
		}{{"- ", red, one.Old}, {"+ ", green, one.New}} {
			if len(side.raw) == 0 {
				continue
			}
			for _, l := range lines(indented(side.raw)) {
				_, _ = fmt.Fprintln(s.out, s.paint.in(side.colour, side.sign+l))
			}
		}
	}
	return nil
}

func newAudit(w World) *cobra.Command {
	f := &ofWorkflow{}
	c := &cobra.Command{
		Use: "audit ID", Short: "Tell who did what to a workflow's versions, and why", Args: needs("ID"),
		ValidArgsFunction: completeWorkflows(w, &f.remote),
		RunE: func(c *cobra.Command, args []string) error {
			return f.run(w, c, func(s *session) error {
				return s.list(c.Context(), paged{path("v1", "workflows", args[0], "audit"), f.query(), "notes", 0}, s.noteTable())
			})
		},
	}
	f.addTo(w, c, asTable, asJSON, asNDJSON)
	return c
}

func (s *session) noteTable() listed {
	t := newTable("AT ACTION VERSION", "AT", "VERSION", "ACTION", "BY", "REASON")
	return listed{"Nothing is noted.", t, func(raw json.RawMessage) (string, []cell, error) {
		var n saga.VersionNote
		err := s.decode(raw, &n)
		return "", []cell{
			{n.At.Local().Format(time.DateTime), ""}, {strconv.Itoa(n.Version), ""}, {string(n.Action), ""}, {n.By, ""}, {n.Reason, ""},
		}, err
	}}
}
