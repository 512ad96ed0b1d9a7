package resultstest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/osp-platform/osp/saga"
)

// begins tells what a service's tasks of the type w begin with: the content, and whose it is.
func (b *bench) begins(service string) string {
	b.Helper()
	of := b.key("w")
	if service != "" {
		of = b.key(service + "/w")
	}
	v, err := b.Workflow(b.Context(), of)
	if errors.Is(err, saga.ErrNotFound) {
		return "none"
	}
	b.no(err)
	whose, _, _ := strings.Cut(v.Service, "_")
	return strings.TrimSpace(fmt.Sprintf("%s %d %s", v.State, v.Version, whose))
}

// workflowsOf tells which workflows of this test a list has, read in pages.
func (b *bench) workflowsOf(services ...string) string {
	b.Helper()
	var words []string
	for q := (saga.WorkflowQuery{Services: services, Limit: 2}); ; {
		page, err := b.Workflows(b.Context(), q)
		b.no(err)
		if len(page) == 0 {
			return strings.Join(words, " ")
		}
		for _, v := range page {
			q.After = v.Key()
			if service, _, _ := strings.Cut(v.Service, "_"); strings.HasSuffix(v.Workflow, fmt.Sprintf("_%06d", b.n)) {
				words = append(words, fmt.Sprintf("%s/%.1s%d", service, v.Workflow, v.Version))
			}
		}
	}
}

var workflowServiceCases = []testCase{
	{"workflows of one id are each service's own", func(b *bench) {
		same(b, "the shop's", b.deploy("shop/w", "a").Version, 1)
		same(b, "the same content, in another", b.deploy("bar/w", "a").Created, true)
		same(b, "and the platform's", b.deploy("w", "a").Created, true)
		same(b, "once more", b.deploy("bar/w", "a").Created, false)
		same(b, "another content", b.deploy("bar/w", "b").Version, 2)
		b.become("bar/w", 2, saga.VersionActive)
		b.become("shop/w", 1, saga.VersionActive)
		b.become("shop/w", 1, saga.VersionLocked)
		same(b, "the bar", b.begins("bar"), "active 2 bar")
		same(b, "the shop", b.begins("shop"), "locked 1 shop")
		same(b, "the platform", b.begins(""), "draft 1")
		same(b, "the shop's audit", b.notes("shop/w"), "ann create 1: it is a\nbob activate 1: to be active\nbob lock 1: to be locked")
		same(b, "the bar's", b.notes("bar/w"), "ann create 1: it is a\nann create 2: it is b\nbob activate 2: to be active")
		got, err := b.Version(b.Context(), b.key("bar/w"), 2)
		b.no(err)
		same(b, "the bar's version", got.Service+string(got.Definition), b.key("bar/w").Service+"b")
		list, err := b.Versions(b.Context(), b.key("shop/w"), 0, 9)
		b.no(err)
		same(b, "the shop's versions", len(list), 1)
		got, err = b.Definition(b.Context(), list[0].Hash)
		b.no(err)
		same(b, "the content of all three", string(got.Definition), "a")
		_, err = b.Version(b.Context(), b.key("shop/w"), 2)
		same(b, "the bar's version, of the shop", errors.Is(err, saga.ErrNotFound), true)
		_, err = b.ChangeVersion(b.Context(), saga.VersionChange{Service: b.key("shop/w").Service, Workflow: b.flow("w"), Version: 2, State: saga.VersionActive})
		same(b, "its change", errors.Is(err, saga.ErrNotFound), true)
	}},
	{"a service without a workflow of its own begins with the platform's", func(b *bench) {
		same(b, "there is none", b.begins("shop"), "none")
		b.deploy("bar/w", "bar's")
		same(b, "another service's", b.begins("shop"), "none")
		b.deploy("shop/w", "own")
		same(b, "a draft, and none of the platform's", b.begins("shop"), "draft 1 shop")
		b.deploy("w", "platform's")
		b.become("w", 1, saga.VersionActive)
		same(b, "a draft beside the platform's", b.begins("shop"), "active 1")
		same(b, "without a service", b.begins(""), "active 1")
		b.become("shop/w", 1, saga.VersionDeprecated)
		same(b, "a draft that was given up", b.begins("shop"), "active 1")
		b.become("shop/w", 1, saga.VersionActive)
		same(b, "its own", b.begins("shop"), "active 1 shop")
		b.become("shop/w", 1, saga.VersionDeprecated)
		same(b, "its own, which is not active", b.begins("shop"), "deprecated 1 shop")
		b.deploy("shop/w", "own, again")
		same(b, "the newest of its own", b.begins("shop"), "draft 2 shop")
		same(b, "a service without one", b.begins("inn"), "active 1")
	}},
	{"lists of workflows are in the order of services and ids, of those that are asked for", func(b *bench) {
		for _, name := range []string{"b", "a", "shop/b", "bar/c", "shop/a", "bar/a"} {
			b.deploy(name, name)
		}
		b.deploy("shop/a", "more")
		shop, bar := b.key("shop/w").Service, b.key("bar/w").Service
		same(b, "all", b.workflowsOf(), "/a1 /b1 bar/a1 bar/c1 shop/a2 shop/b1")
		same(b, "the shop's", b.workflowsOf(shop), "shop/a2 shop/b1")
		same(b, "the platform's and the bar's", b.workflowsOf("", bar), "/a1 /b1 bar/a1 bar/c1")
	}},
}
