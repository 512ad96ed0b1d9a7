package uitest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// click clicks on what a selector finds.
func (p *page) click(selector string) {
	p.t.Helper()
	find := `document.querySelector(` + quote(selector) + `)`
	p.act(find, `e.click()`)
}

// section is the text of the part of a page that a heading names.
func section(heading string) string {
	return `document.querySelector('section[aria-labelledby="` + heading + `"]')?.innerText`
}

// pauses are what is paused.
func (s *site) pauses() []saga.Pause {
	s.t.Helper()
	var list struct{ Items []saga.Pause }
	s.ask(http.StatusOK, "GET", "/v1/pauses", nil, &list)
	return list.Items
}

// What an operator must know stands on the overview, the stuck tasks first.
func TestTheOverviewTellsHowEverythingStands(t *testing.T) {
	st := newStage()
	st.fails("undo reserve", "the shelf is locked")
	s, p := serve(t, st, ""), browse(t)
	s.listed(s.start("order.many", dict{"items": 1}), saga.Completed)
	st.fails("charge", "no money")
	stuck := s.start("order.place", dict{})
	s.listed(stuck, saga.Stuck)
	st.play("undo reserve", func(int) (any, error) { return "undone", nil })
	failed := s.start("order.place", dict{})
	s.listed(failed, saga.Failed)

	p.open(s.url + "/ui/")
	p.says("1 task is stuck")
	p.wait(section("stuck") + `.includes(` + quote(stuck) + `)`)
	p.wait(section("failures") + `.includes(` + quote(failed) + `)`)
	p.wait(section("failures") + `.includes('no money')`)
	p.wait(section("workers") + `.includes('default')`)
	p.wait(section("dead") + `.includes('The result store has refused no row.')`)
	for _, queue := range []string{"high", "default", "low"} {
		p.wait(section("queues") + `.includes(` + quote(queue) + `)`)
	}
	p.wait(`document.querySelector('.chart svg').getAttribute('aria-label').includes('1 completed, 0 cancelled, 1 failed')`)
	p.click("#throughput ~ .chart summary")
	p.wait(`document.querySelectorAll('.chart tbody tr').length > 0`)
	p.looks("overview-busy")
	p.press("order.place " + stuck)
	p.wait(`location.pathname === '/ui/tasks/' + ` + quote(stuck))
}

// An operator pauses and resumes from the overview, and says why.
func TestAnOperatorPausesAndResumes(t *testing.T) {
	st := newStage()
	s, p := serve(t, st, ""), browse(t)
	p.open(s.url + "/ui/")
	p.says("Nothing is paused.")
	p.click(`button[aria-label="Pause the queue default"]`)
	p.wait(`document.activeElement.name === 'reason'`)
	p.press("Pause")
	p.says("Say why")
	p.looks("pause")
	if held := s.pauses(); len(held) != 0 {
		t.Fatalf("paused without a reason: %v", held)
	}
	p.fill("reason", script)
	p.press("Pause")
	p.says("The queue default is paused.")
	p.wait(section("pauses") + `.includes(` + quote(script) + `)`)
	if held := s.pauses(); len(held) != 1 || held[0].Kind != saga.PauseQueue || held[0].Name != "default" || held[0].Reason != script {
		t.Errorf("paused: %+v", held)
	}
	p.looks("overview-paused")

	p.press("Pause a type or a service …")
	p.press("A service")
	p.fill("reason", "it moves")
	p.press("Pause")
	p.says("Say which.")
	p.fill("name", "no such name")
	p.requestsMayFail()
	p.press("Pause")
	p.wait(`document.querySelector('dialog[open] .trouble')`)
	p.fill("name", "shop")
	p.press("Pause")
	p.says("The service shop is paused.")
	if held := s.pauses(); !slices.ContainsFunc(held, func(h saga.Pause) bool { return h.Kind == saga.PauseService && h.Name == "shop" }) {
		t.Errorf("paused: %+v", held)
	}

	for _, what := range []string{"queue default", "service shop"} {
		p.click(`button[aria-label="Resume the ` + what + `"]`)
		p.press("Resume")
		p.says("The " + what + " goes on.")
	}
	p.says("Nothing is paused.")
	until(t, func() bool { return len(s.pauses()) == 0 }, func() any { return s.pauses() })
	s.reaches(s.start("order.place", dict{}), saga.Completed)
	if read[bool](p, `'pwned' in window`) {
		t.Error("script was run")
	}
}

// A task that is held says so on its page, for as long as it is.
func TestATasksPageTellsWhatHoldsIt(t *testing.T) {
	s, p := serve(t, newStage(), ""), browse(t)
	s.ask(http.StatusOK, "PUT", "/v1/pauses/type/order.place", dict{"reason": script}, nil)
	id := s.start("order.place", dict{})
	p.open(s.url + "/ui/tasks/" + id)
	p.says("Paused by anonymous since")
	p.says("the type order.place")
	p.says(script)
	p.looks("task-paused")
	s.ask(http.StatusNoContent, "DELETE", "/v1/pauses/type/order.place", nil, nil)
	p.wait(`document.querySelector('.task h1 ~ .live-state').innerText.includes('Completed')`)
	p.wait(`!document.body.innerText.includes('Paused by')`)

	asks := s.start("order.ask", dict{})
	p.open(s.url + "/ui/tasks/" + asks)
	p.step("Steps", "paid", "waiting")
	s.ask(http.StatusOK, "PUT", "/v1/pauses/queue/default", dict{"reason": "a sale"}, nil) // nothing happens to the task
	p.says("the queue default")
	if read[bool](p, `'pwned' in window`) {
		t.Error("script was run")
	}
}

// All tasks of a list are cancelled, and run again, once a person has said yes to their number.
func TestManyTasksAreCancelledAndRunAgain(t *testing.T) {
	st := newStage()
	s, p := serve(t, st, ""), browse(t)
	ids := make([]string, 3)
	for i := range ids {
		ids[i] = s.start("order.ask", dict{"amount": i})
		s.listed(ids[i], saga.Waiting)
	}
	st.hold("ship")
	other := s.start("order.place", dict{})
	s.listed(other, saga.Running)
	p.open(s.url + "/ui/tasks?type=order.ask&state=waiting")
	p.wait(`document.querySelectorAll('a.go').length === 3`)
	p.press("All of them …")
	p.says("state waiting, type order.ask")
	p.press("Count them")
	p.says("Say why")
	p.looks("bulk")
	p.fill("reason", "the guests have gone")
	p.press("Count them")
	p.says("Cancel: 3 tasks")
	p.looks("bulk-asks")
	if task := s.task(ids[0]); task.State != saga.Waiting {
		t.Fatalf("counting has brought it to %s", task.State)
	}
	p.press("Cancel: 3 tasks")
	p.says("3 tasks are being cancelled.")
	for _, id := range ids {
		if task := s.reaches(id, saga.Cancelled); !strings.Contains(task.Error, "the guests have gone") {
			t.Errorf("it says %q", task.Error)
		}
		s.listed(id, saga.Cancelled)
	}
	p.press("Close")
	if task := s.task(other); task.State != saga.Running {
		t.Errorf("a task that is not in the list is %s", task.State)
	}

	p.open(s.url + "/ui/tasks?state=cancelled")
	p.wait(`document.querySelectorAll('a.go').length === 3`)
	p.press("All of them …")
	p.fill("reason", "they are back")
	p.press("Count them")
	p.press("Run again: 3 tasks")
	p.says("3 tasks were started.")
	p.press("Close")
	p.press("All")
	p.wait(`document.querySelectorAll('a.go').length === 7`)
}
