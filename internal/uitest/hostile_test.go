package uitest

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// script is what must be shown, and never run.
const script = `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'"&lt;javascript:window.pwned=1{{7*7}}${7*7}`

// Script in whatever people and programs write is shown as what it is.
func TestScriptIsShownAsText(t *testing.T) {
	st := newStage()
	st.hold("undo reserve")
	st.gives("reserve", dict{script: script})
	st.play("charge", func(int) (any, error) { return nil, errors.New(script) })
	s, p := serve(t, st, ""), browse(t)
	p.requestsMayFail() // addresses of tasks that are none
	id := s.start("order.ask", dict{script: []string{script}, "__proto__": dict{"type": "img", "props": dict{"onerror": "window.pwned=1"}}})
	s.reaches(id, saga.Waiting)
	s.ask(http.StatusAccepted, "POST", "/v1/tasks/"+id+"/signals/other", dict{"type": "script", "props": dict{"dangerouslySetInnerHTML": dict{"__html": script}}, "text": script}, nil)
	const long = "12345678901234567890123" // a number that JavaScript cannot hold
	for signal, payload := range map[string]any{"x.human.y": dict{"outcome": json.Number(long)}, "bare": json.Number(long)} {
		s.ask(http.StatusAccepted, "POST", "/v1/tasks/"+id+"/signals/"+signal, payload, nil)
	}
	p.open(s.url + "/ui/tasks/" + id)
	p.step("Steps", "paid", "waiting")
	p.says("sent the signal x.human.y")
	p.says("Payload " + long)
	p.expand("Steps", "reserve")
	p.says("sent the signal other")
	read[any](p, `document.querySelectorAll('details').forEach(d => { d.open = true })`)
	p.wait(`[...document.querySelectorAll('pre')].filter(e => e.textContent.includes('window.pwned')).length >= 3`)
	p.press("Cancel …")
	p.fill("reason", script)
	p.press("Cancel the task")
	p.says(script)
	p.step("Undone steps", "reserve", "compensating")
	s.listed(id, saga.Compensating)
	st.open("undo reserve")
	s.reaches(id, saga.Cancelled)
	s.listed(id, saga.Cancelled)
	p.wait(`document.querySelector('.why').innerText.includes(` + quote(script) + `)`)
	p.shot("script")

	failing := s.start("order.place", dict{})
	p.open(s.url + "/ui/tasks/" + failing)
	p.step("Steps", "charge", "failed")
	p.says(script)
	s.listed(failing, saga.Failed)
	for _, path := range []string{
		"/ui/tasks", "/ui/tasks?search=" + url.QueryEscape(script), "/ui/tasks?type=x&service=" + url.QueryEscape(script), "/ui/tasks?state=" + url.QueryEscape(script),
		"/ui/tasks/" + url.PathEscape(script), "/ui/workflows/" + url.PathEscape(script), "/ui/login?next=" + url.QueryEscape("javascript:window.pwned=1"),
	} {
		p.open(s.url + path)
		p.wait(`document.querySelector('main').innerText.length > 10`)
		if read[bool](p, `'pwned' in window`) {
			t.Fatalf("script was run at %s", path)
		}
	}
	p.open(s.url + "/ui/tasks?search=x")
	p.wait(`document.querySelector('main').innerText.length > 10`)
}

// An output of a megabyte is shown in parts, at once.
func TestALargeOutputDoesNotHoldThePageUp(t *testing.T) {
	st := newStage()
	st.gives("ship", dict{"log": strings.Repeat("a line of the log and another\n", 32_700)})
	s, p := serve(t, st, ""), browse(t)
	id := s.start("order.place", dict{})
	s.reaches(id, saga.Completed)
	p.open(s.url + "/ui/tasks/" + id)
	p.step("Steps", "ship", "completed")
	p.expand("Steps", "ship")
	p.says("Attempt") // all of the stream is there
	took := read[float64](p, `(async () => {
		const began = performance.now()
		for (const d of document.querySelectorAll('details')) d.open = true
		await new Promise(done => requestAnimationFrame(() => setTimeout(done)))
		return performance.now() - began
	})()`)
	p.wait(`[...document.querySelectorAll('pre')].some(e => e.textContent.includes('a line of the log and'))`)
	if n := read[int](p, `document.body.innerText.length`); n > 30_000 {
		t.Errorf("%d characters are shown at once", n)
	}
	t.Logf("it opens in %.0f ms", took)
	if took > 15_000 { // as a whole it would take minutes, if it were drawn at all
		t.Errorf("to open it took %.0f ms", took)
	}
	p.says("are shown.")
	p.press("Show more")
	p.wait(`document.body.innerText.length > 60000`)
	p.shot("large-output")
}

// A task of 5,000 steps can be read to its last step, and only what is seen is drawn.
func TestFiveThousandSteps(t *testing.T) {
	st := newStage()
	st.hold("ship")
	s, p := serve(t, st, ""), browse(t)
	id := s.start("order.many", dict{"items": 5000})
	until(t, func() bool { return st.called("ship") }, func() any { return len(s.task(id).Steps) })
	p.open(s.url + "/ui/tasks/" + id)
	p.wait(`performance.getEntriesByName('osp:usable').length && document.querySelector('.connection.live')`)
	t.Logf("usable %.0f ms after its HTML", read[float64](p, `performance.getEntriesByName('osp:usable')[0].startTime - performance.getEntriesByType('navigation')[0].responseEnd`))
	p.says("5,001 steps")
	p.step("Steps", "lines[0]/pack", "completed")
	read[any](p, `scrollTo(0, document.body.scrollHeight / 2)`)
	p.wait(`[...document.querySelectorAll('[data-step]')].some(e => Number(e.dataset.step.match(/\d+/)?.[0]) > 1500 && e.getBoundingClientRect().top > 0)`)
	read[any](p, `scrollTo(0, document.body.scrollHeight)`)
	p.step("Steps", "ship", "running")
	if drawn := read[int](p, `document.querySelectorAll('[data-step]').length`); drawn > 500 {
		t.Errorf("%d steps are drawn at once", drawn)
	}
	st.open("ship")
	p.wait(`document.querySelector('.live-state').innerText.includes('Completed')`)
	p.fill("find", "lines[4711]")
	p.step("Steps", "lines[4711]/pack", "completed")
	p.wait(`document.querySelectorAll('[data-step]').length === 1`)
	p.shot("many-steps")
}
