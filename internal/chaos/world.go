package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
)

// world is all the parties, and the links between them.
type world struct {
	t        testing.TB
	redis    *testenv.RedisServer
	supabase *testenv.SupabaseServer
	bank     *bank
	ledger   *ledger
	history  *history
	links    map[string]*link
	names    []string // of links, in one order
	parties  []*process
	apis     []*link // a client's way to each API

	mu     sync.Mutex
	out    io.Writer
	fallen int // times that a process ended by itself
}

// newWorld starts everything. Logs go into dir.
func newWorld(ctx context.Context, t testing.TB, o options, dir string, h *history, out io.Writer) (*world, error) {
	w := &world{t: t, history: h, out: out, links: map[string]*link{}}
	// An acknowledged write must survive a kill -9: with everysec, Redis may acknowledge what is still in its own memory.
	w.redis = testenv.RedisProcess(t, "--appendonly", "yes", "--appendfsync", "always")
	w.supabase = testenv.SupabaseThrough(t, bankSchema, func(postgres string) string {
		return w.link(ctx, "postgrest-postgresql", postgres).address()
	})
	t.Cleanup(func() { w.closeLinks() })
	var err error
	if w.ledger, err = openLedger(ctx, w.supabase.AdminURL, 8); err != nil {
		return nil, err
	}
	t.Cleanup(func() { w.ledger.close(context.WithoutCancel(ctx)) })
	w.bank = newBank(w.ledger, h)
	t.Cleanup(func() { w.bank.close(context.WithoutCancel(ctx)) })
	for i := range o.workers {
		if err := w.add(ctx, o, "worker", i+1, dir); err != nil {
			return nil, err
		}
	}
	for i := range o.apis {
		if err := w.add(ctx, o, "api", i+1, dir); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// link makes a link. What stands in its way is the machine's fault.
func (w *world) link(ctx context.Context, name, target string) *link {
	l, err := newLink(ctx, name, target)
	if err != nil {
		w.t.Fatal(err)
	}
	w.links[name] = l
	w.names = append(w.names, name)
	return l
}

func (w *world) closeLinks() {
	for _, l := range w.links {
		l.close()
	}
}

// add starts a process of osp with links of its own.
func (w *world) add(ctx context.Context, o options, role string, n int, dir string) error {
	name := fmt.Sprintf("%s-%d", role, n)
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return fmt.Errorf("create the log of %s: %w", name, err)
	}
	redis := w.link(ctx, name+"-redis", w.redis.Addr)
	rest := w.link(ctx, name+"-postgrest", strings.TrimPrefix(w.supabase.URL, "http://"))
	env := []string{
		"PORT=0", "HOME=" + dir, "OSP_AUTH=off", "OSP_USERS=off", "OSP_HTTP_ALLOW_PRIVATE=true",
		"REDIS_URL=redis://" + redis.address(),
		"SUPABASE_URL=http://" + rest.address(), "SUPABASE_SERVICE_ROLE_KEY=" + w.supabase.ServiceKey,
	}
	p := &process{name: name, binary: o.osp, role: role, log: log, ready: func(string) {}}
	if role == "worker" {
		door, err := w.bank.listen(ctx, name)
		if err != nil {
			return fmt.Errorf("open the bank for %s: %w", name, err)
		}
		env = append(env, "HTTP_PROXY=http://"+w.link(ctx, name+"-bank", door).address())
	} else {
		way := w.link(ctx, "client-"+name, "")
		w.apis = append(w.apis, way)
		p.ready = func(url string) {
			way.lead(strings.Replace(strings.TrimPrefix(url, "http://"), "localhost", "127.0.0.1", 1))
		}
	}
	p.env = env
	p.fell = func(code int) {
		w.mu.Lock()
		w.fallen++
		w.mu.Unlock()
		w.say("%s ended by itself with exit code %d, and is started again", name, code)
	}
	w.parties = append(w.parties, p)
	w.t.Cleanup(func() {
		p.hold()
		p.kill(func() {})
		p.loops.Wait()
		_ = log.Close()
	})
	p.hold()
	return p.release()
}

// say tells of something as it happens.
func (w *world) say(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = fmt.Fprintf(w.out, "%8.3fs %s\n", w.history.now().Seconds(), fmt.Sprintf(format, args...))
}

// targets are what faults may be done to.
func (w *world) targets() targets {
	t := targets{links: w.names}
	for _, p := range w.parties {
		t.processes = append(t.processes, p.name)
	}
	return t
}

func (w *world) party(name string) *process {
	for _, p := range w.parties {
		if p.name == name {
			return p
		}
	}
	return nil
}
