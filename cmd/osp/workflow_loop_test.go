package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
)

// counter is an endpoint that keeps the effects apart by their idempotency keys.
type counter struct {
	*httptest.Server

	mu      sync.Mutex
	effects map[string]string // by key: the item
	doubled []string          // items that had a second effect
	half    chan struct{}     // closed when it has seen half of them
}

func newCounter(t *testing.T, items int) *counter {
	t.Helper()
	c := &counter{effects: map[string]string{}, half: make(chan struct{})}
	seen := map[string]bool{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		key, item := r.Header.Get("Idempotency-Key"), r.URL.Path
		if _, again := c.effects[key]; !again {
			if c.effects[key] = item; seen[item] {
				c.doubled = append(c.doubled, item)
			}
			if seen[item] = true; len(c.effects) == items/2 {
				close(c.half)
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"item":%q}`, item)
	}))
	t.Cleanup(c.Close)
	return c
}

// TestALoopOfTenThousand kills the worker half way. The journal and the memory of the processes stay within bounds.
func TestALoopOfTenThousand(t *testing.T) {
	const items = 10_000
	url := testenv.Redis(t)
	env := append(here(t), "REDIS_URL="+url)
	c := newCounter(t, items)
	api, first := start(t, "api", env...), start(t, "worker", env...)
	api.deploy(dict{
		"id": "pack", "timeout_seconds": 86_400,
		"input_schema": dict{"type": "object", "required": []string{"lines"}, "properties": dict{"lines": dict{"type": "array"}}},
		"steps": []dict{
			{"id": "each", "type": "loop", "loop": dict{
				"collection": "${lines}", "item_variable": "line", "steps": []string{"line_packed"}, "concurrency": 50, "max_items": items,
			}},
			{"id": "line_packed", "type": "activity", "effect": "none", "activity": dict{
				"type": "call_api", "params": dict{"url": c.URL + "/${line}", "body": dict{"line": "${line}"}},
			}},
		},
	})
	lines := make([]int, items)
	for i := range lines {
		lines[i] = i
	}
	began := time.Now()
	task := api.task(202, "POST", "/v1/tasks", dict{"type": "pack", "input": dict{"lines": lines}})
	<-c.half
	first.kill()
	second := start(t, "worker", env...)
	done := api.wait(task.ID, 10*time.Minute, saga.Completed)
	if len(done.Steps) != items || len(c.doubled) > 0 {
		t.Errorf("%d steps, and twice %v", len(done.Steps), c.doubled)
	}

	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(o)
	defer func() { _ = client.Close() }()
	size := client.MemoryUsage(t.Context(), "osp:{00}:j:"+task.ID).Val()
	t.Logf("%v; journal %.1f MB; worker %d MB, API %d MB at most, with the race detector if it is on",
		time.Since(began).Round(time.Millisecond), float64(size)/1e6, peak(t, second), peak(t, api))
	if size == 0 || size > 12<<20 {
		t.Errorf("the journal has %d bytes", size)
	}
	for _, o := range []*osp{second, api} {
		if mb := peak(t, o); mb == 0 || mb > 700 {
			t.Errorf("a process had %d MB", mb)
		}
	}
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peak is the most memory that a process has had, in MB.
func peak(t *testing.T, o *osp) int {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(o.cmd.Process.Pid) + "/status")
	found := highWater.FindStringSubmatch(strings.ReplaceAll(string(status), "\t", " "))
	if err != nil || found == nil {
		t.Fatalf("%v: %s", err, status)
	}
	kb, _ := strconv.Atoi(found[1])
	return kb / 1000
}
