package resultstest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// failed ends a task with an error.
func failed(why string) func(*saga.Task) {
	return func(t *saga.Task) { t.State, t.Status, t.Error = saga.Failed, saga.StatusFailed, why }
}

var searchCases = []testCase{
	{"finds the beginning of an id, and a part of a type or of an error", func(b *bench) {
		b.at("apple", 1)
		b.at("b", 2, func(t *saga.Task) { t.Type = "peel.Apples" })
		b.at("c", 3, failed("the pay step: Card refused, code 51"))
		b.at("d", 4)
		for search, want := range map[string]string{
			"appl": "b apple", "apple-": "apple", "Apple": "b", "pple": "b", "EEL.a": "b", "card REFUSED": "c", "51": "c",
			"nothing of it": "", b.id("d"): "d", "rder": "d c apple", " ": "c",
		} {
			same(b, search, b.listed(saga.Query{Search: search}), want)
		}
	}},
	{"no character of what is searched for means anything", func(b *bench) {
		const odd = `%_*,().:"'[]{}?+$^|&;/ \ é`
		b.at("a", 1, failed(odd))
		b.at("b", 2, failed("a plain error"))
		b.at("c", 3)
		for part := range strings.SplitSeq(`% _ * , ( ) .: " ' [ ] { } ? + $ ^ | & ; / \ é %_*,().:"'`, " ") {
			same(b, part, b.listed(saga.Query{Search: part}), "a")
		}
		same(b, "all of it", b.listed(saga.Query{Search: odd}), "a")
		for _, none := range []string{`a%r`, `a_plain`, `' or true --`, `\'`, `"')`, `eq.a`, `*a*`, `$1`, `%1$L`, "\n", "null"} {
			same(b, none, b.listed(saga.Query{Search: none}), "")
		}
	}},
	{"page by page, with every other filter, and none twice", func(b *bench) {
		for i := range 9 {
			b.at(fmt.Sprintf("order%d", i), i/2, failed("order of a thing")) // by its id, its type and its error
		}
		b.at("order9", 9)
		b.at("other", 10, failed("no order"), func(t *saga.Task) { t.Type = "refund" })
		b.at("last", 11, func(t *saga.Task) { t.Type = "refund" })
		same(b, "by four", b.listed(saga.Query{Search: "order", Limit: 4}), "other order9 order8 order7 | order6 order5 order4 order3 | order2 order1 order0")
		same(b, "status", b.listed(saga.Query{Search: "order", Status: saga.StatusRunning}), "order9")
		same(b, "state", b.listed(saga.Query{Search: "order", State: saga.Failed, Limit: 10}), "other order8 order7 order6 order5 order4 order3 order2 order1 order0")
		same(b, "type", b.listed(saga.Query{Search: "order", Type: "refund"}), "other")
		same(b, "until", b.listed(saga.Query{Search: "order", Until: epoch.Add(time.Minute)}), "order1 order0")
		same(b, "service", b.listed(saga.Query{Search: "order", Service: "other_" + b.schema}), "")
	}},
}

// counted tells how many tasks of a query there are by state, of this test's user.
func (b *bench) counted(q saga.Query) string {
	b.Helper()
	if q.Owner == "" {
		q.Owner = b.user
	}
	c, err := b.Counts(b.Context(), q)
	b.no(err)
	same(b, "states", len(c.State), len(saga.States))
	statuses := map[saga.Status]int{}
	var told []string
	for _, s := range saga.States {
		statuses[s.Status()] += c.State[s]
		if c.State[s] > 0 {
			told = append(told, fmt.Sprintf("%s %d", s, c.State[s]))
		}
	}
	same(b, "statuses", slices.Sorted(maps.Keys(c.Status)), slices.Sorted(maps.Keys(statuses)))
	same(b, "by status", c.Status, statuses)
	if c.Capped {
		told = append(told, "capped")
	}
	return strings.Join(told, ", ")
}

var countCases = []testCase{
	{"by state, with the filters of a list", func(b *bench) {
		same(b, "nothing", b.counted(saga.Query{}), "")
		for i, state := range saga.States {
			for n := range i%3 + 1 {
				b.at(fmt.Sprintf("%s%d", state, n), n, func(t *saga.Task) { t.State, t.Status = state, state.Status() })
			}
		}
		b.at("x", 9, failed("no card"), func(t *saga.Task) { t.Type, t.Service = "refund", "other_"+b.schema })
		const all = "pending 1, running 2, waiting 3, compensating 1, stuck 2, completed 3, failed 2, cancelled 2"
		same(b, "all", b.counted(saga.Query{}), all)
		same(b, "another's", b.counted(saga.Query{Owner: saga.NilOwner, Service: b.schema}), "")
		same(b, "everybody's", b.counted(saga.Query{Service: b.schema}), strings.Replace(all, "failed 2", "failed 1", 1))
		same(b, "type", b.counted(saga.Query{Type: "refund"}), "failed 1")
		same(b, "service", b.counted(saga.Query{Service: "other_" + b.schema}), "failed 1")
		same(b, "status", b.counted(saga.Query{Status: saga.StatusRunning}), "running 2, waiting 3, compensating 1, stuck 2")
		same(b, "ended", b.counted(saga.Query{Status: saga.StatusFailed}), "failed 2")
		same(b, "state", b.counted(saga.Query{State: saga.Stuck}), "stuck 2")
		same(b, "neither", b.counted(saga.Query{State: saga.Stuck, Status: saga.StatusFailed}), "")
		same(b, "search", b.counted(saga.Query{Search: "CARD"}), "failed 1")
		same(b, "search of ids", b.counted(saga.Query{Search: "waiting"}), "waiting 3")
		same(b, "time", b.counted(saga.Query{From: epoch.Add(time.Minute), Until: epoch.Add(2 * time.Minute)}),
			"running 1, waiting 1, stuck 1, completed 1, cancelled 1")
	}},
	{"stops where it is told to, and says so", func(b *bench) {
		for i := range 3 {
			b.at(fmt.Sprintf("w%d", i), i, func(t *saga.Task) { t.State = saga.Waiting })
			b.at(fmt.Sprintf("f%d", i), i, failed("no"))
		}
		same(b, "exactly as many", b.counted(saga.Query{Limit: 3}), "waiting 3, failed 3")
		same(b, "more", b.counted(saga.Query{Limit: 2}), "waiting 2, failed 2, capped")
		same(b, "of a service", b.counted(saga.Query{Service: b.schema, Limit: 2}), "waiting 2, failed 2, capped")
		same(b, "searched for", b.counted(saga.Query{Search: "f", Limit: 2}), "failed 2, capped")
		same(b, "of one state", b.counted(saga.Query{State: saga.Waiting, Limit: 2}), "waiting 2, capped")
	}},
}
