package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
)

// A page that is not there is told to people, all else to programs.
func TestWhatIsNotThereIsToldToWhoAsks(t *testing.T) {
	s := run(t, config(t, RoleAPI, vars{"REDIS_URL": testenv.Redis(t)}))
	for _, c := range []struct{ line, kind string }{
		{"GET /ui/nope", "text/html; charset=utf-8"},
		{"HEAD /ui/nope", "text/html; charset=utf-8"},
		{"GET /ui/tasks/a/b?c", "text/html; charset=utf-8"},
		{"GET /ui/tasks/", "text/html; charset=utf-8"},
		{"POST /ui/nope", "application/problem+json"},
		{"GET /v1/nope", "application/problem+json"},
		{"GET /nope", "application/problem+json"},
		{"GET /uinope", "application/problem+json"},
	} {
		method, path, _ := strings.Cut(c.line, " ")
		status, header, body := s.ask(method, path, "", "")
		if status != http.StatusNotFound || header.Get("Content-Type") != c.kind {
			t.Errorf("%s: %d %s %s", c.line, status, header.Get("Content-Type"), body)
		}
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

// Dev has no login, so a page of another site must not get at it by a name that was made to point here.
func TestDevAnswersToThisMachineOnly(t *testing.T) {
	dev := run(t, config(t, RoleDev, nil))
	port := dev.url[strings.LastIndexByte(dev.url, ':'):]
	for _, host := range []string{
		"localhost", "localhost" + port, "LocalHost:1", "127.0.0.1", "127.0.0.1" + port, "[::1]", "[::1]:8080",
	} {
		if got, _, _ := dev.ask("GET", "/v1/types", host, ""); got != http.StatusOK {
			t.Errorf("Host %s: %d", host, got)
		}
	}
	for _, host := range []string{
		"evil.example", "evil.example" + port, "localhost.evil.example", "evil.localhost", "xlocalhost", "127.0.0.1.evil.example",
		"127.0.0.2", "0.0.0.0", "[::]", "[::2]" + port, "localhost.", "localhost:", "localhost:x", "127a0b0c1", "192.168.0.7" + port,
	} {
		for _, path := range []string{"/v1/types", "/monitor/", "/monitor/api/queues", "/healthz", "/openapi.json", "/", "/ui/", "/nowhere"} {
			got, header, body := dev.ask("GET", path, host, "")
			var problem struct {
				Type, Title, Detail string
				Status              int
			}
			if err := json.Unmarshal([]byte(body), &problem); err != nil || got != http.StatusMisdirectedRequest ||
				header.Get("Content-Type") != "application/problem+json" || problem.Status != got || problem.Type == "" ||
				!strings.Contains(problem.Detail, "localhost") {
				t.Errorf("Host %s, %s: %d %s %s", host, path, got, header.Get("Content-Type"), body)
			}
		}
	}
	if got, _, body := dev.ask("POST", "/v1/tasks", "evil.example", `{"type":"http.saga","input":{"steps":[]}}`); got != http.StatusMisdirectedRequest {
		t.Errorf("a start: %d %s", got, body)
	}
	if err := dev.stop(); err != nil {
		t.Error(err)
	}
	all := run(t, config(t, RoleAll, vars{"REDIS_URL": testenv.Redis(t)}))
	if got, _, _ := all.ask("GET", "/v1/types", "osp.example.com", ""); got != http.StatusOK {
		t.Errorf("role all answers its own name with %d", got)
	}
	if err := all.stop(); err != nil {
		t.Error(err)
	}
}
