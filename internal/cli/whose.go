package cli

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/saga"
)

// mostLooked is how many workflows are looked through for one that is not where it was looked for.
const mostLooked = 1000

// run is [remote.run]. A workflow that is not there is looked for elsewhere.
func (f *ofWorkflow) run(w World, c *cobra.Command, do func(*session) error) error {
	return f.remote.run(w, c, func(s *session) error {
		return s.whose(c.Context(), do(s), c.Flags().Arg(0), f.service)
	})
}

// whose adds to an error that there is no such workflow whose workflows of that id there are, as far as the caller may see them.
func (s *session) whose(ctx context.Context, err error, id, service string) error {
	p, ok := errors.AsType[*problem](err)
	if !ok || p.slug() != "no-such-workflow" && p.slug() != "unknown-type" {
		return err
	}
	owners, names := s.owners(ctx, id)
	owners = slices.DeleteFunc(owners, func(o string) bool { return o == service })
	switch {
	case len(owners) == 1 && owners[0] == "":
		p.advice = "It is a workflow of the platform: leave --service away."
	case len(owners) == 1:
		p.advice = "It is a workflow of the service " + plain(owners[0]) + ": add" + serviceFlag(owners[0]) + "."
	case len(owners) > 1:
		p.advice = "It is one of several: of " + listOwners(owners) + ". --service says which."
	default:
		p.advice = "osp workflow list lists workflows."
		if p.slug() == "unknown-type" {
			names = append(names, s.types(ctx)...)
		}
		if asks := meant(id, names); asks != "" {
			p.advice = strings.TrimSpace(asks) + " " + p.advice
		}
		if service == "" { // users see no workflows of services that they do not name
			p.advice += " One of a service is named with --service."
		}
	}
	return err
}

// owners are the services that have a workflow of the id, the platform being the empty one, and names those of all workflows. What
// cannot be listed soon is left out: the error is told all the same.
func (s *session) owners(ctx context.Context, id string) (owners, names []string) {
	ctx, cancel := context.WithTimeout(ctx, quick)
	defer cancel()
	list := paged{path("v1", "workflows"), url.Values{}, "versions", mostLooked}
	_, _ = s.each(ctx, list, func(raw json.RawMessage) error {
		var v saga.WorkflowVersion
		err := s.decode(raw, &v)
		if names = append(names, v.Workflow); v.Workflow == id {
			owners = append(owners, v.Service)
		}
		return err
	})
	return owners, names
}

// types are the names of the types that are built in, as far as they can be listed soon.
func (s *session) types(ctx context.Context) (names []string) {
	ctx, cancel := context.WithTimeout(ctx, quick)
	defer cancel()
	_, _ = s.each(ctx, paged{path: path("v1", "types"), member: "types"}, func(raw json.RawMessage) error {
		var t saga.TaskType
		err := s.decode(raw, &t)
		names = append(names, t.Name)
		return err
	})
	return names
}

func listOwners(owners []string) string {
	names := make([]string, len(owners))
	for i, o := range owners {
		names[i] = "the service " + plain(o)
		if o == "" {
			names[i] = "the platform"
		}
	}
	return strings.Join(names, ", ")
}
