package server

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
)

// look returns what a check of Redis came to, "level: text", by name.
func look(t *testing.T, url string) map[string]string {
	t.Helper()
	client, err := openRedis(url, 2, trust{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	findings, err := checkRedis(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, f := range findings {
		if f.Variable != "REDIS_URL" {
			t.Errorf("%s names the variable %q", f.Check, f.Variable)
		}
		said[strings.TrimPrefix(f.Check, "redis ")] = string(f.Level) + ": " + f.Says
	}
	return said
}

func TestWhatIsFoundOutAboutRedis(t *testing.T) {
	for _, c := range []struct {
		name  string
		args  []string
		check string
		want  string
	}{
		{"it answers", nil, "connection", "ok: it answers"},
		{"its version", nil, "version", "ok: "},
		{"noeviction is right", nil, "maxmemory-policy", "ok: noeviction"},
		{"an evicting policy is refused", []string{"--maxmemory-policy", "allkeys-lru"}, "maxmemory-policy", "refused: allkeys-lru "},
		{"so is one that spares what does not expire", []string{"--maxmemory-policy", "volatile-ttl"}, "maxmemory-policy", "refused: "},
		{"an append-only file is right", []string{"--appendonly", "yes"}, "persistence", "ok: "},
		{"snapshots alone are warned of", []string{"--save", "3600 1"}, "persistence", "warning: snapshots only: a restart loses what came after the last one, and osp recover brings back only what was stored of it: set appendonly yes"},
		{"no persistence is warned of", nil, "persistence", "warning: none: a restart loses every journal, and osp recover brings back only what was stored of it: set appendonly yes"},
		{"a host that hides CONFIG is said to", []string{"--rename-command", "CONFIG", ""}, "persistence", "warning: no append-only file, and whether"},
		{"a host that hides INFO is said to", []string{"--rename-command", "INFO", ""}, "maxmemory-policy", "unknown: the policy cannot be seen"},
		{"a master is right", nil, "role", "ok: master"},
		{"a replica is refused", []string{"--replicaof", "127.0.0.1", "1"}, "role", "refused: it is a replica"},
		{"one server is right", nil, "cluster mode", "ok: a single server"},
		{"a part of a cluster is refused", []string{"--cluster-enabled", "yes"}, "cluster mode", "refused: it is one server of a cluster"},
		{"scripts work", nil, "scripts", "ok: "},
		{"a host without scripts is refused", []string{"--rename-command", "EVAL", ""}, "scripts", "refused: EVAL does not work"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := look(t, testenv.Redis(t, c.args...))[c.check]; !strings.HasPrefix(got, c.want) {
				t.Errorf("%s: got %q, want %q…", c.check, got, c.want)
			}
		})
	}
}

func TestAServerDoesNotStartOnAnEvictingRedis(t *testing.T) {
	for _, role := range []Role{RoleAPI, RoleWorker, RoleAll} {
		c := config(t, role, vars{"REDIS_URL": testenv.Redis(t, "--maxmemory-policy", "allkeys-lru")})
		s, err := New(t.Context(), c, slog.New(slog.DiscardHandler))
		if err == nil {
			s.close()
			t.Fatalf("%s starts", role)
		}
		if !strings.HasPrefix(err.Error(), "REDIS_URL ") || !strings.Contains(err.Error(), "maxmemory-policy noeviction") {
			t.Errorf("%s: %v names neither the variable nor the mend", role, err)
		}
	}
}

// A node of a cluster that is worse than the others is the one that counts.
func TestTheWorstNodeOfAClusterCounts(t *testing.T) {
	good := []Finding{{Check: "a", Level: LevelOK}, {Check: "b", Level: LevelWarning, Says: "first"}}
	got := worst(good, []Finding{{Check: "a", Level: LevelRefused, Says: "second"}, {Check: "b", Level: LevelUnknown}, {Check: "c", Level: LevelOK}})
	if len(got) != 3 || got[0].Says != "second" || got[1].Says != "first" || got[2].Check != "c" {
		t.Errorf("got %v", got)
	}
}

func TestARedisThatComesLateIsLookedAtThen(t *testing.T) {
	late := testenv.RedisProcess(t, "--maxmemory-policy", "allkeys-lru")
	late.Stop()
	s, err := New(t.Context(), config(t, RoleWorker, vars{"REDIS_URL": late.URL}), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("it does not start while Redis is away: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(t.Context()) }()
	late.Start()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "maxmemory-policy noeviction") {
		t.Errorf("it ends with %v, want the refusal", err)
	}
}

// failing has one command answered with an error.
type failing struct {
	command string
	err     error
}

func (f failing) DialHook(next redis.DialHook) redis.DialHook { return next }

func (f failing) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == f.command {
			cmd.SetErr(f.err)
			return f.err
		}
		return next(ctx, cmd)
	}
}

func (f failing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// said is an answer of Redis.
type said string

func (s said) Error() string { return string(s) }
func (said) RedisError()     {}

// A Redis that dies while it is looked at is one that is away: nothing is wrong with it.
func TestARedisThatGoesWhileItIsLookedAt(t *testing.T) {
	for _, c := range []struct {
		err  error
		away bool
	}{
		{io.EOF, true},
		{context.Canceled, true},
		{said("LOADING Redis is loading the dataset in memory"), true},
		{said("OOM command not allowed when used memory > 'maxmemory'."), true},
		{said("ERR unknown command 'eval'"), false},
		{said("NOPERM this user has no permissions to run the 'eval' command"), false},
	} {
		client := redis.NewClient(&redis.Options{Addr: strings.TrimPrefix(testenv.Redis(t), "redis://")})
		client.AddHook(failing{"eval", c.err})
		findings, err := checkRedis(t.Context(), client)
		refusal := Refusal(findings)
		if c.away && (err == nil || refusal != nil) || !c.away && (err != nil || refusal == nil) {
			t.Errorf("%v: %v, %v", c.err, err, refusal)
		}
		_ = client.Close()
	}
}
