package server

import (
	"context"
	"errors"
	"slices"
	"strconv"
)

// Doctor checks Redis and the result store as the environment names them. Errors are of the environment itself.
func Doctor(ctx context.Context, env Environment) ([]Finding, error) {
	c, err := Load(RoleWorker, env)
	if err != nil {
		return nil, err
	}
	client, err := openRedis(c.RedisURL, c.RedisPool, c.RedisTrust)
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }()
	noted := func(key string) string { return client.Get(ctx, key).Val() } // by the first process, as far as it can be read
	findings, err := checkRedis(ctx, client)
	if away, ok := errors.AsType[*awayError](err); ok {
		findings = []Finding{redisFinding("connection", LevelRefused, "%s", away.says)}
	} else if err != nil {
		findings = []Finding{redisFinding("connection", LevelRefused, "%v", err)}
	} else {
		findings = append(findings, checkReplicas(ctx, client, c.Accept)...)
		findings = append(findings, checkPartitions(partitionsOf(c, client), noted(partitionsKey)))
	}
	return slices.Concat(findings, []Finding{checkStore(ctx, c, noted(storeKey))}, c.Unknown), nil
}

// checkPartitions looks whether tasks would be spread like those that are there.
func checkPartitions(ours int, noted string) Finding {
	f := Finding{Check: "partitions", Level: LevelOK, Says: strconv.Itoa(ours), Variable: "OSP_PARTITIONS"}
	if noted != "" && noted != f.Says {
		f.Level, f.Says = LevelRefused, otherPartitions(f.Says, noted)
	}
	return f
}

// checkStore looks whether the result store answers, takes our key, has what it needs, and is the one that the tasks in Redis
// belong to.
func checkStore(ctx context.Context, c Config, noted string) Finding {
	f := Finding{Check: "result store", Level: LevelOK, Says: "Supabase answers", Variable: "SUPABASE_URL"}
	if c.SQLite != "" {
		f.Says, f.Variable = "the file can be used", "OSP_RESULTS"
		if missing(c.SQLite) {
			return unmade(f, c.SQLite)
		}
	}
	store, err := openStore(ctx, c)
	if err == nil {
		defer func() { _ = store.Close() }()
		err = reachStore(ctx, store)
	}
	var id string
	if err == nil && noted != "" {
		id, err = store.ID(ctx)
	}
	switch {
	case err != nil:
		f.Level, f.Says = LevelRefused, err.Error()
	case id != noted:
		f.Level, f.Says = LevelRefused, "it is "+otherStore
	}
	return f
}
