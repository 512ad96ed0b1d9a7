package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
)

//go:embed app
var app embed.FS

// contentTypes are those of all that is served. What is not here, licences and types, stays in the binary.
var contentTypes = map[string]string{
	".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
}

// asset is a file, as it is and compressed.
type asset struct {
	contentType string
	raw, gzip   []byte
	tag         string // the same for both, so a weak one
}

func newAsset(contentType string, raw []byte) asset {
	sum := sha256.Sum256(raw)
	return asset{contentType, raw, compress(raw), `W/"` + hex.EncodeToString(sum[:8]) + `"`}
}

// assets are the files by their paths under app, and the version of them all.
type assets struct {
	files   map[string]asset
	version string // changes with any of them
}

// load reads and compresses what is embedded.
func load() (assets, error) {
	all, sum := assets{files: map[string]asset{}}, sha256.New()
	err := fs.WalkDir(app, "app", func(name string, d fs.DirEntry, err error) error {
		contentType, served := contentTypes[path.Ext(name)]
		if err != nil || d.IsDir() || !served {
			return err
		}
		raw, err := app.ReadFile(name)
		if err != nil {
			return err
		}
		if path.Ext(name) == ".js" {
			raw = withoutComments(raw)
		}
		name = strings.TrimPrefix(name, "app/")
		_, _ = fmt.Fprintf(sum, "%s %d\n", name, len(raw))
		_, _ = sum.Write(raw)
		all.files[name] = newAsset(contentType, raw)
		return nil
	})
	all.version = hex.EncodeToString(sum.Sum(nil)[:8])
	return all, err
}

// comments are those that have lines of their own.
var comments = regexp.MustCompile(`(?m)^[ \t]*(?://.*|/\*\*(?:[^*]|\*[^/])*\*/[ \t]*)$`)

// withoutComments leaves them out of a module: they are a seventh of what would be sent. Its lines keep their numbers.
func withoutComments(raw []byte) []byte {
	return comments.ReplaceAllFunc(raw, func(c []byte) []byte { return bytes.Repeat([]byte("\n"), bytes.Count(c, []byte("\n"))) })
}

func compress(raw []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a right one
	_, _ = w.Write(raw)                                   // neither fails on a buffer
	_ = w.Close()
	return b.Bytes()
}

// serve answers with the asset.
func (a asset) serve(w http.ResponseWriter, r *http.Request, status int) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Add("Vary", "Accept-Encoding")
	body := a.raw
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.gzip
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}
