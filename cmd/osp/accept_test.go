package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
)

// steps counts how often the journals of tasks show a step.
func steps(api *osp, ids []string, path string) (n int) {
	for _, id := range ids {
		status, raw, _ := api.call("GET", "/v1/tasks/"+id, nil)
		var task saga.Task
		if status != http.StatusOK || json.Unmarshal(raw, &task) != nil {
			continue
		}
		for _, s := range task.Steps {
			if s.Path == path {
				n++
			}
		}
	}
	return n
}

// What the replica has not got, nobody has acted on: neither a step that began, nor an undo.
func TestAFailoverThatLosesTheTailLeavesNothingBehind(t *testing.T) {
	s := testenv.RedisSentinel(t)
	env := append(elsewhere(t, s.URL), "OSP_ACCEPT=replica")
	const n = 5
	hold := make(chan struct{})
	e := newEndpoint(t, func(path string, call int, r *http.Request) int {
		switch {
		case path == "/a" && call > n: // it is called again after the failover, and takes until it is cancelled
			<-r.Context().Done()
		case path == "/a", path == "/fail":
			select {
			case <-hold:
			case <-r.Context().Done():
			}
		}
		return refusing(path, call, r)
	})
	api := start(t, "api", env...)
	start(t, "worker", env...)
	var forward, back []string
	for i := range n {
		forward, back = append(forward, fmt.Sprint("forward-", i)), append(back, fmt.Sprint("back-", i))
		for id, names := range map[string][]string{forward[i]: {"a", "b"}, back[i]: {"x", "fail"}} {
			input := e.saga(names...)
			for _, step := range input["steps"].([]dict) { // longer than it takes until all are held; so long an undo waits
				step["timeout"] = 15
			}
			api.task(202, "POST", "/v1/tasks", dict{"id": id, "type": "http.saga", "input": input})
		}
	}
	eventually(t, enough, func() bool { return e.called("/a") == n && e.called("/fail") == n }, func() any { return e.saw() })

	s.CutOff(t)
	close(hold)
	eventually(t, enough, func() bool { return steps(api, forward, "b") == n }, func() any { return e.saw() })
	eventually(t, enough, func() bool {
		_, raw, _ := api.call("GET", "/v1/tasks/"+back[n-1], nil)
		return strings.Contains(string(raw), `"phase":"undo"`)
	}, func() any { return e.saw() })
	if got := e.saw(); strings.Contains(got, "/b") || strings.Contains(got, "/undo") {
		t.Errorf("called although only the master knows: %s", got)
	}
	status, raw, header := api.call("POST", "/v1/tasks/"+forward[0]+"/cancel", nil)
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Errorf("a cancel that no replica has: %d %s", status, raw)
	}

	s.FailOver(t)
	for _, id := range forward {
		eventually(t, enough, func() bool {
			status, raw, _ = api.call("POST", "/v1/tasks/"+id+"/cancel", nil)
			return status == http.StatusAccepted
		}, func() any { return string(raw) })
	}
	for _, id := range forward {
		api.wait(id, enough, saga.Cancelled)
	}
	for _, id := range back {
		api.wait(id, enough, saga.Failed)
	}
	for path, want := range map[string]int{"/a": n, "/b": 0, "/undo-a": n, "/x": n, "/undo-x": n, "/fail": n} {
		if got := strings.Count(e.saw()+" ", path+" "); got != want {
			t.Errorf("%s happened %d times, want %d", path, got, want)
		}
	}
}

func TestAStartIsAnsweredWhenItsRowIsStored(t *testing.T) {
	all := start(t, "all", append(here(t), "OSP_ACCEPT=stored")...)
	e := newEndpoint(t, nil)
	body := dict{"id": "stored", "type": "http.saga", "input": e.saga("a"), "service": "shop"}
	for _, want := range []int{http.StatusAccepted, http.StatusOK} {
		all.task(want, "POST", "/v1/tasks", body)
		_, raw, _ := all.call("GET", "/v1/tasks?service=shop", nil)
		var page saga.Page
		if err := json.Unmarshal(raw, &page); err != nil || len(page.Tasks) != 1 {
			t.Errorf("the list has no row after %d: %s", want, raw)
		}
	}
}
