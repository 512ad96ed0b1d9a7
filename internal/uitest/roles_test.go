package uitest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/osp-platform/osp/saga"
)

const (
	password  = "a password of operators, for tests"
	readerKey = "osp_000000000000000000000000000000000000000000000001" // #nosec G101 -- of tests
	starter   = "osp_000000000000000000000000000000000000000000000002"
)

// entry is what OSP_API_KEYS has of a key.
func entry(name, role, key string) string {
	sum := sha256.Sum256([]byte(key))
	return name + ":" + role + ":" + hex.EncodeToString(sum[:])
}

// forget has a browser lose its cookies.
func forget(ctx context.Context, _ *chromedp.Target) error {
	_, err := chromedp.Call(ctx, network.ClearBrowserCookies, cdp.Empty{})
	return err
}

// signIn signs in, and waits until it has.
func (p *page) signIn(secret string) {
	p.t.Helper()
	p.tries(secret)
	p.wait(`location.pathname !== '/ui/login'`)
}

// tries fills in the form.
func (p *page) tries(secret string) {
	p.t.Helper()
	p.wait(`location.pathname === '/ui/login' && document.querySelector('form [name=password]')`)
	p.fill("password", secret)
	p.press("Sign in")
}

// Who is signed in sees and does what their role allows, and nobody else does anything.
func TestRolesSeeWhatTheyMayDo(t *testing.T) {
	st := newStage()
	st.fails("ship", "the lorry is broken")
	st.fails("undo charge", "the bank says no")
	s := serveWith(t, st, "", map[string]string{
		"OSP_OPERATOR_PASSWORD": password, "OSP_API_KEYS": entry("eye", "reader", readerKey) + "," + entry("hand", "starter", starter),
	})
	s.key = starter
	id := s.start("order.place", dict{})
	s.reaches(id, saga.Stuck)
	p := browse(t)
	p.requestsMayFail() // those of who is not signed in
	p.open(s.url + "/ui/tasks/" + id)
	p.tries("wrong, and long enough to be one")
	p.wait(`document.querySelector('[role=alert]')`)
	p.signIn(readerKey)
	p.step("Undone steps", "charge", "stuck")
	p.says("eye")
	p.wait(`document.querySelector('.connection.live')`)
	if buttons := read[string](p, `[...document.querySelectorAll('.actions button, .lane .primary')].map(e => e.textContent).join()`); buttons != "" {
		t.Errorf("a reader is offered %q", buttons)
	}
	p.press("Sign out")
	p.signIn(starter)
	p.open(s.url + "/ui/tasks/" + id)
	p.says("Send a signal")
	if strings.Contains(p.text(), "Resolve") {
		t.Error("a starter is offered to resolve")
	}
	p.press("Sign out")
	p.signIn(password)
	p.open(s.url + "/ui/tasks/" + id)
	p.press("Resolve …")
	p.press("Leave it as it is")
	p.fill("reason", "nothing can be done")
	p.press("Resolve")
	p.wait(`document.querySelector('.live-state').innerText.includes('Failed')`)
	p.says("Not undone: charge")

	// The session is over while the page is open.
	p.do(chromedp.Func(forget))
	p.press("Run again …")
	p.press("Run again")
	p.wait(`location.pathname + location.search === '/ui/login?next=' + encodeURIComponent('/ui/tasks/` + id + `')`)
	p.signIn(password)
	p.wait(`location.pathname === '/ui/tasks/` + id + `'`)
}
