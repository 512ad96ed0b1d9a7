package main

import (
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
)

// completes has a task completed.
func completes(t *testing.T, all *osp, e *endpoint) {
	t.Helper()
	task := all.task(202, "POST", "/v1/tasks", dict{"type": "http.saga", "input": e.saga("a", "b")})
	all.wait(task.ID, enough, saga.Completed)
	if e.saw() != "/a /b" {
		t.Errorf("effects %s", e.saw())
	}
}

// Managed services block what administers them.
func TestATaskCompletesOnARedisWithoutItsAdministration(t *testing.T) {
	url := testenv.Redis(t, "--rename-command", "CONFIG", "", "--rename-command", "CLIENT", "", "--rename-command", "CLUSTER", "")
	completes(t, start(t, "all", elsewhere(t, url)...), newEndpoint(t, nil))
}

// alone is set in a test that runs in a network of its own.
const alone = "OSP_TEST_IS_ALONE"

// Some platforms' private networks have IPv6 only; IPv4 is then no more than the container's own loopback. The test runs
// itself again in such a network.
func TestATaskCompletesWhereTheNetworkIsIPv6(t *testing.T) {
	const host = "fd00::7"
	if os.Getenv(alone) == "" {
		cmd := exec.CommandContext(t.Context(), "unshare", "--net", "--map-root-user", "sh", "-c",
			`ip link set lo up && ip addr add `+host+`/128 dev lo && exec "$0" -test.run '^`+t.Name()+`$' -test.v`, os.Args[0])
		cmd.Env = append(os.Environ(), alone+"=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Errorf("%v:\n%s", err, out)
		}
		return
	}
	redis := testenv.RedisProcess(t, "--bind", "127.0.0.1", host, "--protected-mode", "no")
	_, port, _ := net.SplitHostPort(redis.Addr)
	all := start(t, "all", elsewhere(t, "redis://"+net.JoinHostPort(host, port))...)
	all.url = strings.Replace(all.url, "localhost", "["+host+"]", 1)
	e := &endpoint{keys: map[string]string{}, calls: map[string]int{}}
	e.Server = httptest.NewUnstartedServer(e)
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	_ = e.Listener.Close()
	e.Listener = listener
	e.Start()
	t.Cleanup(e.Close)
	completes(t, all, e)
}
