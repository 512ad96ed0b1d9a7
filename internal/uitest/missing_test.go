package uitest

import "testing"

// Who has mistyped an address reads so on a page like the others, and finds a way on.
func TestAPageThatIsNotThereLeadsOn(t *testing.T) {
	s, p := serve(t, newStage(), ""), browse(t)
	p.requestsMayFail() // the page itself is 404
	p.open(s.url + "/ui/nope")
	p.says("There is no such page.")
	p.says("Overview") // the navigation
	if status := read[int](p, `performance.getEntriesByType('navigation')[0].responseStatus`); status != 404 {
		t.Errorf("its status is %d", status)
	}
	p.looks("missing")
	p.press("Go to the overview")
	p.wait(`location.pathname === '/ui/'`)
	p.says("The last hour")
}
