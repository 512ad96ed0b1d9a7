package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
)

// onlooker is a connection of the test's own, which counts those of others.
func onlooker(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o.PoolSize, o.PipelinePoolSize, o.ClientName = 1, -1, "onlooker"
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// census watches how many connections each user has at once, until it is told to stop, and returns the most: of two looks in a
// row the fewer, for Redis may not have heard yet that one was closed before the next was opened.
func census(t *testing.T, client *redis.Client) (stop func() map[string]int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	most, last := map[string]int{}, map[string]int{}
	var looking sync.WaitGroup
	looking.Go(func() {
		for ctx.Err() == nil {
			now := map[string]int{}
			for line := range strings.Lines(client.ClientList(ctx).Val()) {
				if _, rest, ok := strings.Cut(line, " user="); ok && !strings.Contains(line, " name=onlooker ") {
					user, _, _ := strings.Cut(rest, " ")
					now[user]++
				}
			}
			for user, n := range now {
				most[user] = max(most[user], min(n, last[user]))
			}
			last = now
		}
	})
	return func() map[string]int {
		cancel()
		looking.Wait()
		return most
	}
}

// as is an environment in which the process is that user of Redis.
func as(user string, env []string) []string {
	named := append([]string{}, env...)
	for i, v := range named {
		named[i] = strings.Replace(v, "REDIS_URL=redis://", "REDIS_URL=redis://"+user+":x@", 1)
	}
	return named
}

func TestAProcessHasSixConnectionsToRedisAtMost(t *testing.T) {
	roles := []string{"api", "worker", "all"}
	var users []string
	for _, role := range roles {
		users = append(users, "--user", role, "on", ">x", "~*", "&*", "+@all")
	}
	url := testenv.Redis(t, users...)
	env := elsewhere(t, url)
	stop := census(t, onlooker(t, url))
	processes := map[string]*osp{}
	for _, role := range roles {
		processes[role] = start(t, role, as(role, env)...)
	}
	e := newEndpoint(t, refusing)
	api := processes["api"]
	watching, hang := context.WithCancel(t.Context())
	defer hang()
	want := many(t, api, e, 200, 5)
	for id := range want { // event streams, of which the journal knows by pub/sub
		go follow(watching, processes["all"].url+"/v1/tasks/"+id+"/events")
		go follow(watching, api.url+"/v1/tasks/"+id+"/events")
	}
	var readers sync.WaitGroup
	for range 16 {
		readers.Go(func() {
			for id := range want {
				api.call("GET", "/v1/tasks/"+id, nil)
			}
		})
	}
	readers.Wait()
	end(t, api, enough, want)
	happened(t, e, 200)
	hang()
	most := stop()
	t.Logf("connections at most: %v", most)
	for _, role := range roles {
		if n := most[role]; n < 4 || n > 6 { // fewer than four: nobody saw it work
			t.Errorf("osp %s had %d connections, want 6 at most", role, n)
		}
	}
}

// follow reads an event stream until ctx ends.
func follow(ctx context.Context, url string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return
	}
	defer func() { _ = res.Body.Close() }()
	for buf := make([]byte, 1024); err == nil; {
		_, err = res.Body.Read(buf)
	}
}

// The small plans of several hosts let in twenty.
func TestThreeProcessesWithinTwentyConnectionsLoseNothing(t *testing.T) {
	url := testenv.Redis(t, "--maxclients", "20")
	env, client := elsewhere(t, url), onlooker(t, url)
	var all []*osp
	for range 3 {
		all = append(all, start(t, "all", env...))
	}
	e := newEndpoint(t, refusing)
	want := many(t, all[0], e, 100, 5)
	end(t, all[1], enough, want)
	happened(t, e, 100)
	stats := client.Info(t.Context(), "stats").Val()
	if !strings.Contains(stats, "rejected_connections:0\r\n") {
		t.Errorf("connections were refused:\n%s", stats)
	}
	for i, o := range all {
		if strings.Contains(o.log(), "max number of clients") {
			t.Errorf("process %d: %s", i, fmt.Sprint(o.log()))
		}
	}
}
