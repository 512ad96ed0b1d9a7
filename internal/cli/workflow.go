package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/saga"
)

// WorkflowCommands are the commands on workflows that ask the API.
func WorkflowCommands(w World) []*cobra.Command {
	return []*cobra.Command{
		newDeploy(w), newWorkflows(w), newVersions(w), newDefinition(w), newDiff(w), newAudit(w),
		newState(w, saga.VersionActive, "activate", "Let a version be what new tasks begin with"),
		newState(w, saga.VersionDeprecated, "deprecate", "Let a version start no tasks; it may become active again"),
		newState(w, saga.VersionLocked, "lock", "Let a version start no tasks, for ever"),
	}
}

// ofWorkflow are the flags of commands on workflows.
type ofWorkflow struct {
	remote

	service string
}

func (f *ofWorkflow) addTo(w World, c *cobra.Command, outputs ...output) {
	c.Flags().StringVar(&f.service, "service", "", "whose the workflow is, by the service's schema; the platform's without it")
	f.remote.addTo(w, c, outputs...)
}

func (f *ofWorkflow) query(more ...string) url.Values {
	q := url.Values{}
	if f.service != "" {
		q.Set("service", f.service)
	}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] != "" {
			q.Set(more[i], more[i+1])
		}
	}
	return q
}

const maxDefinition = 2 << 20 // the API takes less, and says so

func newDeploy(w World) *cobra.Command {
	f := &ofWorkflow{}
	var reason string
	var activate, check bool
	c := &cobra.Command{
		Use: "deploy FILE", Short: "Deploy a definition, in YAML or JSON; - is the standard input", Args: needs("FILE"),
		Long: `Deploy a definition: it becomes a version of its workflow, as a draft, or with --activate what new tasks begin with. What
has been deployed before is the same version. For operators.`,
		Example: `  osp workflow deploy approveExpense.yaml --service restaurant --reason 'directors may approve' --activate`,
		RunE: func(c *cobra.Command, args []string) error {
			if activate && reason == "" {
				return misused("--reason is missing: say why, the audit keeps it")
			}
			raw, err := readDefinition(c.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			kind := "application/yaml"
			if json.Valid(raw) {
				kind = "application/json"
			}
			validate := ""
			if check {
				validate = "only"
			}
			return f.run(w, c, func(s *session) error {
				answer, err := s.client.do(c.Context(), call{
					method: http.MethodPost, path: path("v1", "workflows"), query: f.query("reason", reason, "validate", validate),
					body: raw, kind: kind, again: true,
				})
				if err != nil || check {
					return both(err, s.sayChecked(answer, err == nil))
				}
				return s.deployed(c, f, answer, activate, reason)
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; the audit keeps it")
	c.Flags().BoolVar(&activate, "activate", false, "make it what new tasks begin with")
	c.Flags().BoolVar(&check, "check", false, "only have the API check it: nothing is kept")
	c.MarkFlagsMutuallyExclusive("activate", "check")
	f.addTo(w, c, asTable, asJSON, asID)
	return c
}

// warned is what deploying and checking have in common.
type warned struct {
	saga.WorkflowVersion

	Created  bool    `json:"created"`
	Warnings []fault `json:"warnings"`
}

func (s *session) warn(list []fault) {
	for _, f := range list {
		s.talk("warning: %s", f)
	}
}

func (s *session) sayChecked(raw []byte, ok bool) error {
	if !ok {
		return nil
	}
	var v warned
	if err := s.decode(raw, &v); err != nil {
		return err
	}
	s.warn(v.Warnings)
	return s.say(raw, v.Workflow, "%s is sound: warnings %d", plain(v.Workflow), len(v.Warnings))
}

// deployed tells of a version that has been deployed, and activates it if that is wanted.
func (s *session) deployed(c *cobra.Command, f *ofWorkflow, raw []byte, activate bool, reason string) error {
	var v warned
	if err := s.decode(raw, &v); err != nil {
		return err
	}
	s.warn(v.Warnings)
	if activate && v.State != saga.VersionActive {
		answer, err := s.change(c, f, v.Workflow, v.Version, saga.VersionActive, reason)
		if err != nil {
			return err
		}
		if err := s.decode(answer, &v.WorkflowVersion); err != nil {
			return err
		}
		raw = answer
	}
	what := "deployed"
	if !v.Created {
		what = "had been deployed before"
	}
	err := s.say(raw, v.Workflow, "%s version %d: %s, %s", plain(v.Workflow), v.Version, what, v.State)
	if s.output.people() && v.State == saga.VersionDraft {
		s.talk("To let tasks begin with it: osp workflow activate %s %d --reason …%s", plain(v.Workflow), v.Version, serviceFlag(f.service))
	}
	return err
}

func serviceFlag(service string) string {
	if service == "" {
		return ""
	}
	return " --service " + plain(service)
}

func (s *session) change(c *cobra.Command, f *ofWorkflow, id string, version int, state saga.VersionState, reason string) ([]byte, error) {
	body, err := json.Marshal(map[string]any{"version": version, "state": state, "reason": reason})
	if err != nil {
		return nil, err
	}
	return s.client.do(c.Context(), call{
		method: http.MethodPost, path: path("v1", "workflows", id, "state"), query: f.query(), body: body, again: true,
	})
}

func newState(w World, state saga.VersionState, verb, short string) *cobra.Command {
	f := &ofWorkflow{}
	var reason string
	c := &cobra.Command{
		Use: verb + " ID VERSION", Short: short, Args: needs("ID", "VERSION"), ValidArgsFunction: completeWorkflows(w, &f.remote),
		RunE: func(c *cobra.Command, args []string) error {
			version, err := versionOf(args[1])
			if err != nil {
				return err
			}
			if reason == "" {
				return misused("--reason is missing: say why, the audit keeps it")
			}
			return f.run(w, c, func(s *session) error {
				raw, err := s.change(c, f, args[0], version, state, reason)
				if err != nil {
					return err
				}
				return s.say(raw, args[0], "%s version %d: %s", plain(args[0]), version, state)
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; the audit keeps it")
	f.addTo(w, c, asTable, asJSON, asID)
	return c
}

func versionOf(s string) (int, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(s, "v"))
	if err != nil || n < 1 {
		return 0, misused("VERSION is %q: write its number, as osp workflow versions lists it", s)
	}
	return n, nil
}

func readDefinition(stdin io.Reader, name string) ([]byte, error) {
	in := stdin
	if name != "-" {
		f, err := os.Open(filepath.Clean(name))
		if err != nil {
			return nil, misused("%s cannot be read: %w", plain(name), err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxDefinition))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", plain(name), err)
	}
	return raw, nil
}
