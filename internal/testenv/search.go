package testenv

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// Search lists the columns of public, osp and the services that hold a text, as schema.table.column.
func (s *SupabaseServer) Search(t testing.TB, text string) []string {
	t.Helper()
	db, ctx := s.DB(t), context.Background()
	rows, err := db.Query(ctx, `
		select format('%I.%I', n.nspname, c.relname), quote_ident(a.attname) from pg_attribute a
		join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
		where c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
		  and n.nspname !~ '^(pg_.*|information_schema|auth|extensions|realtime)$'`)
	must(t, rows, err)
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Table, Column string }])
	must(t, columns, err)
	var found []string
	for _, c := range columns {
		var n int
		query := fmt.Sprintf("select count(*) from %s where strpos(%s::text, $1) > 0", c.Table, c.Column)
		err := db.QueryRow(ctx, query, text).Scan(&n)
		must(t, n, err)
		if n > 0 {
			found = append(found, c.Table+"."+c.Column)
		}
	}
	slices.Sort(found)
	return found
}

// SearchRedis lists the keys whose names or values hold a text.
func SearchRedis(t testing.TB, url, text string) []string {
	t.Helper()
	options, err := redis.ParseURL(url)
	must(t, options, err)
	client, ctx := redis.NewClient(options), context.Background()
	defer func() { _ = client.Close() }()
	var found []string
	for keys := client.Scan(ctx, 0, "*", 1000).Iterator(); keys.Next(ctx); {
		key := keys.Val()
		// What a key of any type holds, as one text; nothing when it has just expired.
		value, err := client.Eval(ctx, `
			local read = {string = {'GET'}, list = {'LRANGE', 0, -1}, hash = {'HGETALL'}, set = {'SMEMBERS'},
				zset = {'ZRANGE', 0, -1}, stream = {'XRANGE', '-', '+'}}
			local how = read[redis.call('TYPE', KEYS[1]).ok]
			return how and cjson.encode(redis.call(how[1], KEYS[1], unpack(how, 2))) or ''`, []string{key}).Text()
		must(t, value, err)
		if strings.Contains(key, text) || strings.Contains(value, text) {
			found = append(found, key)
		}
	}
	slices.Sort(found)
	return found
}
