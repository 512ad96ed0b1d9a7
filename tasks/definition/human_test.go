package definition_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
	"github.com/osp-platform/osp/tasks/definition"
)

// approval is a human task with all that it can have, which others may answer after 40 s.
const approval = `
id: w
steps:
  - id: h
    type: human_task
    name: Approve it
    description: Look at the lines.
    human_task:
      assignee_role: manager
      timeout_seconds: 100
      escalation: {after_seconds: 40, assignee_role: director, steps: [tell]}
      timeout_steps: [late]
      rejected_steps: [no]
  - {id: b, type: activity, activity: {type: log_event, params: {note: "${!has(steps.h) ? 'none' : h.outcome == 'rejected' ? 'rejected' : h.output.note}"}}}
  - {id: tell, type: activity, effect: none, activity: {type: send_email, params: {to: t, subject: s, text: t}}}
  - {id: late, type: activity, activity: {type: log_event}}
  - {id: no, type: activity, activity: {type: log_event}}`

func TestAnEscalationSimulated(t *testing.T) {
	d := parsed(t, approval)
	s := script(t, d, `outputs: {h: {outcome: completed, output: {note: fine}}}`)
	failures, _, err := d.Failures(s)
	if got := strings.Join(failures, " "); err != nil || got != "h h:rejected h:escalated b" {
		t.Errorf("it may go otherwise in %s, %v", got, err)
	}
	for failAt, want := range map[string]struct {
		moves, note string
		seconds     float64 // at the last move
	}{
		"":            {"wait h, do b: completed", "fine", 0},
		"h:escalated": {"wait h~, wait h.escalated, do tell, do b: completed", "fine", 40},
		"h:rejected":  {"wait h, do no, do b: completed", "rejected", 0},
		"h":           {"wait h~, wait h.escalated~, do tell, do late, do b: completed", "none", 100},
	} {
		if !d.CanFail(failAt) && failAt != "" {
			t.Errorf("%s cannot be simulated", failAt)
		}
		s.FailAt = failAt
		if got := simulated(t, d, s); got != want.moves {
			t.Errorf("%q\n got %s\nwant %s", failAt, got, want.moves)
		}
		run, err := d.Simulate(s)
		if err != nil {
			t.Fatal(err)
		}
		last := run.Moves[len(run.Moves)-1]
		if params := string(last.Calls[0].Params); params != fmt.Sprintf(`{"note":%q}`, want.note) || last.After != want.seconds {
			t.Errorf("%q: after %v s with %s", failAt, last.After, params)
		}
	}
}

// TestAnEscalationWithoutTimeoutSteps has nothing to go on with when nobody answers at all.
func TestAnEscalationWithoutTimeoutSteps(t *testing.T) {
	d := parsed(t, "id: w\nsteps:\n  - {id: a, type: activity, activity: {type: create_entity, params: {entity: things, data: {}}}}\n"+
		"  - {id: h, type: human_task, human_task: {escalation: {assignee_role: r}}}"+step("b"))
	for failAt, want := range map[string]string{
		"h:escalated": "do a, wait h~, wait h.escalated, do b: completed",
		"h:rejected":  "do a, wait h, undo a: failed",
		"h":           "do a, wait h~, wait h.escalated~, undo a: failed",
	} {
		if got := simulated(t, d, definition.Script{FailAt: failAt}); got != want {
			t.Errorf("%q\n got %s\nwant %s", failAt, got, want)
		}
	}
}

