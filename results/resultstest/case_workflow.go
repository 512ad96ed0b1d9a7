package resultstest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// flow is the id of a workflow of this test.
func (b *bench) flow(name string) string { return fmt.Sprintf("%s_%06d", name, b.n) }

// key is a workflow of this test: "w" is the platform's, "shop/w" the shop's.
func (b *bench) key(name string) saga.WorkflowKey {
	service, id, ok := strings.Cut(name, "/")
	if !ok {
		return saga.WorkflowKey{ID: b.flow(name)}
	}
	return saga.WorkflowKey{Service: b.flow(service), ID: b.flow(id)}
}

// deploy deploys a content of a workflow.
func (b *bench) deploy(name, content string) saga.Deployed {
	b.Helper()
	key := b.key(name)
	d, err := b.Deploy(b.Context(), saga.Deployment{
		Service: key.Service, Workflow: key.ID, Hash: b.id(key.ID + content), Definition: content, By: "ann", Reason: "it is " + content,
	})
	b.no(err)
	return d
}

// become asks for a state, and tells the one before and the one after.
func (b *bench) become(name string, version int, state saga.VersionState) (was, is saga.VersionState) {
	b.Helper()
	key := b.key(name)
	c, err := b.ChangeVersion(b.Context(), saga.VersionChange{
		Service: key.Service, Workflow: key.ID, Version: version, State: state, By: "bob", Reason: "to be " + string(state),
	})
	b.no(err)
	return c.Was, c.State
}

// stands tells the states of the versions of w, from the first on, and which one is the current.
func (b *bench) stands() string {
	b.Helper()
	list, err := b.Versions(b.Context(), b.key("w"), 0, 100)
	b.no(err)
	words := make([]string, len(list))
	for i, v := range list {
		words[len(list)-1-i] = string(v.State)
	}
	current, err := b.Workflow(b.Context(), b.key("w"))
	b.no(err)
	return fmt.Sprintf("%s; %d", strings.Join(words, " "), current.Version)
}

// notes tells the audit of a workflow, from its beginning on.
func (b *bench) notes(name string) string {
	b.Helper()
	list, err := b.VersionNotes(b.Context(), b.key(name), 0, 100)
	b.no(err)
	lines := make([]string, len(list))
	for i, n := range list {
		lines[len(list)-1-i] = fmt.Sprintf("%s %s %d: %s", n.By, n.Action, n.Version, n.Reason)
		if time.Since(n.At) > time.Hour || n.At.Location() != time.UTC || n.Service != b.key(name).Service || n.Workflow != b.key(name).ID {
			b.Errorf("an entry of %v about %s", n.At, n.Workflow)
		}
	}
	return strings.Join(lines, "\n")
}

