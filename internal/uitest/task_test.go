package uitest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

// watchSteps has the page note when each state of a step was first shown.
const watchSteps = `(() => {
	window.shown = {}
	const look = () => {
		for (const e of document.querySelectorAll('[data-step]')) window.shown[e.parentElement.parentElement.getAttribute('aria-label') + ' ' + e.dataset.step + ' ' + e.dataset.state] ??= Date.now()
	}
	new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true})
	look()
})()`

// A page that is open shows a task that fails and is undone, step by step, and soon after each is recorded.
func TestATaskFailsAndIsUndoneBeforeOnesEyes(t *testing.T) {
	st := newStage()
	st.hold("charge", "ship", "undo charge", "undo reserve")
	st.play("charge", func(attempt int) (any, error) {
		if attempt == 1 {
			return nil, saga.RetryAfter(errString("the bank is busy"), 10*time.Millisecond)
		}
		return dict{"charged": 80}, nil
	})
	st.fails("ship", "the lorry is broken")
	s, p := serve(t, st, ""), browse(t)
	id := s.start("order.place", dict{"amount": 80})
	p.open(s.url + "/ui/tasks/" + id)
	p.step("Steps", "reserve", "completed")
	p.step("Steps", "charge", "running")
	p.wait(`document.querySelector('.connection.live')`)
	p.looks("task-running")
	read[any](p, watchSteps)
	began := read[float64](p, `performance.timeOrigin`)

	st.open("charge")
	p.step("Steps", "ship", "running")
	p.says("×2")
	st.open("ship")
	p.step("Steps", "ship", "failed")
	p.step("Undone steps", "charge", "compensating")
	p.says("the lorry is broken")
	st.open("undo charge")
	p.step("Undone steps", "reserve", "compensating")
	p.looks("task-compensating")
	st.open("undo reserve")
	p.step("Undone steps", "reserve", "compensated")
	p.wait(`document.querySelector('.task h1 ~ .live-state').innerText.includes('Failed')`)
	p.says("Run again")
	p.expand("Steps", "charge")
	p.says("the bank is busy")
	p.looks("task-failed")
	if read[float64](p, `performance.timeOrigin`) != began {
		t.Error("the page was loaded again")
	}
	s.agrees(p, id)
	shownSoon(t, s, p, id)
}

// Each change of the state is told to those who do not see it, and a return to the one that the page began with, too.
func TestChangesOfTheStateAreAnnounced(t *testing.T) {
	st := newStage()
	st.hold("reserve", "ship")
	s, p := serve(t, st, ""), browse(t)
	id := s.start("order.ask", dict{})
	p.open(s.url + "/ui/tasks/" + id)
	p.step("Steps", "reserve", "running")
	announced := func(state string) {
		p.wait(`document.querySelector('.sr[role=status]').textContent === 'The task is ` + state + `.'`)
	}
	st.open("reserve")
	announced("waiting")
	s.ask(http.StatusAccepted, "POST", "/v1/tasks/"+id+"/signals/paid", nil, nil)
	p.step("Steps", "ship", "running")
	announced("running")
}

type errString string

func (e errString) Error() string { return string(e) }

// shownSoon compares when steps changed with when the page showed it.
func shownSoon(t *testing.T, s *site, p *page, id string) {
	t.Helper()
	shown := read[map[string]int64](p, `window.shown`)
	task := s.task(id)
	var lags []time.Duration
	for _, step := range task.Steps {
		for key, at := range map[string]*time.Time{
			"Steps " + step.Path + " completed": step.CompletedAt, "Undone steps " + step.Path + " compensated": step.UndoneAt,
		} {
			if ms, seen := shown[key]; seen && at != nil && step.Path != "reserve" {
				lags = append(lags, time.UnixMilli(ms).Sub(*at))
			}
		}
	}
	if len(lags) < 2 {
		t.Fatalf("of %v only %d are known", shown, len(lags))
	}
	slices.Sort(lags)
	t.Logf("from recorded to shown: %v (the aim is 300ms, on a machine that does nothing else)", lags)
	if worst := lags[len(lags)-1]; worst > 15*time.Second {
		t.Errorf("a change was shown %v after it was recorded", worst)
	}
}

// agrees compares the page's own fold of a task's events with the server's.
func (s *site) agrees(p *page, id string) {
	s.t.Helper()
	type view struct {
		State, Phase, Error string
		Steps               []string
		Not                 []string
	}
	got := read[view](p, `(async () => {
		const from = document.querySelector('script[src]').src.replace(/main\.js$/, '')
		const [{ apply, stepState, tryCount }, { parse }] = await Promise.all([import(from + 'record.js'), import(from + 'api.js')])
		let record = null
		await new Promise(done => {
			const source = new EventSource('/v1/tasks/`+id+`/events')
			const kinds = ['created', 'step_started', 'decided', 'waiting', 'compensation_started', 'completed', 'failed', 'cancelled', 'stuck',
				'step_done', 'attempt_failed', 'child_started', 'signal', 'cancel', 'child_finished', 'resolved', 'undo_requested', 'recovered']
			for (const kind of kinds) source.addEventListener(kind, e => { record = apply(record, parse(e.data)) })
			source.addEventListener('task', () => { source.close(); done() })
		})
		const iso = t => Number.isNaN(t) ? '' : new Date(t).toISOString()
		return { State: record.state, Phase: record.phase, Error: record.error, Not: record.notUndone,
			Steps: record.steps.map(s => [s.path, s.kind, stepState(s, record.state), tryCount(s, false), tryCount(s, true), s.do.error, s.undo.error,
				JSON.stringify(s.output ?? null), iso(s.startedAt)].join('|')) }
	})()`)
	task := s.task(id)
	want := view{string(task.State), string(task.Phase), task.Error, nil, append([]string{}, task.NotUndone...)}
	for _, step := range task.Steps {
		output := string(step.Output)
		if output == "" {
			output = "null"
		}
		want.Steps = append(want.Steps, strings.Join([]string{
			step.Path, string(step.Kind), string(step.State), number(step.Attempts), number(step.UndoAttempts), step.Error, step.UndoError, output,
			step.StartedAt.UTC().Format("2006-01-02T15:04:05.000Z"),
		}, "|"))
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if string(a) != string(b) {
		s.t.Errorf("the page has folded\n%s\nand the server\n%s", a, b)
	}
}

func number(n int) string {
	raw, _ := json.Marshal(n)
	return string(raw)
}
