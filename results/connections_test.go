package results_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// A worker may have 50 connections at any load. Ours has 16, counted where they arrive: under 64 effects at once, as many
// as it has places for steps, with rows, reads and probes beside them.
func TestConnectionsStayFewAtAnyLoad(t *testing.T) {
	s := testenv.Supabase(t)
	url, most := countingConnections(t, s.URL)
	p, err := results.NewPostgREST(results.Supabase{URL: url, Key: s.ServiceKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	var load sync.WaitGroup
	do := func(times int, call func(i int) error) {
		for i := range times {
			load.Go(func() {
				if err := call(i); err != nil {
					t.Error(err)
				}
			})
		}
	}
	ctx := t.Context()
	do(64, func(i int) error {
		id := fmt.Sprintf("busy-%d", i)
		args := fmt.Sprintf(`{"schema": "busy_%d", "name": "Busy", "user_id": %q}`, i, crowd)
		fence := saga.Fence{Task: id, Path: "reserve", Key: id + "/reserve/do/0"}
		_, err := p.Apply(ctx, fence, "service.reserve", []byte(args))
		return err
	})
	do(64, func(i int) error {
		_, err := p.Save(ctx, results.Rows(row(fmt.Sprintf("busy-%d", i), crowd)))
		return err
	})
	do(32, func(int) error { _, err := p.List(ctx, saga.Query{Limit: 5}); return err })
	do(32, func(int) error { return p.Ping(ctx) })
	load.Wait()
	t.Logf("%d connections at most", most.Load())
	if n := most.Load(); n < 2 || n > 16 {
		t.Errorf("%d connections were open at once, want 16 at most", n)
	}
}

// countingConnections starts a way to a server that counts how many connections are open at once.
func countingConnections(t *testing.T, to string) (string, *atomic.Int32) {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	open, most := &atomic.Int32{}, &atomic.Int32{}
	server := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(target))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			n := open.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		case http.StateActive, http.StateIdle:
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	return server.URL, most
}
