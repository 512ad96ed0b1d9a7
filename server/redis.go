package server

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// openRedis makes the one client that everything in the process shares. It does not connect yet.
func openRedis(rawURL string, poolSize int) (redis.UniversalClient, error) {
	if strings.Contains(rawURL, "\n") {
		return nil, &ConfigError{"REDIS_URL", "has a line break in it"}
	}
	scheme, _, _ := strings.Cut(rawURL, "://")
	switch {
	case scheme == "redis-sentinel" || scheme == "rediss-sentinel":
		return openSentinel(rawURL, poolSize)
	case scheme != "redis" && scheme != "rediss":
		return nil, &ConfigError{"REDIS_URL", "begins with neither redis://, rediss:// nor redis-sentinel://"}
	case strings.Contains(rawURL, ","):
		return openCluster(rawURL, poolSize)
	}
	o, err := redis.ParseURL(rawURL)
	if err != nil {
		return nil, wrongURL(err)
	}
	o.PoolSize, o.PoolTimeout, o.DisableIdentity = poolSize, poolTimeout, true
	return redis.NewClient(o), nil
}

// poolTimeout is long: the pool is small on purpose, and waiting for a connection is normal.
const poolTimeout = 30 * time.Second

// openSentinel reads redis-sentinel://[user:password@]host[:port][,host…]/MASTER[/DB].
func openSentinel(rawURL string, poolSize int) (redis.UniversalClient, error) {
	u, err := url.Parse(strings.Replace(rawURL, "-sentinel", "", 1))
	if err != nil {
		return nil, wrongURL(err)
	}
	master, db, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if master == "" {
		return nil, &ConfigError{"REDIS_URL", "names no master: write redis-sentinel://host:26379/MASTER"}
	}
	one := *u
	one.Host, one.Path = "localhost", "/"+db
	base, err := redis.ParseURL(one.String())
	if err != nil {
		return nil, wrongURL(err)
	}
	return redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: master, SentinelAddrs: withPorts(u.Host, "26379"), Username: base.Username, Password: base.Password,
		DB: base.DB, TLSConfig: base.TLSConfig, PoolSize: poolSize, PoolTimeout: poolTimeout, DisableIdentity: true,
	}), nil
}

// openCluster reads redis://[user:password@]host:port,host:port…
func openCluster(rawURL string, poolSize int) (redis.UniversalClient, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, wrongURL(err)
	}
	one := *u
	one.Host = "localhost"
	base, err := redis.ParseURL(one.String())
	if err != nil {
		return nil, wrongURL(err)
	}
	return redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: withPorts(u.Host, "6379"), Username: base.Username, Password: base.Password, TLSConfig: base.TLSConfig,
		PoolSize: poolSize, PoolTimeout: poolTimeout, DisableIdentity: true,
	}), nil
}

func withPorts(hosts, port string) []string {
	list := strings.Split(hosts, ",")
	for i, host := range list {
		if !strings.Contains(strings.TrimPrefix(host, "["), ":") || strings.HasSuffix(host, "]") {
			list[i] = host + ":" + port
		}
	}
	return list
}

// wrongURL never repeats the URL: it may hold a password.
func wrongURL(err error) error {
	reason := err.Error()
	if _, after, ok := strings.Cut(reason, "\": "); ok {
		reason = after
	}
	return &ConfigError{"REDIS_URL", fmt.Sprintf("is malformed (%s): write redis://[user:password@]host:port[/db]", reason)}
}