var workflowCases = []testCase{
	{"a content is deployed once, and stays as it is", func(b *bench) {
		const content = `{"id": "w", "n": 1.0, "text": "\u0000 \u003c é", "big": 12345678901234567890}`
		first := b.deploy("w", content)
		want := saga.WorkflowVersion{Workflow: b.flow("w"), Version: 1, Hash: b.id(b.flow("w") + content), State: saga.VersionDraft, By: "ann", CreatedAt: first.CreatedAt}
		same(b, "deployed", first, saga.Deployed{WorkflowVersion: want, Created: true})
		if age := time.Since(first.CreatedAt); age > time.Hour || age < -time.Hour {
			b.Errorf("created %v ago", age)
		}
		again := b.deploy("w", content)
		same(b, "again", again, saga.Deployed{WorkflowVersion: want})
		same(b, "another", b.deploy("w", `{}`).Version, 2)
		same(b, "the first once more", b.deploy("w", content).Version, 1)
		want.Definition = []byte(content)
		got, err := b.Version(b.Context(), b.key("w"), 1)
		b.no(err)
		same(b, "read", got, want)
		got, err = b.Definition(b.Context(), want.Hash)
		b.no(err)
		same(b, "read by its hash", got, want)
		same(b, "audit", b.notes("w"), "ann create 1: it is "+content+"\nann create 2: it is {}")
	}},
	{"every state is followed by those that may follow it", func(b *bench) {
		ways := map[saga.VersionState][]saga.VersionState{
			saga.VersionDraft: nil, saga.VersionActive: {saga.VersionActive}, saga.VersionDeprecated: {saga.VersionDeprecated},
			saga.VersionLocked: {saga.VersionActive, saga.VersionLocked},
		}
		for _, from := range saga.VersionStates {
			for _, to := range saga.VersionStates {
				name := string(from + "_" + to)
				b.deploy(name, name)
				for _, s := range ways[from] {
					b.become(name, 1, s)
				}
				was, is := b.become(name, 1, to)
				want := from
				if from.MayBecome(to) {
					want = to
				}
				entries := 1 + len(ways[from])
				if from.MayBecome(to) {
					entries++
				}
				same(b, name, fmt.Sprintf("%s %s, %d entries", was, is, 1+strings.Count(b.notes(name), "\n")),
					fmt.Sprintf("%s %s, %d entries", from, want, entries))
			}
		}
	}},
	{"an activation makes the one before deprecated, and another way back", func(b *bench) {
		b.deploy("w", "a")
		b.deploy("w", "b")
		same(b, "drafts", b.stands(), "draft draft; 2")
		b.become("w", 1, saga.VersionActive)
		same(b, "the first", b.stands(), "active draft; 1")
		b.become("w", 2, saga.VersionActive)
		same(b, "the second", b.stands(), "deprecated active; 2")
		b.become("w", 1, saga.VersionActive)
		same(b, "back", b.stands(), "active deprecated; 1")
		b.become("w", 1, saga.VersionLocked)
		same(b, "none", b.stands(), "locked deprecated; 2")
		same(b, "audit", b.notes("w"), `ann create 1: it is a
ann create 2: it is b
bob activate 1: to be active
bob deprecate 1: version 2 was activated
bob activate 2: to be active
bob deprecate 2: version 1 was activated
bob activate 1: to be active
bob lock 1: to be locked`)
	}},
	{"of many activations at once one stands in the end, and each is noted", func(b *bench) {
		const versions = 6
		for i := range versions {
			b.deploy("w", fmt.Sprint(i))
		}
		together(4*versions, func(i int) { b.become("w", 1+i%versions, saga.VersionActive) })
		stands := b.stands()
		same(b, "active", strings.Count(stands, "active"), 1)
		same(b, "deprecated", strings.Count(stands, "deprecated"), versions-1)
		audit := b.notes("w")
		same(b, "activations over deprecations", strings.Count(audit, "activate ")-strings.Count(audit, "deprecate "), 1)
	}},
	{"of many deployments at once each content has one version", func(b *bench) {
		const contents = 5
		together(4*contents, func(i int) { b.deploy("w", fmt.Sprint(i%contents)) })
		same(b, "versions", b.stands(), strings.Repeat("draft ", contents-1)+"draft; 5")
		same(b, "entries", strings.Count(b.notes("w"), "create"), contents)
	}},
	{"lists come in pages", func(b *bench) {
		names := []string{"A", "B", "a", "b"} // in the order of their bytes
		for _, name := range names {
			b.deploy(name, name+"1")
			b.deploy(name, name+"2")
		}
		b.become("B", 1, saga.VersionActive)
		var got []string
		for q := (saga.WorkflowQuery{Limit: 3}); ; {
			page, err := b.Workflows(b.Context(), q)
			b.no(err)
			if len(page) == 0 {
				break
			}
			for _, v := range page {
				if q.After = v.Key(); strings.HasSuffix(v.Workflow, fmt.Sprintf("_%06d", b.n)) {
					got = append(got, fmt.Sprintf("%.1s%d", v.Workflow, v.Version))
				}
			}
		}
		same(b, "workflows", strings.Join(got, " "), "A2 B1 a2 b2")
		page, err := b.Versions(b.Context(), b.key("a"), 2, 5)
		b.no(err)
		same(b, "versions before the second", len(page), 1)
		notes, err := b.VersionNotes(b.Context(), b.key("B"), 0, 1)
		b.no(err)
		same(b, "newest entry", notes[0].Action, saga.ActionActivate)
		notes, err = b.VersionNotes(b.Context(), b.key("B"), notes[0].ID, 5)
		b.no(err)
		same(b, "entries before it", len(notes), 2)
	}},
	{"what is not there is not found", func(b *bench) {
		_, err := b.Workflow(b.Context(), b.key("w"))
		same(b, "workflow", errors.Is(err, saga.ErrNotFound), true)
		b.deploy("w", "a")
		_, err = b.Version(b.Context(), b.key("w"), 2)
		same(b, "version", errors.Is(err, saga.ErrNotFound), true)
		_, err = b.Definition(b.Context(), "none")
		same(b, "definition", errors.Is(err, saga.ErrNotFound), true)
		_, err = b.ChangeVersion(b.Context(), saga.VersionChange{Workflow: b.flow("w"), Version: 2, State: saga.VersionActive})
		same(b, "change", errors.Is(err, saga.ErrNotFound), true)
		list, err := b.Versions(b.Context(), b.key("v"), 0, 5)
		b.no(err)
		same(b, "versions", len(list), 0)
	}},
}
