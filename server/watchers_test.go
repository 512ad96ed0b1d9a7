package server

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
)

// watch follows a task, and tells of each event until the task ends.
func (r *running) watch(ctx context.Context, id string, events chan<- string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/v1/tasks/"+id+"/events", nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			events <- name
		}
	}
	return nil
}

// commands is how many commands Redis has carried out.
func commands(t *testing.T, client redis.UniversalClient) int {
	t.Helper()
	info, err := client.Info(t.Context(), "stats").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(info, "total_commands_processed:")
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAThousandWatchersCostRedisAsMuchAsOne(t *testing.T) {
	redisURL := testenv.Redis(t)
	client, err := openRedis(redisURL, 1, trust{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	api := run(t, config(t, RoleAPI, vars{"REDIS_URL": redisURL}))

	// costs has so many watch ten signals, and returns what that cost Redis. Nobody carries the task out.
	costs := func(id string, watchers int) int {
		later := `{"id":"` + id + `","type":"http.saga","process_at":"` + time.Now().Add(time.Hour).Format(time.RFC3339) +
			`","input":{"steps":[{"name":"a","do":{"method":"POST","url":"https://example.com/a"}}]}}`
		if status, _, body := api.ask("POST", "/v1/tasks/batch", "", `{"tasks":[`+later+`]}`); status >= 300 || !strings.Contains(body, `"accepted":1`) {
			t.Fatalf("start: %d %s", status, body)
		}
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		told := make(chan string, 16*watchers)
		var all sync.WaitGroup
		for range watchers {
			all.Go(func() {
				if err := api.watch(ctx, id, told); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			})
		}
		await := func(what string) {
			t.Helper()
			for range watchers {
				select {
				case got := <-told:
					if got != what {
						t.Fatalf("told of %s, want %s", got, what)
					}
				case <-time.After(time.Minute):
					t.Fatalf("some watchers are not told of %s", what)
				}
			}
		}
		await("created")
		before := commands(t, client)
		for i := range 10 {
			path := fmt.Sprintf("/v1/tasks/%s/signals/s%d", id, i)
			if status, _, body := api.ask("POST", path, "", `{}`); status >= 300 {
				t.Fatalf("signal: %d %s", status, body)
			}
			await("signal")
		}
		cost := commands(t, client) - before
		leave()
		all.Wait()
		return cost
	}
	one, many := costs("one", 1), costs("many", 1000)
	t.Logf("ten events cost Redis %d commands with one watcher, %d with a thousand", one, many)
	if many > one+1000 { // a read for each watcher would be ten thousand; idle loops cost some while it lasts
		t.Errorf("ten events cost Redis %d commands with a thousand watchers, %d with one", many, one)
	}
	if err := api.stop(); err != nil {
		t.Error(err)
	}
}
