package testenv_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestARedisServerAnswersStopsAndStartsOnItsPort(t *testing.T) {
	r := testenv.RedisProcess(t, "--maxmemory", "64mb")
	if got := ask(t, r.Addr, "CONFIG GET maxmemory"); got != "*2" {
		t.Fatalf("CONFIG GET answered %q", got)
	}
	r.Stop()
	if conn, err := net.Dial("tcp", r.Addr); err == nil {
		_ = conn.Close()
		t.Fatal("it answers although it was stopped")
	}
	r.Start()
	if got := ask(t, r.Addr, "PING"); got != "+PONG" {
		t.Fatalf("PING answered %q after the start", got)
	}
}

func ask(t *testing.T, addr, command string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, command+"\r\n"); err != nil {
		t.Fatal(err)
	}
	line, _, err := bufio.NewReader(conn).ReadLine()
	if err != nil {
		t.Fatal(err)
	}
	return string(line)
}

func TestSupabaseLetsInWhoHasAKey(t *testing.T) {
	s := testenv.Supabase(t)
	if testenv.Supabase(t) != s {
		t.Error("a second call started another one")
	}
	for _, c := range []struct {
		name, key string
		want      int
	}{
		{"the service key", s.ServiceKey, 200},
		{"the anon key", s.AnonKey, 200},
		{"a user's token", s.UserKey("11111111-1111-4111-8111-111111111111"), 200},
		{"a broken key", s.ServiceKey + "x", 401},
	} {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.URL+"/rest/v1/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("apikey", c.key)
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != c.want {
			t.Errorf("%s: %s, want %d", c.name, answer.Status, c.want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	var super bool
	if err := s.DB(t).QueryRow(context.Background(), "select rolsuper from pg_roles where rolname = 'postgres'").Scan(&super); err != nil || super {
		t.Errorf("the migrations' role is a superuser: %v, %v", super, err)
	}
}
