package cli

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/saga"
)

// completing is how cobra asks for what may come next.
type completing = func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective)

const quick = 2 * time.Second // whoever presses Tab does not wait longer

// complete has a flag take one of some words.
func complete(c *cobra.Command, flag string, words ...string) {
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// items reads one page of a list for a completion. What goes wrong completes nothing.
func (f *remote) items(w World, c *cobra.Command, at string, q url.Values, member string) (list []json.RawMessage) {
	f.output = f.outputs[0]
	s, err := f.open(w, c)
	if err != nil {
		return nil
	}
	defer s.close()
	ctx, cancel := context.WithTimeout(c.Context(), quick)
	defer cancel()
	raw, _, err := s.client.once(ctx, call{method: http.MethodGet, path: at, query: q})
	if err != nil {
		return nil
	}
	var page map[string]json.RawMessage
	if json.Unmarshal(raw, &page) == nil {
		_ = json.Unmarshal(page[member], &list) // nothing is completed then
	}
	return list
}

// word is a completion with what it is, which some shells show.
func word(text, is string) string {
	return plain(text) + "\t" + clip(plain(is), 60)
}

// only takes the first argument; there are no files to complete.
func only(list func(c *cobra.Command) []string) completing {
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 && strings.Contains(c.Use, " ID NAME") {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		words := slices.DeleteFunc(list(c), func(w string) bool {
			return !strings.HasPrefix(w, begun) || slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(w, a+"\t") })
		})
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeTypes completes the types that are built in, and the workflows.
func completeTypes(w World, f *remote) completing {
	return only(func(c *cobra.Command) (words []string) {
		for _, raw := range f.items(w, c, path("v1", "types"), nil, "types") {
			var t saga.TaskType
			if json.Unmarshal(raw, &t) == nil {
				words = append(words, word(t.Name, t.Description))
			}
		}
		return append(words, f.workflows(w, c)...)
	})
}

func (f *remote) workflows(w World, c *cobra.Command) (words []string) {
	for _, raw := range f.items(w, c, path("v1", "workflows"), url.Values{"limit": {"200"}}, "versions") {
		var v saga.WorkflowVersion
		if json.Unmarshal(raw, &v) == nil {
			words = append(words, word(v.Workflow, "workflow, "+string(v.State)))
		}
	}
	return words
}

func completeWorkflows(w World, f *remote) completing {
	return only(func(c *cobra.Command) []string { return f.workflows(w, c) })
}

// completeTasks completes the ids of the newest tasks.
func completeTasks(w World, f *remote) completing {
	return only(func(c *cobra.Command) (words []string) {
		for _, raw := range f.items(w, c, path("v1", "tasks"), url.Values{"limit": {"50"}}, "tasks") {
			var t saga.Task
			if json.Unmarshal(raw, &t) == nil {
				words = append(words, word(t.ID, t.Type+", "+string(t.State)))
			}
		}
		return words
	})
}

// completeSteps completes a task and, behind it, its steps that are in a state.
func completeSteps(w World, f *remote, state saga.StepState) completing {
	tasks := completeTasks(w, f)
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return tasks(c, args, begun)
		}
		var words []string
		for _, raw := range f.items(w, c, path("v1", "tasks", args[0]), nil, "steps") {
			var s saga.StepView
			if json.Unmarshal(raw, &s) == nil && s.State == state && len(args) == 1 {
				words = append(words, word(s.Path, string(s.State)))
			}
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

func completeKind(w World, f *remote, kind string) completing {
	switch kind {
	case "type":
		return completeTypes(w, f)
	case "queue":
		return only(func(c *cobra.Command) (words []string) {
			return named(f.items(w, c, path("v1", "queues"), nil, "items"), "", "queue")
		})
	}
	return cobra.NoFileCompletions
}

// completePaused completes what is paused.
func completePaused(w World, f *remote, kind string) completing {
	return only(func(c *cobra.Command) []string {
		return named(f.items(w, c, path("v1", "pauses"), nil, "items"), kind, "paused")
	})
}

// named are the names of items, of a kind where they have one.
func named(items []json.RawMessage, kind, is string) (words []string) {
	for _, raw := range items {
		var item struct{ Kind, Name, Reason string }
		if json.Unmarshal(raw, &item) == nil && item.Kind == kind {
			words = append(words, word(item.Name, or(item.Reason, is)))
		}
	}
	return words
}

func completeProfiles(w World) completing {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		p, err := readProfiles(w)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var words []string
		for name, p := range p.Profiles {
			words = append(words, word(name, p.URL))
		}
		slices.Sort(words)
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}