func TestHumanTasksThatAreRefused(t *testing.T) {
	human := func(members, more string) string {
		return "id: w\nsteps:\n  - {id: h, type: human_task, human_task: {" + members + "}}" + more
	}
	const sms = "\n  - {id: s, type: activity, irreversible: true, activity: {type: send_sms, params: {to: t, text: t}}}"
	for _, c := range []struct{ name, source, want string }{
		{"an escalation to nobody", human("escalation: {}", ""), "/steps/0/human_task/escalation/assignee_role: assignee_role is missing: add it."},
		{
			"an escalation at the end", human("timeout_seconds: 9, escalation: {after_seconds: 9, assignee_role: r}", ""),
			"/steps/0/human_task/escalation/after_seconds: It would be escalated after 9s, and waits for 9s in all",
		},
		{
			"an escalation that ends the task", human("escalation: {assignee_role: r, steps: [c]}", cond("c", "e")+"\n  - {id: e, type: terminate, terminate: {outcome: completed}}"),
			`/steps/0/human_task/escalation/steps: Step "e" would end the task while somebody may still answer`,
		},
		{
			"an escalation that cannot be undone", human("escalation: {assignee_role: r, steps: [s]}, timeout_steps: []", sms),
			`/steps/1/irreversible: Step "s" cannot be undone, and step "h", which comes after it or beside it, may fail`,
		},
		{
			"what is rejected after such an escalation", human("escalation: {assignee_role: r, steps: [s]}, timeout_steps: [], rejected_steps: [q]", sms+"\n  - {id: q, type: activity, activity: {type: query_entity, params: {entity: things}}}"),
			`Step "s" cannot be undone, and step "q", which comes after`,
		},
		{
			"an output of an escalation that may not have been", human("escalation: {assignee_role: r, steps: [q]}",
				"\n  - {id: b, type: activity, activity: {type: log_event, params: {v: \"${q.x}\"}}}\n  - {id: q, type: activity, activity: {type: query_entity, params: {entity: things}}}"),
			"step q does not always have an output here",
		},
		{
			"an answer before it is given", human("escalation: {assignee_role: r, steps: [q]}",
				"\n  - {id: q, type: activity, activity: {type: log_event, params: {v: \"${h.by}\"}}}"),
			"step h has not run yet",
		},
		{
			"an escalation that takes long", "timeout_seconds: 150\n" + human("timeout_seconds: 100, escalation: {after_seconds: 50, assignee_role: r, steps: [q]}",
				"\n  - {id: q, type: wait_timer, wait_timer: {seconds: 120}}"),
			"The timeouts add up to 2m50s along the longest way",
		},
	} {
		refused(t, c.name, c.source, c.want)
	}
	parsed(t, human("escalation: {assignee_role: r, steps: [s]}, timeout_steps: [], rejected_steps: []", sms)) // it cannot fail
	parsed(t, "timeout_seconds: 100\n"+human("timeout_seconds: 100, escalation: {after_seconds: 50, assignee_role: r, steps: [q]}",
		"\n  - {id: q, type: wait_timer, wait_timer: {seconds: 50}}")) // the steps are carried out beside the wait
}

// TestTheShortestWaitsEnd has times of less than a nanosecond: to the engine none at all would be for ever.
func TestTheShortestWaitsEnd(t *testing.T) {
	const wait, human = "{id: s, type: wait_signal, wait: {signal_name: go, timeout_seconds: 1e-10}}", "{id: s, type: human_task, human_task: {"
	for name, c := range map[string]struct{ step, failAt, want string }{
		"a signal":      {wait, "s", "wait s~: failed"},
		"a human task":  {human + "timeout_seconds: 1e-10}}", "s", "wait s~: failed"},
		"an escalation": {human + "timeout_seconds: 60, escalation: {after_seconds: 1e-10, assignee_role: r}}}", "s:escalated", "wait s~, wait s.escalated: completed"},
	} {
		d := parsed(t, "id: w\nsteps:\n  - "+c.step)
		if got := simulated(t, d, definition.Script{FailAt: c.failAt}); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", name, got, c.want)
		}
	}
	atTheEnd, _ := definition.Load([]byte(`{"id":"w","steps":[{"human_task":{"escalation":{"after_seconds":9,"assignee_role":"r"},"timeout_seconds":9},"id":"h","type":"human_task"}]}`))
	if got := simulated(t, atTheEnd, definition.Script{FailAt: "h"}); got != "wait h~, wait h.escalated~: failed" {
		t.Errorf("an escalation at the end: %s", got)
	}
	d := parsed(t, "timeout_seconds: 1e-10\nid: w\nsteps:\n  - {id: s, type: wait_signal, wait: {signal_name: go}}")
	if flow, err := d.Workflow(&shop{}); err != nil || flow.Deadline <= 0 {
		t.Errorf("the whole: %+v, %v", flow, err)
	}
}

func TestWhatIsOfNoUseInAHumanTaskIsWarnedOf(t *testing.T) {
	for source, want := range map[string]string{
		"{id: h, type: human_task, human_task: {assignee_role: reader}}":                                  "/steps/0/human_task/assignee_role: Readers change nothing",
		"{id: h, type: human_task, human_task: {escalation: {assignee_role: reader}}}":                    "/steps/0/human_task/escalation/assignee_role: Readers",
		"{id: s, type: wait_signal, wait: {signal_name: human.h, timeout_seconds: 9, timeout_steps: []}}": "/steps/0/wait/signal_name: Signals of this name are answers",
	} {
		d, problems := definition.Parse([]byte("id: w\nsteps:\n  - " + source))
		if d == nil || len(problems) != 1 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v", source, problems)
		}
	}
}

