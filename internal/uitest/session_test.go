package uitest

import "testing"

// From the monitor to signing in and back, with the server's own cookie, which a browser takes from localhost without HTTPS; and
// from there to the tasks. That the monitor works under its policy is told by the console.
func TestAnOperatorSignsInForTheMonitor(t *testing.T) {
	s := serveWith(t, nil, "", map[string]string{"OSP_OPERATOR_PASSWORD": password})
	p := browse(t)
	p.requestsMayFail() // the 401s of who is not signed in
	p.open(s.url + "/monitor/servers?from=here")
	p.wait(`location.pathname === '/ui/login' && new URLSearchParams(location.search).get('next') === '/monitor/servers?from=here'`)
	submit := func(password string) {
		p.wait(`document.forms.length > 0`)
		read[any](p, `(f => { f.password.value = '`+password+`'; f.requestSubmit() })([...document.forms].at(-1))`)
	}
	submit("wrong")
	p.says("operator password")
	submit(password)
	p.wait(`location.pathname === '/monitor/servers'`)
	p.wait(`document.querySelector('#root header')`) // Asynqmon runs
	if cookie := read[string](p, `document.cookie`); cookie != "" {
		t.Errorf("scripts can read the cookie: %s", cookie)
	}
	p.press("Tasks in osp")
	p.wait(`location.pathname === '/ui/'`)
	p.says("password:operator")
	p.press("Sign out")
	p.wait(`location.pathname === '/ui/login'`)
	p.open(s.url + "/monitor/")
	p.wait(`location.pathname === '/ui/login'`)
}
