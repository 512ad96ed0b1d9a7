package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisURL reads REDIS_URL.
func (l *loader) redisURL() string {
	rawURL := cmp.Or(l.text("REDIS_URL"), defaultRedis)
	client, err := openRedis(rawURL, 1, trust{})
	if err != nil {
		l.errs = append(l.errs, err)
	} else {
		_ = client.Close()
	}
	return rawURL
}

// openRedis makes the one client that everything in the process shares. It does not connect yet.
func openRedis(rawURL string, poolSize int, t trust) (redis.UniversalClient, error) {
	if strings.Contains(rawURL, "\n") {
		return nil, &ConfigError{"REDIS_URL", "has a line break in it"}
	}
	u := cutRedisURL(rawURL)
	if strings.Contains(rawURL, "#") {
		return nil, errRedisURL // the rest would be dropped, host and all
	}
	switch {
	case u.scheme == "redis-sentinel" || u.scheme == "rediss-sentinel":
		return openSentinel(u, poolSize, t)
	case u.scheme != "redis" && u.scheme != "rediss":
		return nil, &ConfigError{"REDIS_URL", "has no scheme that is known: write redis://HOST:6379, rediss://… for TLS, or redis-sentinel://… (rediss-sentinel://…)"}
	case strings.Contains(u.hosts, ","):
		return openCluster(u, poolSize, t)
	}
	o, err := redis.ParseURL(rawURL)
	if err != nil {
		return nil, errRedisURL
	}
	o.PoolSize, o.PoolTimeout, o.DisableIdentity = poolSize, poolTimeout, true
	o.PipelinePoolSize = noPool
	t.apply(o.TLSConfig)
	return redis.NewClient(o), nil
}

// redisLog hands go-redis's own messages to slog: they come many times a second while Redis is away.
type redisLog struct{ log *slog.Logger }

// Printf implements go-redis's logger.
func (l redisLog) Printf(ctx context.Context, format string, args ...any) {
	l.log.DebugContext(ctx, fmt.Sprintf(format, args...), "component", "redis")
}

// poolTimeout is long: the pool is small on purpose, and waiting for a connection is normal.
const poolTimeout = 30 * time.Second

// noPool keeps go-redis from opening connections for pipelines beside the pool: up to ten more than its size says.
const noPool = -1

// errRedisURL never repeats a part of the URL, as the reasons of a parser do: where a password has a / or a # in it, any
// part may hold some of it.
var errRedisURL = &ConfigError{
	"REDIS_URL",
	"is malformed: write redis://[user:password@]host:port[/db], with %2F for a / in the password, %23 for #, %3F for ? and %25 for %",
}

// redisURL is a URL that may name several hosts, which net/url cannot read when they are IPv6.
type redisURL struct {
	scheme string
	user   string // "user:password@", or nothing
	hosts  string // separated by commas
	path   string // with its slash
	query  string // with its question mark
}

func cutRedisURL(raw string) (u redisURL) {
	var rest string
	u.scheme, rest, _ = strings.Cut(raw, "://")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest, u.path = rest[:i], rest[i:]
	}
	if i := strings.IndexByte(u.path, '?'); i >= 0 {
		u.path, u.query = u.path[:i], u.path[i:]
	}
	at := strings.LastIndexByte(rest, '@') + 1
	u.user, u.hosts = rest[:at], rest[at:]
	return u
}

// one reads all of the URL but its hosts, with another path.
func (u redisURL) one(path string) (*redis.Options, error) {
	o, err := redis.ParseURL(strings.TrimSuffix(u.scheme, "-sentinel") + "://" + u.user + "localhost" + path + u.query)
	if err != nil {
		return nil, errRedisURL
	}
	if o.TLSConfig != nil {
		// Each host's certificate bears its own name.
		o.TLSConfig = &tls.Config{MinVersion: o.TLSConfig.MinVersion}
	}
	return o, nil
}

// openSentinel reads redis-sentinel://[user:password@]host[:port][,host…]/MASTER[/DB].
func openSentinel(u redisURL, poolSize int, t trust) (redis.UniversalClient, error) {
	master, db, _ := strings.Cut(strings.Trim(u.path, "/"), "/")
	if master == "" {
		return nil, &ConfigError{"REDIS_URL", "names no master: write redis-sentinel://host:26379/MASTER"}
	}
	base, err := u.one("/" + db)
	if err != nil {
		return nil, err
	}
	t.apply(base.TLSConfig)
	return redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: master, SentinelAddrs: withPorts(u.hosts, "26379"), Username: base.Username, Password: base.Password,
		DB: base.DB, TLSConfig: base.TLSConfig, PoolSize: poolSize, PoolTimeout: poolTimeout, DisableIdentity: true,
		PipelinePoolSize: noPool,
	}), nil
}

// openCluster reads redis://[user:password@]host:port,host:port…
func openCluster(u redisURL, poolSize int, t trust) (redis.UniversalClient, error) {
	base, err := u.one(u.path)
	if err != nil {
		return nil, err
	}
	t.apply(base.TLSConfig)
	return redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: withPorts(u.hosts, "6379"), Username: base.Username, Password: base.Password, TLSConfig: base.TLSConfig,
		PoolSize: poolSize, PoolTimeout: poolTimeout, DisableIdentity: true, PipelinePoolSize: noPool,
	}), nil
}

// withPorts adds the port to hosts that have none. IPv6 addresses stand in brackets.
func withPorts(hosts, port string) []string {
	list := strings.Split(hosts, ",")
	for i, host := range list {
		if !strings.Contains(strings.TrimPrefix(host, "["), ":") || strings.HasSuffix(host, "]") {
			list[i] = host + ":" + port
		}
	}
	return list
}