// TestAHumanTaskStandsWhereItsRecordSays lets virtual time pass over a human task in a loop, and answers some of them.
func TestAHumanTaskStandsWhereItsRecordSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := parsed(t, strings.Replace(approval, "steps:", `steps:
  - {id: l, type: loop, loop: {collection: "${[7, 8, 9]}", item_variable: x, concurrency: 3, steps: [h, b]}}`, 1))
		w := humans(t, d)
		stand := func(path, want string) {
			t.Helper()
			h := d.HumanTask(w.record(), path, time.Time{})
			got := string(h.State) + " " + strings.Join(h.Roles, "+")
			if h.DueAt != nil {
				got += " " + h.DueAt.Sub(w.begun).String()
			}
			if got != want {
				t.Errorf("%s is %q, want %q", path, got, want)
			}
			if began := h.State != saga.HumanAhead && h.State != saga.HumanNone; began && (h.Title != "Approve it" || h.Description == "" || !h.Since.Equal(w.begun)) {
				t.Errorf("%s: %+v", path, h)
			}
		}
		stand("l[0]/h", "ahead manager")
		w.run()
		stand("l[0]/h", "open manager 40s")
		stand("l[3]/h", "ahead manager")
		stand("h", "ahead manager")
		stand("b", " ")
		stand("l[0]/h.escalated", " ")
		w.answer("l[1]/h", `{"outcome":"completed","output":{"note":"one"},"by":"x"}`)
		stand("l[1]/h", "answered manager")
		stand("l[0]/h", "open manager 40s")
		time.Sleep(40 * time.Second)
		w.run()
		stand("l[0]/h", "open manager+director 1m40s")
		stand("l[1]/h", "answered manager")
		w.answer("l[2]/h", `{"outcome":"rejected","output":{"note":"two"},"by":"y"}`)
		stand("l[2]/h", "answered manager+director")
		time.Sleep(60 * time.Second)
		w.run()
		stand("l[0]/h", "over manager+director")
		if r := w.record(); r.State != saga.Completed || r.Reason != "" {
			t.Errorf("it is %s: %s", r.State, r.Reason)
		}
		slices.Sort(w.trail)
		const want = "do l[0]/b by log_event, do l[0]/late by log_event, do l[0]/tell by send_email, do l[1]/b by log_event, " +
			"do l[2]/b by log_event, do l[2]/no by log_event, do l[2]/tell by send_email"
		if got := strings.Join(w.trail, ", "); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
		views := map[string]saga.StepView{}
		for _, v := range w.record().Task(1).Steps {
			views[v.Path] = v
		}
		const note = `{"title":"Approve it","description":"Look at the lines.","roles":["manager","director"]}`
		if got := views["l[0]/h.escalated"]; string(got.Human) != note || got.DueAt != nil {
			t.Errorf("the row says %s, due at %v", got.Human, got.DueAt)
		}
	})
}

// desk has one task of a definition, with a runner.
type desk struct {
	*shop
	t       *testing.T
	journal *storetest.Memory
	runner  *saga.Runner
	begun   time.Time
}

func humans(t *testing.T, d *definition.Definition) *desk {
	t.Helper()
	w := &desk{shop: &shop{keys: map[string]bool{}}, t: t, journal: storetest.NewMemory(time.Now), begun: time.Now()}
	var err error
	if w.flow, err = d.Workflow(w); err != nil {
		t.Fatal(err)
	}
	_, err = w.journal.Start(t.Context(), saga.Start{Created: saga.Created{
		ID: "t", Type: d.ID, TreeHash: w.flow.TreeHash(), Input: json.RawMessage(`{}`), Owner: saga.NilOwner, Hash: "t",
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.runner = &saga.Runner{
		Journal: w.journal, Workflows: w, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Random: func() float64 { return 0 }, Nonce: func() string { return "n" },
	}
	return w
}

// run carries the task on as far as it goes now.
func (w *desk) run() {
	w.t.Helper()
	var parked *saga.ParkedError
	if err := w.runner.Run(w.t.Context(), "t"); err != nil && (!errors.As(err, &parked) || parked.Cause != nil) {
		w.t.Fatal(err)
	}
}

func (w *desk) answer(path, payload string) {
	w.t.Helper()
	_, err := w.journal.Post(w.t.Context(), "t", saga.Message{Event: saga.Event{
		Kind: saga.KindSignal, Name: definition.AnswerSignal(path), Data: json.RawMessage(payload),
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.run()
}

func (w *desk) record() *saga.Record {
	w.t.Helper()
	snapshot, err := w.journal.Read(w.t.Context(), "t")
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := saga.Fold(snapshot.Events)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}
