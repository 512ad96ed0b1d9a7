package uitest

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// The list and a task's page are there at once, whatever else the store holds.
func TestPagesAreUsableAtOnceWithTenThousandTasks(t *testing.T) {
	st := newStage()
	s, p := serve(t, st, stored(t, 10_000)), browse(t)
	id := s.start("order.place", dict{"amount": 80})
	s.listed(id, saga.Completed)
	for _, path := range []string{"/ui/tasks", "/ui/tasks/" + id, "/ui/tasks/old-000010"} {
		p.open(s.url + path) // fills the cache, as all but the first page find it
		var times []float64
		for range 3 {
			p.open(s.url + path)
			p.wait(`performance.getEntriesByName('osp:usable').length`)
			times = append(times, read[float64](p, `performance.getEntriesByName('osp:usable')[0].startTime - performance.getEntriesByType('navigation')[0].responseEnd`))
		}
		t.Logf("%s is usable %.0f ms after its HTML (the aim is 200)", path, times)
		if best := min(times[0], times[1], times[2]); best > 5000 { // on a machine that does much else
			t.Errorf("%s is usable %.0f ms after its HTML", path, best)
		}
	}
}

// The list keeps up with what happens, and does not move what somebody looks at.
func TestTheListKeepsUpAndStaysInItsPlace(t *testing.T) {
	st := newStage()
	s, p := serve(t, st, stored(t, 100)), browse(t)
	p.open(s.url + "/ui/tasks")
	p.wait(`document.querySelectorAll('a.go').length === 30`)
	p.looks("tasks")
	p.press("Show older tasks")
	p.wait(`document.querySelectorAll('a.go').length === 60`)
	read[any](p, `scrollTo(0, 0)`)

	st.hold("ship")
	first := s.start("order.place", dict{})
	p.wait(`document.querySelector('a.go').innerText.includes(` + quote(first) + `)`)
	p.wait(`document.querySelector('a.go').closest('tr').innerText.includes('Running')`)
	st.open("ship")
	p.wait(`document.querySelector('a.go').closest('tr').innerText.includes('Completed')`)

	// j goes to the first task; from there on the list must not move.
	read[any](p, `document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'j', bubbles: true}))`)
	p.wait(`document.activeElement.innerText.includes(` + quote(first) + `)`)
	// A key elsewhere, or with a modifier, is none of the list's.
	read[any](p, `['nav a', 'a.go'].forEach((where, i) => document.querySelector(where).dispatchEvent(new KeyboardEvent('keydown', {key: ['/', 'j'][i], ctrlKey: i === 1, bubbles: true})))`)
	p.wait(`document.activeElement.innerText.includes(` + quote(first) + `)`)
	second := s.start("order.place", dict{})
	p.says("Show 1 new task")
	if read[bool](p, `document.querySelector('table').innerText.includes(`+quote(second)+`)`) {
		t.Error("a new task has moved the list")
	}
	p.looks("tasks-new")
	p.press("Show 1 new task")
	p.wait(`document.querySelector('a.go').innerText.includes(` + quote(second) + `)`)
	p.wait(`document.querySelectorAll('a.go').length === 62`) // the older ones that were asked for, too
	read[any](p, `document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true}))`)
	p.wait(`document.activeElement.id === 'search'`)
}

