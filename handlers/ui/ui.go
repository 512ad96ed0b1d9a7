package ui

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
)

// Root is where the pages are.
const Root = "/ui/"

// Paths are the paths of the pages and of their files, as gin's routes have them.
var Paths = []string{
	Root, Root + "tasks", Root + "tasks/:id", Root + "workflows", Root + "workflows/:id", Root + "human", Root + "webhooks", Root + "login",
	assetRoot + ":version/*file",
}

const assetRoot = Root + "a/"

// policy lets a page load what comes from its own origin, and nothing else: no code or style that stands in the page, no frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// first are the files that every page asks for before others; the rest follows in the order of their names.
var first = []string{"main.js", "vendor/preact.mjs", "vendor/hooks.mjs", "vendor/htm.mjs"}

// Handler serves the pages.
type Handler struct {
	assets assets
	shell  asset
}

// New reads what is embedded. It panics if that cannot be read, for that is a fault of the program.
func New() *Handler {
	all, err := load()
	if err != nil {
		panic(fmt.Sprintf("ui: %v", err))
	}
	raw := shell(all)
	return &Handler{all, newAsset("text/html; charset=utf-8", raw)}
}

// ServeHTTP answers with a file, or with the one document that all pages share: which of them it is, its code sees by the path.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, assetRoot); ok {
		h.file(w, r, rest)
		return
	}
	fresh(w, r, "no-cache", h.shell)
}

// Missing answers where no page is: the document's code says so, and leads on.
func (h *Handler) Missing(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	w.Header().Set("Cache-Control", "no-store")
	h.shell.serve(w, r, http.StatusNotFound)
}

// secure sets what holds for all that is served.
func secure(header http.Header) {
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// file serves a file under its version. A page of another release, which an upgrade has left open or which another pod has sent,
// gets what there is, and does not keep it.
func (h *Handler) file(w http.ResponseWriter, r *http.Request, rest string) {
	version, name, _ := strings.Cut(rest, "/")
	a, ok := h.assets.files[name]
	if !ok {
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	}
	caching := "public, max-age=31536000, immutable"
	if version != h.assets.version {
		caching = "no-store"
	}
	fresh(w, r, caching, a)
}

// fresh serves an asset, unless the browser has it.
func fresh(w http.ResponseWriter, r *http.Request, caching string, a asset) {
	w.Header().Set("Cache-Control", caching)
	w.Header().Set("ETag", a.tag)
	if r.Header.Get("If-None-Match") == a.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	a.serve(w, r, http.StatusOK)
}

// shell is the document of every page. It names all modules, so that they come in one round trip.
func shell(all assets) []byte {
	names := slices.Clone(first)
	var styles []string
	for name := range all.files {
		switch ext := path.Ext(name); {
		case ext == ".css":
			styles = append(styles, name)
		case (ext == ".js" || ext == ".mjs") && !slices.Contains(first, name):
			names = append(names, name)
		}
	}
	slices.Sort(names[len(first):])
	slices.Sort(styles)
	base := assetRoot + all.version + "/"
	var b strings.Builder
	b.WriteString(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>osp</title>
`)
	for _, name := range styles {
		_, _ = fmt.Fprintf(&b, "<link rel=\"stylesheet\" href=\"%s%s\">\n", base, name)
	}
	_, _ = fmt.Fprintf(&b, "<link rel=\"icon\" type=\"image/svg+xml\" href=\"%sicon.svg\">\n", base)
	for _, name := range names {
		_, _ = fmt.Fprintf(&b, "<link rel=\"modulepreload\" href=\"%s%s\">\n", base, name)
	}
	_, _ = fmt.Fprintf(&b, "<script type=\"module\" src=\"%smain.js\"></script>\n", base)
	b.WriteString(`</head>
<body>
<noscript><p>These pages need JavaScript. The API at /v1/tasks, and the command osp, do not.</p></noscript>
<div id="app"></div>
</body>
</html>
`)
	return []byte(b.String())
}
