package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/hibiken/asynqmon"
	"github.com/redis/go-redis/v9"
)

// monitorPath is where Asynqmon is mounted: the full external path, which it never strips.
const monitorPath = "/monitor"

// shared hands Asynqmon the process's own client. Asynqmon's Close would close it, so that is not called.
type shared struct{ client redis.UniversalClient }

// MakeRedisClient implements asynq.RedisConnOpt.
func (s shared) MakeRedisClient() any { return s.client }

// monitor is Asynqmon behind a policy of our own, with a way back to the pages of tasks. It has no login and no protection
// against cross-site requests itself: see [handlers.API.Monitor].
func monitor(ctx context.Context, client redis.UniversalClient, readOnly bool) (http.Handler, error) {
	m := &monitorPages{asynqmon: asynqmon.New(asynqmon.Options{RootPath: monitorPath, RedisConnOpt: shared{client}, ReadOnly: readOnly})}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, monitorPath+"/", nil)
	if err != nil {
		return nil, fmt.Errorf("the monitor's page: %w", err)
	}
	page := &recorder{header: http.Header{}}
	m.asynqmon.ServeHTTP(page, r)
	m.raw = page.body.Bytes()
	m.page = improved(m.raw)
	if !bytes.Contains(m.page, []byte(backLink)) {
		return nil, fmt.Errorf("the monitor's page is not the one that is known: %d bytes", len(m.raw))
	}
	m.policy = monitorPolicy(m.page)
	return m, nil
}

// monitorPages serves Asynqmon's page, which answers to every path that is nothing else, as [improved] makes it.
type monitorPages struct {
	asynqmon  http.Handler
	raw, page []byte
	policy    string
}

// ServeHTTP implements http.Handler.
func (m *monitorPages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, monitorPath+"/api/") {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		m.asynqmon.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", m.policy)
	got := &recorder{header: w.Header()}
	m.asynqmon.ServeHTTP(got, r)
	body := got.body.Bytes()
	if bytes.Equal(body, m.raw) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		body = m.page
	}
	if got.status != 0 {
		w.WriteHeader(got.status)
	}
	_, _ = w.Write(body)
}

// backLink leads to the pages of tasks. It needs no script.
const backLink = `<a href="/ui/" style="position:fixed;right:12px;bottom:12px;z-index:2000;padding:8px 12px;border-radius:4px;` +
	`background:#1f2937;color:#fff;font:14px sans-serif;text-decoration:none">Tasks in osp</a>`

var (
	// Styles of another host, and a manifest, which browsers fetch without the cookie.
	unwanted     = regexp.MustCompile(`<link rel="(stylesheet" href="https://|manifest" )[^>]*>`)
	inlineScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
)

// improved takes out of Asynqmon's page what is unwanted, and puts the way back into it.
func improved(page []byte) []byte {
	page = unwanted.ReplaceAll(page, nil)
	return bytes.Replace(page, []byte("<body>"), []byte("<body>"+backLink), 1)
}

// monitorPolicy is as strict as Asynqmon works under: its two inline scripts are named by their hashes, and only its styles,
// which it makes as it goes, are taken as they come.
func monitorPolicy(page []byte) string {
	scripts := []string{"'self'"}
	for _, script := range inlineScript.FindAllSubmatch(page, -1) {
		hash := sha256.Sum256(script[1])
		scripts = append(scripts, "'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+"'")
	}
	return "default-src 'none'; script-src " + strings.Join(scripts, " ") + "; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
		"font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) { r.status = status }

// Write implements http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }
