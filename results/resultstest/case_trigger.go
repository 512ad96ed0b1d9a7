package resultstest

import (
	"fmt"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// started lists what a trigger of this test's services starts: "<service><workflow>.<version>", the platform's service being ~.
func (b *bench) started(trigger, subject string, services ...string) string {
	b.Helper()
	var words []string
	for q := (saga.TriggerQuery{Trigger: trigger, Subject: subject, Services: services, Limit: 1}); ; {
		page, err := b.Triggered(b.Context(), q)
		if b.no(err); len(page) == 0 {
			return strings.Join(words, " ")
		}
		q.After = page[0].Key()
		if name, ok := strings.CutSuffix(page[0].Workflow, fmt.Sprintf("_%06d", b.n)); ok {
			words = append(words, fmt.Sprintf("%s/%s.%d", strings.TrimPrefix(page[0].Service, b.schema), name, page[0].Version))
		}
	}
}

var triggerCases = []testCase{
	{"active versions are found by what starts them", func(b *bench) {
		put := func(service, name, trigger string) {
			d, err := b.Deploy(b.Context(), saga.Deployment{
				Service: service, Workflow: b.flow(name), Hash: b.id(service + name + trigger), Definition: `{"trigger":` + trigger + `}`, By: "ann",
			})
			b.no(err)
			_, err = b.ChangeVersion(b.Context(), saga.VersionChange{
				Service: service, Workflow: b.flow(name), Version: d.Version, State: saga.VersionActive, By: "ann",
			})
			b.no(err)
		}
		shop, bar := b.schema, b.schema+"b"
		put("", "w", `{"type":"schedule","cron":"@daily"}`)
		put(bar, "W", `{"type":"schedule"}`)
		put(bar, "a", `{"type":"schedule"}`)
		put(shop, "w", `{"type":"schedule","note":"\u0000 \\u0000 \\\u0000"}`)
		put(shop, "o", `{"type":"entity_insert","entity":"orders"}`)
		put(shop, "s", `{"type":"signal","signal_name":"ring"}`)
		put(shop, "m", `{"type":"manual"}`)
		put(shop, "n", `null`)
		b.deploy("broken", `{`)
		same(b, "schedules", b.started("schedule", ""), "/w.1 /w.1 b/W.1 b/a.1")
		same(b, "of a service", b.started("schedule", "", shop), "/w.1")
		same(b, "of two", b.started("schedule", "", "", bar), "/w.1 b/W.1 b/a.1")
		same(b, "rows", b.started("entity_insert", "orders"), "/o.1")
		same(b, "rows of another entity", b.started("entity_insert", "refunds"), "")
		same(b, "other changes", b.started("entity_delete", "orders"), "")
		same(b, "signals", b.started("signal", "ring", shop), "/s.1")
		put(shop, "w", `{"type":"schedule","cron":"@hourly"}`)
		same(b, "another version", b.started("schedule", "", shop), "/w.2")
		put(shop, "w", `{"type":"manual"}`)
		same(b, "a version without", b.started("schedule", "", shop), "")
	}},
	{"a deleted service's workflows start nothing any more", func(b *bench) {
		b.shop()
		for _, service := range []string{"", b.schema} {
			_, err := b.Deploy(b.Context(), saga.Deployment{
				Service: service, Workflow: b.flow("w"), Hash: b.id("w" + service), Definition: `{"trigger":{"type":"schedule"}}`, By: "ann",
			})
			b.no(err)
			_, err = b.ChangeVersion(b.Context(), saga.VersionChange{
				Service: service, Workflow: b.flow("w"), Version: 1, State: saga.VersionActive, By: "ann", Reason: "go",
			})
			b.no(err)
		}
		same(b, "before", b.started("schedule", "", "", b.schema), "/w.1 /w.1")
		b.delete(saga.SubjectService, b.schema)
		same(b, "after", b.started("schedule", "", "", b.schema), "/w.1")
		notes, err := b.VersionNotes(b.Context(), saga.WorkflowKey{Service: b.schema, ID: b.flow("w")}, 0, 1)
		b.no(err)
		same(b, "why", notes[0].By+": "+string(notes[0].Action)+", "+notes[0].Reason, "osp: deprecate, the service was deleted")
	}},
	{"a trigger comes with the owner and the activation", func(b *bench) {
		b.shop()
		d, err := b.Deploy(b.Context(), saga.Deployment{
			Service: b.schema, Workflow: b.flow("w"), Hash: b.id("w"), Definition: `{"trigger":{"type":"schedule"}}`, By: "ann",
		})
		b.no(err)
		for _, state := range []saga.VersionState{saga.VersionActive, saga.VersionDeprecated, saga.VersionActive} {
			_, err = b.ChangeVersion(b.Context(), saga.VersionChange{
				Service: b.schema, Workflow: b.flow("w"), Version: 1, State: state, By: "ann", Reason: string(state),
			})
			b.no(err)
		}
		notes, err := b.VersionNotes(b.Context(), d.Key(), 0, 1)
		b.no(err)
		list, err := b.Triggered(b.Context(), saga.TriggerQuery{Trigger: "schedule", Services: []string{b.schema}, Limit: 5})
		b.no(err)
		want := saga.Triggered{WorkflowVersion: d.WorkflowVersion, Owner: b.user, ActivatedAt: notes[0].At}
		want.State = saga.VersionActive
		same(b, "listed", list, []saga.Triggered{want})
		same(b, "in", list[0].ActivatedAt.Location(), time.UTC)
	}},
}