// Where more tasks have come than a page holds, the list has no hole, and it does not grow by itself.
func TestTheListHasNoHoleAndDoesNotGrow(t *testing.T) {
	_, p, base := tells(t, dict{"open": true, "role": "operator"}, map[string]any{"/v1/tasks": dict{"tasks": []dict{}}, "/v1/tasks/counts": dict{"state": dict{}}})
	p.open(base + "/ui/tasks")
	p.says("There is no task yet.")
	got := read[map[string]string](p, `(async () => {
		const { merge } = await import(document.querySelector('script[src]').src.replace(/main\.js$/, 'list.js'))
		const tasks = (from, to) => Array.from({ length: from - to + 1 }, (_, i) => ({ id: String(from - i), created_at: String(from - i) }))
		const list = (from, to, next, more) => ({ tasks: tasks(from, to), waiting: [], found: null, next, deep: false, ...more })
		const told = l => [l.tasks[0].id, l.tasks.at(-1).id, l.tasks.length, l.next, l.waiting.length].join(' ')
		const few = { tasks: tasks(40, 36), next: 'c36' }
		return {
			hole: told(merge(list(29, 20, 'c20', { deep: true }), few, true)),
			page: told(merge(list(39, 35, 'c35'), few, true)),
			deep: told(merge(list(39, 20, 'c20', { deep: true }), few, true)),
			busy: told(merge(list(39, 35, 'c35'), few, false)),
			all: told(merge(list(39, 20, '', { deep: true }), { tasks: tasks(40, 38) }, true)),
		}
	})()`)
	for name, want := range map[string]string{
		"hole": "40 36 5 c36 0", "page": "40 36 5 c36 0", "deep": "40 20 21 c20 0", "busy": "39 35 5 c35 1", "all": "40 38 3  0",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
}

// A filter stands in the address, and so can be kept, sent and gone back to.
func TestAFilterStandsInTheAddress(t *testing.T) {
	st := newStage()
	s, p := serve(t, st, stored(t, 100)), browse(t)
	p.open(s.url + "/ui/tasks?state=failed")
	p.wait(`document.querySelectorAll('a.go').length === 10`)
	p.wait(`document.querySelector('[aria-current=true]').innerText.includes('Failed')`)
	p.says("lorry 90 is broken")
	p.wait(`document.querySelector('[aria-current=true] b').innerText === '10'`)
	// What is being typed is not wiped when the page is drawn again.
	asked := read[int](p, `performance.getEntriesByType('resource').filter(e => e.name.includes('/v1/tasks')).length`)
	read[any](p, `document.querySelectorAll('[name=type], [name=service]').forEach(e => { e.focus(); e.value = 'half a wo' })`)
	p.wait(`performance.getEntriesByType('resource').filter(e => e.name.includes('/v1/tasks')).length > ` + strconv.Itoa(asked+3))
	p.wait(`[...document.querySelectorAll('[name=type], [name=service]')].every(e => e.value === 'half a wo')`)
	read[any](p, `document.querySelectorAll('[name=type], [name=service]').forEach(e => { e.value = '' })`)
	p.press("Completed")
	p.wait(`location.search === '?state=completed' && document.querySelectorAll('a.go').length === 30`)
	p.fill("type", "no.such")
	p.wait(`location.search === '?state=completed&type=no.such'`)
	p.says("No task is like that.")
	p.looks("tasks-empty")
	p.press("Show all tasks")
	p.wait(`location.search === '' && document.querySelectorAll('a.go').length === 30`)
	p.fill("search", "lorry 70")
	p.wait(`location.search === '?search=lorry+70' && document.querySelectorAll('a.go').length === 1`)
	p.says("old-000070")
	p.press("Clear")
	p.wait(`location.search === '' && document.querySelectorAll('a.go').length === 30`)
	read[any](p, `document.querySelector('a.go').click()`)
	p.says("Timeline")
	read[any](p, `history.back()`)
	p.wait(`location.pathname === '/ui/tasks' && document.querySelectorAll('a.go').length === 30`)
}

// A server without a task says so, and the other pages are there.
func TestPagesThatAreEmptySaySo(t *testing.T) {
	s, p := serve(t, newStage(), ""), browse(t)
	p.open(s.url + "/")
	p.wait(`location.pathname === '/ui/'`)
	p.says("Nothing is paused.")
	p.says("No task has failed.")
	p.looks("overview")
	p.open(s.url + "/ui/tasks")
	p.says("There is no task yet.")
	p.looks("no-task")
	p.open(s.url + "/ui/workflows")
	p.says("No workflow has been deployed.")
	p.looks("workflows")
	s.ask(http.StatusOK, "GET", "/v1/tasks", nil, nil)
}
