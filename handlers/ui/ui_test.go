package ui

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

// maxScript is how large all JavaScript may be, compressed as it is sent.
const maxScript = 60 << 10

func get(h http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestScriptsAreSmall(t *testing.T) {
	all, err := load()
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for name, a := range all.files {
		if strings.HasSuffix(name, ".js") || strings.HasSuffix(name, ".mjs") {
			total += len(a.gzip)
		}
	}
	t.Logf("%d bytes of JavaScript, compressed", total)
	if total > maxScript || total < 10<<10 {
		t.Errorf("the pages have %d bytes of JavaScript, compressed; at most %d are meant", total, maxScript)
	}
}

// Whatever is put into a page is text to Preact. What would make markup or code of it is not to be used at all.
func TestNothingMakesMarkupOfText(t *testing.T) {
	dangerous := regexp.MustCompile(`(?i)inner` + `HTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc|DOMParser|setTimeout\(['"` + "`" + `]|javascript:|\bon[a-z]+=["']`)
	each(t, func(name, source string) {
		if found := dangerous.FindString(source); found != "" {
			t.Errorf("%s has %q", name, found)
		}
	})
}

// Comments in lines of their own are not sent; all else is, in the line that it stands in.
func TestCommentsStayHere(t *testing.T) {
	all, err := load()
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(name, source string) {
		code := regexp.MustCompile(`\s*/\*\*( |$)|^\s*(//|\*)`)
		sent, lines := strings.Split(string(all.files[path.Base(name)].raw), "\n"), strings.Split(source, "\n")
		if len(sent) != len(lines) {
			t.Fatalf("%s has %d lines, and is sent with %d", name, len(lines), len(sent))
		}
		for i, line := range lines {
			if want := line; sent[i] != want && (sent[i] != "" || !strings.HasPrefix(strings.TrimSpace(line), "//") && !code.MatchString(line)) {
				t.Errorf("%s:%d is %q, and is sent as %q", name, i+1, line, sent[i])
			}
		}
		if strings.HasPrefix(sent[0], "//") {
			t.Errorf("%s begins with its comment", name)
		}
	})
}

// A module that is imported is there, by a path that is relative: the version stands in it.
func TestImportsAreThere(t *testing.T) {
	imports := regexp.MustCompile(`from ?['"]([^'"]+)['"]`)
	n := 0
	each(t, func(name, source string) {
		for _, m := range imports.FindAllStringSubmatch(source, -1) {
			n++
			if !strings.HasPrefix(m[1], "./") {
				t.Errorf("%s imports %s", name, m[1])
			}
			if _, err := app.ReadFile(path.Join("app", m[1])); err != nil {
				t.Errorf("%s imports %s: %v", name, m[1], err)
			}
		}
	})
	if n < 20 {
		t.Errorf("only %d imports were found", n)
	}
}

// each calls do for every module of our own.
func each(t *testing.T, do func(name, source string)) {
	t.Helper()
	names, err := fs.Glob(app, "app/*.js")
	if err != nil || len(names) < 10 {
		t.Fatalf("%d modules: %v", len(names), err)
	}
	for _, name := range names {
		raw, err := app.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		do(name, string(raw))
	}
}

// Copies of others' code are as they were published: the table in vendor/README.md says what that is.
func TestCopiesAreAsTheyWerePublished(t *testing.T) {
	readme, err := app.ReadFile("app/vendor/README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([a-z]+\\.mjs)` \\|.*`([0-9a-f]{64})` \\|$").FindAllSubmatch(readme, -1)
	names, err := fs.Glob(app, "app/vendor/*.mjs")
	if err != nil || len(names) != len(rows) {
		t.Fatalf("the table has %d of %v: %v", len(rows), names, err)
	}
	for _, row := range rows {
		raw, err := app.ReadFile("app/vendor/" + string(row[1]))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(strings.Replace(string(raw), `from"./preact.mjs"`, `from"preact"`, 1)))
		if hex.EncodeToString(sum[:]) != string(row[2]) {
			t.Errorf("%s is not the file that vendor/README.md tells of", row[1])
		}
	}
}

func TestAPageMayLoadNothingOfOthersAndStandInNoFrame(t *testing.T) {
	for _, target := range []string{"/ui/", "/ui/tasks", "/ui/tasks/x", "/ui/login", "/ui/a/x/main.js", "/ui/a/x/nothing.js"} {
		h := get(New(), target).Header()
		for _, want := range []string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'self'",
			"frame-ancestors 'none'",
		} {
			if !strings.Contains(h.Get("Content-Security-Policy"), want) {
				t.Errorf("%s: the policy lacks %s: %s", target, want, h.Get("Content-Security-Policy"))
			}
		}
		if strings.Contains(h.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s: the policy is %s", target, h.Get("Content-Security-Policy"))
		}
		for name, want := range map[string]string{
			"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q", target, name, got)
			}
		}
	}
	if html := get(New(), "/ui/").Body.String(); regexp.MustCompile(`<script[^>]*>[^<]|<style|style=|https?:`).MatchString(html) {
		t.Errorf("the page has code, style or an address of its own:\n%s", html)
	}
}

func TestFilesAreKeptByTheirVersion(t *testing.T) {
	h := New()
	file := regexp.MustCompile(`src="([^"]+/main\.js)"`).FindStringSubmatch(get(h, "/ui/").Body.String())
	if file == nil {
		t.Fatal("the page names no main.js")
	}
	plain := get(h, file[1])
	if plain.Code != http.StatusOK || !strings.Contains(plain.Header().Get("Cache-Control"), "immutable") || !strings.Contains(plain.Body.String(), "render(") {
		t.Errorf("%s: %d, %v", file[1], plain.Code, plain.Header())
	}
	small := get(h, file[1], "Accept-Encoding", "br, gzip")
	if small.Header().Get("Content-Encoding") != "gzip" || small.Body.Len() >= plain.Body.Len() || small.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("compressed: %v, %d bytes", small.Header(), small.Body.Len())
	}
	for _, target := range []string{"/ui/", file[1]} {
		tag := get(h, target).Header().Get("ETag")
		if got := get(h, target, "If-None-Match", tag); tag == "" || got.Code != http.StatusNotModified || got.Body.Len() != 0 {
			t.Errorf("%s with %s: %d", target, tag, got.Code)
		}
	}
	// What a page of another release asks for is answered, and not kept.
	old := get(h, "/ui/a/0123456789abcdef/main.js")
	if old.Code != http.StatusOK || old.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("another release's: %d, %v", old.Code, old.Header())
	}
	for _, target := range []string{"/ui/a/x/vendor/README.md", "/ui/a/x/../ui.go", "/ui/a/x/", "/ui/a/x"} {
		if got := get(h, target); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", target, got.Code)
		}
	}
	if got := get(h, "/ui/tasks"); got.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("a page: %v", got.Header())
	}
}

// Where no page is, the document of all pages is sent all the same, so that there is something to read and a way on.
func TestAPageThatIsNotThere(t *testing.T) {
	h := New()
	w := httptest.NewRecorder()
	h.Missing(w, httptest.NewRequest(http.MethodGet, "/ui/nope", nil))
	if w.Code != http.StatusNotFound || w.Body.String() != get(h, "/ui/").Body.String() || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Errorf("%d %v\n%s", w.Code, w.Header(), w.Body)
	}
	if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("ETag") != "" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("got %v", w.Header())
	}
}

func TestPagesAreOnlyRead(t *testing.T) {
	w := httptest.NewRecorder()
	New().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/ui/tasks", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("a POST: %d", w.Code)
	}
}
