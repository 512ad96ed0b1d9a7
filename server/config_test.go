package server

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/handlers"
	"github.com/osp-platform/osp/internal/scale"
)

// vars is an environment, and the files that it names.
type vars map[string]string

func (v vars) env() Environment {
	return Environment{
		Lookup: func(name string) (string, bool) { s, ok := v[name]; return s, ok },
		ReadFile: func(path string) ([]byte, error) {
			if s, ok := v["file "+path]; ok {
				return []byte(s), nil
			}
			return nil, fmt.Errorf("open %s: %w", path, fs.ErrNotExist)
		},
	}
}

func with(sets ...vars) vars {
	all := vars{}
	for _, set := range sets {
		maps.Copy(all, set)
	}
	return all
}

// enough is the least that every role is content with.
var enough = vars{"OSP_AUTH": "off", "SUPABASE_URL": "https://abc.supabase.co", "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x"}

func apiKey(name, role, secret string) string {
	sum := sha256.Sum256([]byte("osp_" + secret))
	return name + ":" + role + ":" + hex.EncodeToString(sum[:])
}

func TestDefaults(t *testing.T) {
	c, err := Load("", enough.env())
	if err != nil {
		t.Fatal(err)
	}
	c.Secret = nil
	want := Config{
		Scale: scale.Rule{Min: 1, Max: 10, PerWorker: 64},
		Role:  RoleAll, Port: 8080, RedisURL: "redis://localhost:6379", RedisPool: 4, SupabaseURL: "https://abc.supabase.co",
		SupabaseKey: "sb_secret_x", Open: true, Queues: map[string]int{"high": 6, "default": 3, "low": 1}, Concurrency: 64,
		CheckInterval: 2 * time.Second, People: People{Lifetime: 12 * time.Hour, Idle: 2 * time.Hour}, ShutdownTimeout: 8 * time.Second, Drain: time.Second, Lease: 5 * time.Second,
		KeepFinished: 24 * time.Hour, LogLevel: slog.LevelInfo, Accept: AcceptRedis, MaxMemory: memoryMark{Percent: 85},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

// Every variable: what it sets when it is right, and who is named when it is wrong.
func TestVariables(t *testing.T) {
	ada := apiKey("ada", "operator", "ada-key")
	for _, c := range []struct {
		name  string
		good  string
		field func(Config) any
		want  any
		bad   []string
	}{
		{"ROLE", "worker", func(c Config) any { return c.Role }, RoleWorker, []string{"server", "API"}},
		{"PORT", "9", func(c Config) any { return fmt.Sprint(c.Port, c.PortGiven) }, "9 true", []string{"http", "-1", "65536", "80.5"}},
		{"REDIS_URL", "redis://r:1", func(c Config) any { return c.RedisURL }, "redis://r:1", []string{"localhost:6379", "http://x", "redis://u:p#w@x", "redis-sentinel://x"}},
		{"REDIS_POOL_SIZE", "1000", func(c Config) any { return c.RedisPool }, 1000, []string{"0", "1001", "many"}},
		{"OSP_CONCURRENCY", "10000", func(c Config) any { return c.Concurrency }, 10_000, []string{"0", "10001", "all"}},
		{"OSP_CHECK_INTERVAL", "20ms", func(c Config) any { return c.CheckInterval }, 20 * time.Millisecond, []string{"20", "0s", "-1s", "soon", "1ms", "9.9ms", "61s", "1h"}},
		{"OSP_SHUTDOWN_TIMEOUT", "1m", func(c Config) any { return c.ShutdownTimeout }, time.Minute, []string{"8", "0s", "-1s"}},
		{"OSP_ACCEPT", "replica", func(c Config) any { return c.Accept }, AcceptReplica, []string{"Redis", "all", "store"}},
		{"OSP_LEASE", "3s", func(c Config) any { return c.Lease }, 3 * time.Second, []string{"3", "0s", "-1s"}},
		{"OSP_KEEP_FINISHED", "1h", func(c Config) any { return c.KeepFinished }, time.Hour, []string{"1d", "0s", "-1h"}},
		{"OSP_RETENTION", "90d", func(c Config) any { return c.Retention }, 90 * 24 * time.Hour, []string{
			"0", "0d", "-1d", "-1h", "d", "90", "1.5d", "1d-1h", "1d0s", "23h", "90days", "999999999999d", "106751d24h", "1h1d",
		}},
		{"OSP_SCALE_MIN", "10", func(c Config) any { return c.Scale.Min }, 10, []string{"0", "-1", "1001", "one"}},
		{"OSP_SCALE_MAX", "1000", func(c Config) any { return c.Scale.Max }, 1000, []string{"0", "1001", "many"}},
		{"OSP_SCALE_PER_WORKER", "1", func(c Config) any { return c.Scale.PerWorker }, 1, []string{"0", "1000001", "1.5"}},
		{"OSP_HTTP_ALLOW_PRIVATE", "true", func(c Config) any { return c.AllowPrivate }, true, []string{"yes", "on"}},
		{"OSP_RATE_LIMIT", "600/m,burst=5", func(c Config) any { return c.RateLimit }, handlers.Rate{PerSecond: 10, Burst: 5}, []string{
			"100", "100/d", "0/s", "-1/s", "1.5/s", "/s", "100/s,", "100/s,burst=0", "100/s,burst=x", "100/s,burst=", "burst=5", "99999999/s",
		}},
		{"OSP_MAX_BACKLOG", "100000", func(c Config) any { return c.MaxBacklog }, 100_000, []string{"0", "-1", "many", "1000000001"}},
		{
			"OSP_LIMITS", "http.saga:concurrency=20,rate=100/s; a:per=key,rate=6/m;b:concurrency=1,per=service",
			func(c Config) any { return fmt.Sprint(c.Limits) }, "map[a:{0 10s key} b:{1 0s service} http.saga:{20 10ms type}]",
			[]string{
				"http.saga", "http.saga:", "http.saga:concurrency=0", "http.saga:concurrency=x", "http.saga:rate=100", "http.saga:rate=1/d",
				"http.saga:per=service", "http.saga:per=host,rate=1/s", "http.saga:rate=1/s,rate=2/s", "http.saga:rate=1/s,", ":rate=1/s",
				"http.saga:rate=1/s;", "a:rate=1/s;a:rate=2/s", "http.saga:burst=3,rate=1/s",
			},
		},
		{"OSP_MAX_MEMORY", "800MB", func(c Config) any { return c.MaxMemory }, memoryMark{Bytes: 800 << 20}, []string{
			"0", "0%", "101%", "85 %", "1tb", "mb", "-1mb", "1.5gb", "9999999999999gb",
		}},
		{"LOG_LEVEL", "warn", func(c Config) any { return c.LogLevel }, slog.LevelWarn, []string{"loud", "7"}},
		{
			"OSP_QUEUES", "default:2, fast:7,slow", func(c Config) any { return fmt.Sprint(c.Queues) }, "map[default:2 fast:7 slow:1]",
			[]string{"high:6", "default:0", "default:-1", "default:x", "Default:1,default:1", "default:1,", "default:1,a b:2", "default:1,:2", "default:1," + strings.Repeat("q", 49)},
		},
		{"SUPABASE_URL", "http://localhost:54321", func(c Config) any { return c.SupabaseURL }, "http://localhost:54321", []string{"abc.supabase.co", "postgres://x"}},
		{"SUPABASE_SERVICE_ROLE_KEY", "eyJx", func(c Config) any { return c.SupabaseKey }, "eyJx", []string{"sb_publishable_x", "osp_x", "sb_secret_"}},
		{"OSP_RESULTS", "sqlite:/data/x.db", func(c Config) any { return c.SQLite }, "/data/x.db", []string{"sqlite:", "/data/x.db", "postgres://x"}},
		{"OSP_AUTH", "off", func(c Config) any { return c.Open }, true, []string{"no", "OFF", "false"}},
		{"OSP_API_KEYS", ada, func(c Config) any { return c.Keys[0].Name }, "ada", []string{"ada", "ada:operator:ff", "osp_x"}},
	} {
		got, err := Load("", with(enough, vars{c.name: c.good}).env())
		if err != nil {
			t.Errorf("%s=%s: %v", c.name, c.good, err)
		} else if value := c.field(got); value != c.want {
			t.Errorf("%s=%s gives %v, want %v", c.name, c.good, value, c.want)
		}
		got, err = Load("", with(enough, vars{c.name: "", c.name + "_FILE": "/run/x", "file /run/x": c.good + "\n"}).env())
		if err != nil {
			t.Errorf("%s_FILE: %v", c.name, err)
		} else if value := c.field(got); value != c.want {
			t.Errorf("%s_FILE with %s gives %v, want %v", c.name, c.good, value, c.want)
		}
		got, err = Load("", with(enough, vars{c.name: c.good, c.name + "_FILE": "/none"}).env())
		if err != nil || c.field(got) != c.want {
			t.Errorf("%s beside %s_FILE: %v; the variable itself comes first", c.name, c.name, err)
		}
		_, err = Load("", with(enough, vars{c.name: "", c.name + "_FILE": "/none"}).env())
		if named := blamed(err); named[c.name+"_FILE"] != 1 {
			t.Errorf("%s_FILE without the file: blamed %v: %v", c.name, named, err)
		}
		for _, bad := range c.bad {
			_, err := Load("", with(enough, vars{c.name: bad}).env())
			if named := blamed(err); named[c.name] == 0 {
				t.Errorf("%s=%s: blamed %v: %v", c.name, bad, named, err)
			}
		}
	}
}

// blamed is how often each variable is named in an error.
func blamed(err error) map[string]int {
	named := map[string]int{}
	var walk func(err error)
	walk = func(err error) {
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, err := range many.Unwrap() {
				walk(err)
			}
		} else if config, ok := errors.AsType[*ConfigError](err); ok {
			named[config.Variable]++
		}
	}
	walk(err)
	return named
}

// A typing error of a unit neither floods Redis nor lets tasks lie for an hour.
func TestTheCheckIntervalHasBounds(t *testing.T) {
	for _, good := range []string{"10ms", "60s"} {
		if _, err := Load("", with(enough, vars{"OSP_CHECK_INTERVAL": good}).env()); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	_, err := Load("", with(enough, vars{"OSP_CHECK_INTERVAL": "1ms"}).env())
	if want := "OSP_CHECK_INTERVAL is 1ms: set it to a duration from 10ms to 1m, such as 2s"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestWhatARoleNeeds(t *testing.T) {
	key := vars{"OSP_API_KEYS": apiKey("ada", "operator", "ada-key")}
	supabase := vars{"SUPABASE_URL": "https://x", "SUPABASE_SERVICE_ROLE_KEY": "k"}
	public := vars{"PUBLIC_SUPABASE_URL": "https://x", "SUPABASE_SECRET_KEY": "k"}
	sqlite := vars{"OSP_RESULTS": "sqlite:/x.db"}
	home := vars{"HOME": "/home/ada"}
	for _, c := range []struct {
		name string
		role Role
		vars vars
		want string // the variables that are blamed
	}{
		{"an API with all", RoleAPI, with(key, supabase), ""},
		{"the other names of Supabase", RoleAPI, with(key, public), ""},
		{"SQLite instead", RoleAPI, with(key, sqlite), ""},
		{"ROLE says it", "", with(key, sqlite, vars{"ROLE": "api"}), ""},
		{"the command wins over ROLE", RoleWorker, with(sqlite, vars{"ROLE": "api"}), ""},
		{"a worker needs no key", RoleWorker, sqlite, ""},
		{"an API needs one", RoleAPI, sqlite, "map[OSP_API_KEYS:1]"},
		{"all needs one", RoleAll, with(sqlite, vars{"OSP_AUTH": "on"}), "map[OSP_API_KEYS:1]"},
		{"nothing at all", RoleAll, vars{}, "map[OSP_API_KEYS:1 SUPABASE_SERVICE_ROLE_KEY:1 SUPABASE_URL:1]"},
		{"a replica of a Redis that has none", RoleDev, vars{"HOME": "/home/me", "OSP_ACCEPT": "replica"}, "map[OSP_ACCEPT:1]"},
		{"everything wrong is told at once", RoleWorker, with(sqlite, vars{"PORT": "x", "OSP_LEASE": "x", "REDIS_URL": "x"}), "map[OSP_LEASE:1 PORT:1 REDIS_URL:1]"},
		{"a file that cannot be read is told of once", RoleWorker, with(sqlite, vars{"PORT_FILE": "/none"}), "map[PORT_FILE:1]"},
		{"dev needs nothing", RoleDev, home, ""},
		{"dev without a home", RoleDev, vars{}, "map[XDG_DATA_HOME:1]"},
		{"dev with its own file", RoleDev, sqlite, ""},
		{"dev does not look at REDIS_URL", RoleDev, with(home, vars{"REDIS_URL": "x"}), ""},
	} {
		config, err := Load(c.role, c.vars.env())
		if got := blamed(err); len(got)+len(c.want) > 0 && fmt.Sprint(got) != c.want {
			t.Errorf("%s: blamed %v, want %s", c.name, got, c.want)
		}
		if err == nil && c.role != "" && config.Role != c.role {
			t.Errorf("%s: role %s", c.name, config.Role)
		}
	}
}

func TestWhereDevKeepsItsData(t *testing.T) {
	for want, v := range map[string]vars{
		"/home/ada/.local/share/osp/dev.db": {"HOME": "/home/ada"},
		"/data/osp/dev.db":                  {"HOME": "/home/ada", "XDG_DATA_HOME": "/data"},
		"/local/osp/dev.db":                 {"HOME": "/home/ada", "LocalAppData": "/local"},
	} {
		c, err := Load(RoleDev, v.env())
		if err != nil || c.SQLite != want || !c.Open {
			t.Errorf("%v: %s, open %t, %v; want %s", v, c.SQLite, c.Open, err, want)
		}
	}
}

func TestSecrets(t *testing.T) {
	c, err := Load("", with(enough, vars{
		"OSP_SECRET_PAY": "s3cret", "OSP_SECRET_MAIL_FILE": "/run/mail", "file /run/mail": "from a file\n",
		"OSP_SECRET_GONE_FILE": "/none", "OSP_SECRET_EMPTY": "", "PAY": "not this one", "REDIS_URL": "redis://u:pw@h",
	}).env())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"PAY": "s3cret", "MAIL": "from a file",
		"MAIL_FILE": "", "GONE_FILE": "", "GONE": "", "EMPTY": "", "NONE": "", "": "", "REDIS_URL": "",
	} {
		got, ok := secrets(c.Secret).Secret(name)
		if got != want || ok != (want != "") {
			t.Errorf("secret %q: %q, %t, want %q", name, got, ok, want)
		}
	}
}

func TestKeysAreNotShown(t *testing.T) {
	_, err := Load(RoleAPI, with(enough, vars{"OSP_AUTH": "", "OSP_API_KEYS": "ada:operator:osp_MYKEY", "SUPABASE_SERVICE_ROLE_KEY": "sb_publishable_MYKEY"}).env())
	if err == nil || strings.Contains(err.Error(), "MYKEY") {
		t.Errorf("got %v", err)
	}
}

func TestARetentionIsToldInDaysOrAsADuration(t *testing.T) {
	for v, want := range map[string]time.Duration{
		"": 0, "1d": 24 * time.Hour, "720h": 30 * 24 * time.Hour, "1d12h30m": 36*time.Hour + 30*time.Minute, "24h": 24 * time.Hour,
	} {
		c, err := Load("", with(enough, vars{"OSP_RETENTION": v}).env())
		if err != nil || c.Retention != want {
			t.Errorf("%q: %v, %v; want %v", v, c.Retention, err, want)
		}
	}
	_, err := Load("", with(enough, vars{"OSP_RETENTION": "2d", "OSP_KEEP_FINISHED": "49h"}).env())
	if err == nil || !strings.Contains(err.Error(), "less than OSP_KEEP_FINISHED (49h0m0s)") {
		t.Errorf("a row would go before its journal: %v", err)
	}
}
