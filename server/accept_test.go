package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
)

func TestWhetherTheRequiredReplicasAreThere(t *testing.T) {
	s := testenv.RedisSentinel(t)
	cluster := "redis://" + strings.Join(testenv.RedisCluster(t), ",")
	client := redis.NewClient(&redis.Options{Addr: s.Master.Addr})
	defer func() { _ = client.Close() }()
	nobody := strings.Replace(s.Master.URL, "redis://", "redis://nobody:x@", 1)
	if err := client.Do(t.Context(), "acl", "setuser", "nobody", "on", ">x", "~*", "+@all", "-wait").Err(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, url string
		accept    Accept
		want      string
	}{
		{"there is one", s.Master.URL, AcceptReplica, "ok: every master has one"},
		{"there is none", testenv.Redis(t), AcceptReplica, "warning: OSP_ACCEPT is replica, and no replica keeps up with 127.0.0.1:"},
		{"the masters of a cluster have none", cluster, AcceptReplica, "warning: OSP_ACCEPT is replica"},
		{"a host that hides INFO", testenv.Redis(t, "--rename-command", "INFO", ""), AcceptReplica, "unknown: whether there are replicas cannot be seen"},
		{"none is required", testenv.Redis(t), AcceptStored, ""},
		{"there is one that nobody asked for", s.Master.URL, AcceptRedis, ""},
		{"there is one that cannot be waited for", nobody, AcceptRedis, "warning: there are some, and Redis refuses WAIT"},
		{"and it is required", nobody, AcceptReplica, "warning: OSP_ACCEPT is replica, and Redis refuses WAIT"},
	} {
		client, err := openRedis(c.url, 2, trust{})
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, f := range checkReplicas(t.Context(), client, c.accept) {
			said += string(f.Level) + ": " + f.Says
			if f.Variable != "OSP_ACCEPT" {
				t.Errorf("%s: it names %s", c.name, f.Variable)
			}
		}
		if !strings.HasPrefix(said, c.want) || said != "" && c.want == "" {
			t.Errorf("%s: %q, want %q…", c.name, said, c.want)
		}
		_ = client.Close()
	}
}

// A worker notices by itself that there is a replica, and from then on waits for it.
func TestAWorkerSeesReplicas(t *testing.T) {
	s := testenv.RedisSentinel(t)
	r := run(t, config(t, RoleAll, vars{"REDIS_URL": s.Master.URL, "OSP_HTTP_ALLOW_PRIVATE": "true"}))
	defer func() { _ = r.stop() }()
	client := redis.NewClient(&redis.Options{Addr: s.Master.Addr})
	defer func() { _ = client.Close() }()
	body := `{"type":"http.saga","input":{"steps":[{"name":"a","do":{"method":"POST","url":"` + r.url + `/healthz"}}]}}`
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		if status, _, answer := r.ask("POST", "/v1/tasks", "", body); status > http.StatusAccepted {
			t.Fatalf("start: %d %s", status, answer)
		}
		if client.InfoMap(t.Context(), "commandstats").Val()["Commandstats"]["cmdstat_wait"] != "" {
			return
		}
		if time.Now().After(end) {
			t.Fatal("it never waited for the replica")
		}
	}
}
