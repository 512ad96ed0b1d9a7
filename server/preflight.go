package server

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Level says how bad a [Finding] is.
type Level string

// The levels, from good to bad.
const (
	LevelOK      Level = "ok"
	LevelUnknown Level = "unknown" // the host does not let us see it
	LevelWarning Level = "warning"
	LevelRefused Level = "refused" // osp does not start like this
)

// Finding is what one check of the surroundings came to.
type Finding struct {
	Check    string `json:"check"` // what was looked at, such as "redis maxmemory-policy"
	Level    Level  `json:"level"`
	Says     string `json:"says"`     // what was found and, if it is not as it should be, the mend
	Variable string `json:"variable"` // whose value leads there
}

// Refusal returns the first finding with which osp does not start, as the error that says so, or nil.
func Refusal(findings []Finding) error {
	for _, f := range findings {
		if f.Level == LevelRefused {
			return &ConfigError{f.Variable, fmt.Sprintf("leads to something that osp cannot use (%s): %s", f.Check, f.Says)}
		}
	}
	return nil
}

// preflightTimeout bounds all checks together: a host that hangs must not keep a process from starting.
const preflightTimeout = 5 * time.Second

// checkRedis looks at everything about Redis that the promise depends on. With a Redis that cannot be reached it returns
// the error alone: that may be over in a moment, and is no reason not to start.
func checkRedis(ctx context.Context, client redis.UniversalClient) ([]Finding, error) {
	ctx, cancel := context.WithTimeout(ctx, preflightTimeout)
	defer cancel()
	switch refused, err := knock(ctx, client); {
	case err != nil:
		return nil, err
	case refused != "":
		return []Finding{redisFinding("connection", LevelRefused, "%s", refused)}, nil
	}
	findings := []Finding{redisFinding("connection", LevelOK, "it answers")}
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		return stayed(append(findings, checkNode(ctx, client, false)...))
	}
	nodes := make(chan []Finding)
	done := make(chan error, 1)
	go func() {
		done <- cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			nodes <- checkNode(ctx, node, true)
			return nil
		})
		close(nodes)
	}()
	for list := range nodes {
		findings = worst(findings, list)
	}
	if err := <-done; err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	return stayed(findings)
}

// stayed returns findings, unless Redis went away while they were made: the last check alone needs its answer.
func stayed(findings []Finding) ([]Finding, error) {
	for _, f := range findings {
		if f.Check == "redis "+scripts && f.Level == LevelUnknown {
			return nil, &awayError{says: "it went away while it was looked at: " + f.Says}
		}
	}
	return findings, nil
}

// worst merges the findings of another node: of each check, the worse one stays.
func worst(all, more []Finding) []Finding {
	badness := map[Level]int{LevelOK: 0, LevelUnknown: 1, LevelWarning: 2, LevelRefused: 3}
	for _, f := range more {
		known := false
		for i := range all {
			if all[i].Check != f.Check {
				continue
			}
			known = true
			if badness[f.Level] > badness[all[i].Level] {
				all[i] = f
			}
		}
		if !known {
			all = append(all, f)
		}
	}
	return all
}

func redisFinding(check string, level Level, format string, args ...any) Finding {
	return Finding{Check: "redis " + check, Level: level, Says: fmt.Sprintf(format, args...), Variable: "REDIS_URL"}
}

// scripts is the check of a server that comes last.
const scripts = "scripts"

// checkNode looks at one server.
func checkNode(ctx context.Context, node redis.Cmdable, inCluster bool) []Finding {
	i := readInfo(ctx, node)
	var findings []Finding
	for _, c := range []struct {
		name  string
		check func() (Level, string)
	}{
		{"version", func() (Level, string) { return checkVersion(i) }},
		{"maxmemory-policy", func() (Level, string) { return checkPolicy(i) }},
		{"memory", func() (Level, string) { return checkMemory(i) }},
		{"role", func() (Level, string) { return checkReplication(i) }},
		{"cluster mode", func() (Level, string) { return checkCluster(i, inCluster) }},
		{"persistence", func() (Level, string) { return checkPersistence(ctx, node, i) }},
		{scripts, func() (Level, string) { return checkLua(ctx, node) }},
	} {
		level, says := c.check()
		findings = append(findings, redisFinding(c.name, level, "%s", says))
	}
	return findings
}

// info is what INFO tells, by field. What a host hides is not in it.
type info map[string]string

func readInfo(ctx context.Context, node redis.Cmdable) info { return parseInfo(node.Info(ctx).Val()) }

func parseInfo(text string) info {
	i := info{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			i[name] = value
		}
	}
	return i
}

const unseen = "cannot be seen on this host: make sure of it yourself"

// oldest is the first version of Redis that has all that the scripts use.
const oldest = 6

func checkVersion(i info) (Level, string) {
	version := i["redis_version"]
	var major int
	if _, err := fmt.Sscanf(version, "%d.", &major); err != nil {
		return LevelUnknown, "the version " + unseen + fmt.Sprintf(" (%d or newer)", oldest)
	}
	if major < oldest {
		return LevelRefused, fmt.Sprintf("%s is too old: use version %d or newer", version, oldest)
	}
	return LevelOK, version
}

