package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// SupabaseServer is PostgreSQL with the real PostgREST before it, as far as OSP uses Supabase.
type SupabaseServer struct {
	URL         string // REST is at URL/rest/v1
	ServiceKey  string // a JWT with the role service_role
	AnonKey     string // a JWT with the role anon
	JWTSecret   string
	DatabaseURL string // as the role postgres, which is no superuser
	AdminURL    string // as the superuser

	pg    *postgres
	proxy *httptest.Server
	idle  func() // closes the proxy's own idle connections
	env   []string
	admin string // PostgREST's admin address

	mu   sync.Mutex
	rest *process // nil while it does not run
}

// Supabase returns the package's Supabase, started with all migrations applied on the first call. It ends after
// the package's last test; without [Main] each test gets its own.
func Supabase(t testing.TB) *SupabaseServer {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.used {
		return SupabaseAfter(t, "")
	}
	if shared.supabase == nil && shared.err == nil {
		shared.supabase, shared.err = startSupabase("", direct)
	}
	return must(t, shared.supabase, shared.err)
}

// SupabaseAfter returns a Supabase of the test's own, in which a script ran before the migrations, as the role postgres:
// a project that had something before OSP came.
func SupabaseAfter(t testing.TB, script string) *SupabaseServer {
	t.Helper()
	return SupabaseThrough(t, script, direct)
}

func startSupabase(before string, through func(string) string) (*SupabaseServer, error) {
	pg, err := startPostgres()
	if err != nil {
		return nil, err
	}
	s := &SupabaseServer{
		pg: pg, idle: func() {}, ServiceKey: roleKey("service_role"), AnonKey: roleKey("anon"), JWTSecret: jwtSecret,
		DatabaseURL: pg.url("postgres"), AdminURL: pg.url(admin),
	}
	if err := s.fill(before, through); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *SupabaseServer) fill(before string, through func(string) string) error {
	if err := s.pg.run(admin, shim); err != nil {
		return fmt.Errorf("shim: %w", err)
	}
	if err := s.pg.run("postgres", before); err != nil {
		return fmt.Errorf("before the migrations: %w", err)
	}
	if err := s.pg.migrate(); err != nil {
		return err
	}
	database := "postgres://authenticator@" + through(s.pg.address()) + "/postgres?sslmode=disable"
	_, err := attempt(func() (*SupabaseServer, error) {
		port, err1 := freePort()
		adminPort, err2 := freePort()
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		s.admin = net.JoinHostPort("127.0.0.1", strconv.Itoa(adminPort))
		s.env = []string{
			"PGRST_DB_URI=" + database, "PGRST_DB_SCHEMAS=public", "PGRST_DB_ANON_ROLE=anon",
			"PGRST_DB_EXTRA_SEARCH_PATH=public,extensions", "PGRST_DB_POOL=10", "PGRST_JWT_SECRET=" + jwtSecret,
			"PGRST_SERVER_HOST=127.0.0.1", "PGRST_SERVER_PORT=" + strconv.Itoa(port),
			"PGRST_ADMIN_SERVER_PORT=" + strconv.Itoa(adminPort), "PGRST_LOG_LEVEL=error",
		}
		target := &url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
		if err := s.startREST(); err != nil {
			return nil, err
		}
		s.proxy, s.idle = gateway(target)
		s.URL = s.proxy.URL
		return s, nil
	})
	return err
}

// gateway maps /rest/v1/* to PostgREST, has the JWKS of Supabase Auth, and maps an apikey alone to a bearer token, as Supabase's does.
func gateway(target *url.URL) (server *httptest.Server, closeIdle func()) {
	// PostgREST closes idle connections itself after 30 s; a request that crosses that would get a 502.
	transport := &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 5 * time.Second}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		if r.In.Header.Get("Authorization") == "" && r.In.Header.Get("apikey") != "" {
			r.Out.Header.Set("Authorization", "Bearer "+r.In.Header.Get("apikey"))
		}
	}, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
		w.WriteHeader(http.StatusBadGateway)
	}}
	mux := http.NewServeMux()
	mux.Handle("/rest/v1/", http.StripPrefix("/rest/v1", proxy))
	// The project signs by HS256, so it publishes no keys.
	mux.HandleFunc("/auth/v1/.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"keys":[]}`)
	})
	return httptest.NewServer(mux), transport.CloseIdleConnections
}

func (s *SupabaseServer) startREST() error {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	program, err := find("postgrest", filepath.Join(cache, "osp/postgrest"))
	if err != nil {
		return err
	}
	p, err := start(how{env: s.env}, program)
	if err != nil {
		return err
	}
	if err := p.ready(s.restReady); err != nil {
		p.stop(syscall.SIGKILL)
		return err
	}
	s.rest = p
	return nil
}

func (s *SupabaseServer) restReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.admin+"/ready", nil)
	if err != nil {
		return fmt.Errorf("ask whether PostgREST is ready: %w", err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("ask whether PostgREST is ready: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("PostgREST's /ready says %s", answer.Status)
	}
	return nil
}

// StopREST ends PostgREST: requests get 502 until StartREST.
func (s *SupabaseServer) StopREST() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rest != nil {
		s.rest.stop(syscall.SIGTERM)
		s.rest = nil
		s.idle()
	}
}

// StartREST starts PostgREST again.
func (s *SupabaseServer) StartREST(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rest == nil {
		must(t, s, s.startREST())
	}
}

// DB connects to the database as the superuser, for looking behind the scenes. The connection ends with the test.
func (s *SupabaseServer) DB(t testing.TB) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), s.AdminURL)
	must(t, conn, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func (s *SupabaseServer) close() {
	if s.proxy != nil {
		s.proxy.CloseClientConnections()
		s.proxy.Close()
	}
	s.StopREST()
	s.pg.close()
}
