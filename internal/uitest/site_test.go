package uitest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/server"
	"github.com/osp-platform/osp/tasks"
)

// patience is how long anything may take on a machine that does much else.
const patience = 90 * time.Second

// dict is a JSON object.
type dict = map[string]any

// site is a server with its pages.
type site struct {
	t   *testing.T
	url string
	key string // whose the test's own requests are; empty: everybody may do everything
}

// serve starts a server that carries out the stage's types of tasks, beside those built in. Rows are what its result store has
// already.
func serve(t *testing.T, st *stage, rows string) *site {
	t.Helper()
	return serveWith(t, st, rows, map[string]string{"OSP_AUTH": "off"})
}

// serveWith is serve with settings of a test's own.
func serveWith(t *testing.T, st *stage, rows string, more map[string]string) *site {
	t.Helper()
	if rows == "" {
		rows = filepath.Join(t.TempDir(), "osp.db")
	}
	set := map[string]string{
		"PORT": "0", "OSP_RESULTS": "sqlite:" + rows, "REDIS_URL": testenv.Redis(t), "OSP_SHUTDOWN_TIMEOUT": "2s",
	}
	maps.Copy(set, more)
	c, err := server.Load(server.RoleAll, server.Environment{
		Lookup: func(name string) (string, bool) { v, ok := set[name]; return v, ok }, ReadFile: os.ReadFile,
	})
	if err != nil {
		t.Fatal(err)
	}
	var types []tasks.Type
	if st != nil {
		types = st.types()
	}
	s, err := server.New(t.Context(), c, slog.New(slog.DiscardHandler), types...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		if st != nil {
			st.openAll()
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return &site{t: t, url: s.URL()}
}

// ask sends a request and decodes its answer into v.
func (s *site) ask(want int, method, path string, body, v any) {
	s.t.Helper()
	var r io.Reader = http.NoBody
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, r)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if s.key != "" {
		req.Header.Set("Authorization", "Bearer "+s.key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if res.StatusCode != want {
		s.t.Fatalf("%s %s: %d, want %d: %.2000s", method, path, res.StatusCode, want, raw)
	}
	if v != nil {
		if err := json.Unmarshal(raw, v); err != nil {
			s.t.Fatalf("%s %s: %v", method, path, err)
		}
	}
}

// start starts a task and returns its id.
func (s *site) start(taskType string, input any) string {
	s.t.Helper()
	var task saga.Task
	s.ask(http.StatusAccepted, "POST", "/v1/tasks", dict{"type": taskType, "input": input}, &task)
	return task.ID
}

// deploy deploys a workflow that is data, and makes it active.
func (s *site) deploy(definition dict) {
	s.t.Helper()
	var v saga.WorkflowVersion
	s.ask(http.StatusCreated, "POST", "/v1/workflows", definition, &v)
	s.ask(http.StatusOK, "POST", "/v1/workflows/"+definition["id"].(string)+"/state", dict{"version": v.Version, "state": "active", "reason": "it is wanted"}, nil)
}

// merged is both objects.
func merged(a, b dict) dict {
	m := maps.Clone(a)
	maps.Copy(m, b)
	return m
}

// task reads a task.
func (s *site) task(id string) (task saga.Task) {
	s.t.Helper()
	s.ask(http.StatusOK, "GET", "/v1/tasks/"+id, nil, &task)
	return task
}

// reaches waits until a task is in one of the states.
func (s *site) reaches(id string, states ...saga.State) (task saga.Task) {
	s.t.Helper()
	until(s.t, func() bool { task = s.task(id); return slices.Contains(states, task.State) }, func() any { return task })
	return task
}

// listed waits until the result store has a task in that state: lists read there.
func (s *site) listed(id string, state saga.State) {
	s.t.Helper()
	var page saga.Page
	until(s.t, func() bool {
		s.ask(http.StatusOK, "GET", "/v1/tasks?limit=200", nil, &page)
		return slices.ContainsFunc(page.Tasks, func(task saga.Task) bool { return task.ID == id && task.State == state })
	}, func() any { return page })
}

// until asks until the answer is yes.
func until(t *testing.T, ask func() bool, last func() any) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !ask(); <-tick.C {
		if time.Now().After(end) {
			raw, _ := json.Marshal(last())
			t.Fatalf("not within %v; at last %.3000s", patience, raw)
		}
	}
}