func checkPolicy(i info) (Level, string) {
	switch policy := i["maxmemory_policy"]; policy {
	case "":
		return LevelUnknown, "the policy " + unseen + " (noeviction)"
	case "noeviction":
		return LevelOK, policy
	default:
		return LevelRefused, policy + " lets Redis throw tasks away when memory is full: set maxmemory-policy noeviction"
	}
}

func checkMemory(i info) (Level, string) {
	most, err := strconv.ParseInt(i["maxmemory"], 10, 64)
	used, _ := strconv.ParseInt(i["used_memory"], 10, 64)
	switch {
	case err != nil:
		return LevelUnknown, "how much memory there is " + unseen
	case most > 0 && used >= most:
		return LevelWarning, fmt.Sprintf("all %d bytes are used, and it takes no writes: give it more memory", most)
	case most == 0:
		return LevelOK, fmt.Sprintf("%d MB used, no limit", used>>20)
	}
	return LevelOK, fmt.Sprintf("%d of %d MB used", used>>20, most>>20)
}

func checkReplication(i info) (Level, string) {
	switch role := i["role"]; role {
	case "":
		return LevelUnknown, "master or replica " + unseen + " (master)"
	case "master":
		return LevelOK, fmt.Sprintf("master, %s replicas", i["connected_slaves"])
	default:
		return LevelRefused, "it is a replica, which takes no writes: use the master's address, or redis-sentinel://"
	}
}

func checkCluster(i info, want bool) (Level, string) {
	switch enabled := i["cluster_enabled"]; {
	case enabled == "":
		return LevelUnknown, "whether it is a cluster " + unseen
	case enabled == "1" && !want:
		return LevelRefused, "it is one server of a cluster: name several of them, redis://host:port,host:port"
	case enabled == "1":
		return LevelOK, "a cluster"
	}
	return LevelOK, "a single server"
}

// checkPersistence warns of a Redis that forgets: what it acknowledged must survive its restart for the promise to hold.
func checkPersistence(ctx context.Context, node redis.Cmdable, i info) (Level, string) {
	switch i["aof_enabled"] {
	case "1":
		if i["aof_last_write_status"] == "err" {
			return LevelWarning, "the append-only file cannot be written: look at Redis' log"
		}
		return LevelOK, "append-only file"
	case "":
		return LevelUnknown, "persistence " + unseen + " (appendonly yes)"
	}
	const mend = ", and osp recover brings back only what was stored of it: set appendonly yes"
	saves, err := node.ConfigGet(ctx, "save").Result()
	switch {
	case err != nil:
		return LevelWarning, "no append-only file, and whether there are snapshots " + unseen + ": set appendonly yes"
	case saves["save"] != "":
		return LevelWarning, "snapshots only: a restart loses what came after the last one" + mend
	}
	return LevelWarning, "none: a restart loses every journal" + mend
}

func checkLua(ctx context.Context, node redis.Cmdable) (Level, string) {
	n, err := node.Eval(ctx, "return redis.call('TIME') and 1", nil).Int()
	_, answered := errors.AsType[redis.Error](err)
	switch {
	case answered && (strings.HasPrefix(err.Error(), "ERR ") || strings.HasPrefix(err.Error(), "NOPERM ")):
		return LevelRefused, fmt.Sprintf("EVAL does not work: %v", err)
	case errors.Is(err, context.DeadlineExceeded):
		return LevelUnknown, "no answer in time"
	case err != nil: // it went away, or is not ready
		return LevelUnknown, err.Error()
	case n != 1:
		return LevelRefused, fmt.Sprintf("EVAL answered %d instead of 1", n)
	}
	return LevelOK, "EVAL works"
}

// preflight refuses to start on a Redis that would break the promise, and warns of one that may. One that cannot be
// reached is looked at when it answers (see [Server.checkLate]).
func (s *Server) preflight(ctx context.Context) error {
	if s.embedded != nil {
		return nil // ours
	}
	findings, err := checkRedis(ctx, s.redis)
	if err != nil {
		s.log.WarnContext(ctx, "redis cannot be reached: it is checked when it answers", "error", err)
		return nil
	}
	s.warn(ctx, append(findings, checkReplicas(ctx, s.redis, s.config.Accept)...))
	if err := Refusal(findings); err != nil {
		return err
	}
	if err := s.agreeOnPartitions(ctx); err != nil {
		if _, ok := errors.AsType[*ConfigError](err); ok {
			return err
		}
		s.warn(ctx, []Finding{{Check: "redis writes", Level: LevelWarning, Says: err.Error()}})
		return nil // it went away in between, or is full
	}
	if s.config.RedisTrust.any {
		s.log.WarnContext(ctx, "preflight", "check", "redis certificate", "says", "REDIS_TLS_VERIFY is off: anybody on the way could be Redis")
	}
	s.checked = true
	return nil
}

// warn tells of what is not as it should be, or cannot be seen: of each once, for Redis is looked at until all is well.
func (s *Server) warn(ctx context.Context, findings []Finding) {
	for _, f := range findings {
		told := s.warned[f.Check] == f.Says
		if (f.Level == LevelWarning || f.Level == LevelUnknown) && !told {
			if s.warned == nil {
				s.warned = map[string]string{}
			}
			s.warned[f.Check] = f.Says
			s.log.WarnContext(ctx, "preflight", "check", f.Check, "says", f.Says)
		}
	}
}
