package uitest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/osp-platform/osp/handlers/ui"
)

// door is a server that has somebody sign in, and no tasks.
type door struct {
	mu     sync.Mutex
	signed bool
}

func (d *door) session() dict {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := dict{"signed_in": d.signed, "open": false, "logins": []string{"password", "supabase"}}
	if d.signed {
		s["name"], s["role"] = "ada <b>", "reader"
	}
	return s
}

func (d *door) set(signed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.signed = signed
}

func (d *door) handler() http.Handler {
	answer := func(w http.ResponseWriter, status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	mux := http.NewServeMux()
	mux.Handle(ui.Root, ui.New())
	mux.HandleFunc("GET /ui/session", func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, d.session()) })
	mux.HandleFunc("DELETE /ui/session", func(w http.ResponseWriter, _ *http.Request) { d.set(false); w.WriteHeader(204) })
	mux.HandleFunc("POST /ui/session", func(w http.ResponseWriter, r *http.Request) {
		var given dict
		_ = json.NewDecoder(r.Body).Decode(&given)
		if given["password"] != "right" {
			answer(w, 401, dict{"title": "Who are you?", "detail": "That is not the password.", "status": 401})
			return
		}
		d.set(true)
		answer(w, 200, d.session())
	})
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case d.session()["signed_in"] == false:
			answer(w, 401, dict{"title": "Who are you?", "status": 401})
		case strings.HasSuffix(r.URL.Path, "/counts"):
			answer(w, 200, dict{"state": dict{"failed": 3}, "capped": true})
		default:
			answer(w, 200, dict{"tasks": []any{}})
		}
	})
	return mux
}

// Who is not signed in is asked to, and comes to where they wanted to go, if that is a page of ours.
func TestPeopleSignInAndOut(t *testing.T) {
	d := &door{}
	srv := httptest.NewServer(d.handler())
	t.Cleanup(srv.Close)
	p := browse(t)
	p.requestsMayFail() // the 401s are what is tested
	p.open(srv.URL + "/ui/tasks?state=failed")
	p.wait(`location.pathname === '/ui/login' && location.search === '?next=%2Fui%2Ftasks%3Fstate%3Dfailed'`)
	p.says("Sign in")
	p.looks("login")
	submit := func(password string) {
		read[any](p, `(f => { f.password.value = '`+password+`'; f.requestSubmit() })([...document.forms].at(-1))`)
	}
	submit("wrong")
	p.says("That is not the password.")
	p.looks("login-refused")
	submit("right")
	p.wait(`location.pathname + location.search === '/ui/tasks?state=failed'`)
	p.says("ada <b>")
	p.says("3+")
	p.says("No task is like that.")
	p.press("Sign out")
	p.wait(`location.pathname === '/ui/login'`)

	// Addresses that look like ours and are another's lead to the overview.
	for _, next := range []string{
		"https://evil.example/", "//evil.example", `/\evil.example`, `\\evil.example`, "/%09/evil.example", "javascript:alert(1)", "http:evil.example", "",
		"/\t/evil.example", "/\n/evil.example", " /ui/tasks", "/./\\evil.example", "/..//evil.example",
	} {
		got := read[string](p, `import(document.querySelector('script[src]').src.replace('main.js', 'session.js')).then(m => m.safeNext(`+quote(next)+`))`)
		if strings.HasPrefix(got, "//") || strings.HasPrefix(got, `/\`) || !strings.HasPrefix(got, "/") ||
			read[string](p, `new URL(`+quote(got)+`, location).origin`) != srv.URL {
			t.Errorf("next=%q leads to %q", next, got)
		}
	}
	for _, next := range []string{"/ui/tasks?state=failed", "/monitor/", "/ui/tasks/a#b"} {
		if got := read[string](p, `import(document.querySelector('script[src]').src.replace('main.js', 'session.js')).then(m => m.safeNext(`+quote(next)+`))`); got != next {
			t.Errorf("next=%q leads to %q", next, got)
		}
	}
}
