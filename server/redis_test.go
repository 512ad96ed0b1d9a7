package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
)

// reached is what a client would connect to, in one line.
func reached(client redis.UniversalClient) string {
	secure := func(c *tls.Config) string {
		if c == nil {
			return ""
		}
		return fmt.Sprintf(" tls(%s)", c.ServerName)
	}
	switch c := client.(type) {
	case *redis.ClusterClient:
		o := c.Options()
		return fmt.Sprintf("cluster %s %s:%s pool %d%s", slices.Sorted(slices.Values(o.Addrs)), o.Username, o.Password, o.PoolSize, secure(o.TLSConfig))
	case *redis.Client:
		o := c.Options()
		return fmt.Sprintf("%s db %d %s:%s pool %d%s", o.Addr, o.DB, o.Username, o.Password, o.PoolSize, secure(o.TLSConfig))
	}
	return fmt.Sprintf("%T", client)
}

func TestRedisURLs(t *testing.T) {
	for rawURL, want := range map[string]string{
		"redis://localhost:6379":                "localhost:6379 db 0 : pool 4",
		"redis://cache":                         "cache:6379 db 0 : pool 4",
		"redis://:pw@cache:7000/3":              "cache:7000 db 3 :pw pool 4",
		"redis://ada:p%2Fw%23@cache":            "cache:6379 db 0 ada:p/w# pool 4",
		"redis://ada:p,w@cache":                 "cache:6379 db 0 ada:p,w pool 4",
		"redis://[::1]:7000":                    "[::1]:7000 db 0 : pool 4",
		"redis://[fd00::7]":                     "[fd00::7]:6379 db 0 : pool 4",
		"rediss://default:pw@x.example.com:1/0": "x.example.com:1 db 0 default:pw pool 4 tls(x.example.com)",

		"redis://a:1,b:2,c":                "cluster [a:1 b:2 c:6379] : pool 4",
		"redis://ada:pw@a:1,b:2":           "cluster [a:1 b:2] ada:pw pool 4",
		"redis://ada:p@w@a:1,b:2":          "cluster [a:1 b:2] ada:p@w pool 4",
		"rediss://ada:p,w@a.x:1,b.x:2/":    "cluster [a.x:1 b.x:2] ada:p,w pool 4 tls()",
		"redis://[::1]:1,[fd00::7],c:3":    "cluster [[::1]:1 [fd00::7]:6379 c:3] : pool 4",
		"redis://a:1,b:2?protocol=2":       "cluster [a:1 b:2] : pool 4",
		"redis-sentinel://a,b:1/m":         "FailoverClient db 0 : pool 4",
		"redis-sentinel://ada:pw@a/m/5":    "FailoverClient db 5 ada:pw pool 4",
		"rediss-sentinel://[::1],b:2/m/5/": "FailoverClient db 5 : pool 4 tls()",
	} {
		client, err := openRedis(rawURL, 4, trust{})
		if err != nil {
			t.Errorf("%s: %v", rawURL, err)
			continue
		}
		if got := reached(client); got != want {
			t.Errorf("%s\n got %s\nwant %s", rawURL, got, want)
		}
		if err := client.Close(); err != nil {
			t.Errorf("%s: %v", rawURL, err)
		}
	}
}

func TestHostsWithoutAPortGetOne(t *testing.T) {
	got := strings.Join(withPorts("a,b:1,[::1],[::1]:2", "26379"), " ")
	if want := "a:26379 b:1 [::1]:26379 [::1]:2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A password may have any character in it, and people forget to escape them.
func TestAWrongRedisURLNamesTheVariableAndShowsNoPassword(t *testing.T) {
	for _, rawURL := range []string{
		"", "localhost:6379", "http://hunter2@x", "redis://u:hunter2@x:port", "redis://u:hunter2/x@h:1", "redis://u:12/hunter2@h:1",
		"redis://u:12?hunter2@h:1", "redis://u:12#hunter2@h:port", "redis://u:%zzhunter2@h", "redis://u:a\": hunter2@h",
		"redis://u:hunter2@h/nodb", "redis://u:hunter2@h?nonsense=1", "redis://u:hunter2@h\n", "redis://u:hunt\x7fer2@h",
		"redis://u:hunter2/x@h:1,i:2", "redis://u:%zzhunter2@a,b", "redis://u:hunter2@a,b/nodb",
		"redis-sentinel://u:hunter2@a", "redis-sentinel://u:hunter2@a/m/nodb", "redis-sentinel://u:%zzhunter2@a/m",
	} {
		client, err := openRedis(rawURL, 4, trust{})
		if err == nil {
			_ = client.Close()
			t.Errorf("%q is taken", rawURL)
			continue
		}
		config, ok := errors.AsType[*ConfigError](err)
		if !ok || config.Variable != "REDIS_URL" {
			t.Errorf("%q: %v does not name REDIS_URL", rawURL, err)
		}
		for _, part := range []string{"hunt", "er2", "zz", "nonsense"} {
			if strings.Contains(err.Error(), part) {
				t.Errorf("%q: %v shows %q", rawURL, err, part)
			}
		}
	}
}

func TestARedisURLReachesARedis(t *testing.T) {
	url := testenv.Redis(t)
	anybody, err := openRedis(url, 1, trust{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = anybody.Close() })
	if err := anybody.Do(t.Context(), "ACL", "SETUSER", "ada", "on", ">p/w", "~*", "&*", "+@all").Err(); err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(url, "redis://")
	client, err := openRedis("redis://ada:p%2Fw@"+host+"/2", 4, trust{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if err := client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Error(err)
	}
	if who, err := client.Do(t.Context(), "ACL", "WHOAMI").Text(); who != "ada" || err != nil {
		t.Errorf("it is %s there: %v", who, err)
	}
}

// Whatever is in the URL, nothing of it is in what is said about it.
func FuzzRedisURL(f *testing.F) {
	for _, seed := range []string{
		"redis://u:p@h:1/2", "rediss://a,[::1]:2", "redis-sentinel://u:p@h/m/3?x=1", "redis://%zz", "redis://h#p", "://", "redis://@,@/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, rawURL string) {
		client, err := openRedis(rawURL, 4, trust{})
		if err == nil {
			_ = client.Close()
			return
		}
		if !slices.Contains(redisComplaints, err.Error()) {
			t.Errorf("%q: %v", rawURL, err)
		}
	})
}

var redisComplaints = []string{
	errRedisURL.Error(), "REDIS_URL has a line break in it", "REDIS_URL has no scheme that is known: write redis://HOST:6379, rediss://… for TLS, or redis-sentinel://… (rediss-sentinel://…)",
	"REDIS_URL names no master: write redis-sentinel://host:26379/MASTER",
}
