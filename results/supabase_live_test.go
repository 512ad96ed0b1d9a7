package results_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// message is a task in a broadcast as Realtime finds it in the database.
type message struct {
	Topic, Event, Extension string
	Private                 bool
	Task                    map[string]any
}

// messages returns what was broadcast of a task, oldest version first.
func messages(t *testing.T, id string) []message {
	t.Helper()
	rows, err := testenv.Supabase(t).DB(t).Query(t.Context(), `
		select topic, event, extension, private, task
		from realtime.messages, jsonb_array_elements(payload -> 'tasks') task
		where task ->> 'id' = $1 order by (task ->> 'version')::bigint`, id)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[message])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestEachChangeOfATaskIsBroadcastOnceOnItsOwnersChannel(t *testing.T) {
	p := postgREST(t, "")
	save := func(tasks ...saga.Task) {
		t.Helper()
		if _, err := p.Save(t.Context(), results.Rows(tasks...)); err != nil {
			t.Fatal(err)
		}
	}
	version := func(id, user string, version int64) saga.Task {
		task := row(id, user)
		task.Version = version
		return task
	}
	first, bobs := version("live", ann, 1), version("live-bob", bob, 1)
	first.Service, first.Error = "shop", strings.Repeat("é", 600)
	first.Input, first.Output = json.RawMessage(`"in"`), json.RawMessage(`"out"`)
	save(first, bobs, version("live-nobody", saga.NilOwner, 1))
	save(version("live", ann, 2), version("live", ann, 4), version("live", ann, 3)) // coalesced
	save(version("live", ann, 4), version("live", ann, 2))                          // nothing new
	save(version("live", ann, 5), version("live-later", ann, 1))

	var versions []any
	for _, m := range messages(t, "live") {
		versions = append(versions, m.Task["version"])
		if m.Topic != "osp:tasks:"+ann || m.Event != "tasks" || m.Extension != "broadcast" || !m.Private {
			t.Errorf("got %+v", m)
		}
	}
	if got := fmt.Sprint(versions); got != "[1 4 5]" {
		t.Errorf("versions %s were broadcast, want [1 4 5]", got)
	}
	got := messages(t, "live")[0].Task
	if at, _ := got["updated_at"].(string); !strings.HasPrefix(at, "20") {
		t.Errorf("updated_at is %q", at)
	}
	delete(got, "updated_at")
	want := map[string]any{
		"id": "live", "type": "order", "service": "shop", "status": "running", "state": "compensating", "phase": "undo",
		"current_step": "pay", "attempt": 2.0, "error": strings.Repeat("é", 500), "version": 1.0,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if m := messages(t, "live-bob"); len(m) != 1 || m[0].Topic != "osp:tasks:"+bob {
		t.Errorf("of bob's: %+v", m)
	}
	if m := messages(t, "live-later"); len(m) != 1 {
		t.Errorf("of one that came with a change: %+v", m)
	}
	if m := messages(t, "live-nobody"); len(m) != 0 {
		t.Errorf("of nobody's: %+v", m)
	}
}

func TestABatchIsBroadcastInMessagesThatAreNotTooLarge(t *testing.T) {
	var tasks []saga.Task
	for i := range 120 {
		tasks = append(tasks, row(fmt.Sprintf("in-batch-%03d", i), ann), row(fmt.Sprintf("in-batch-%03d-bob", i), bob))
	}
	if _, err := postgREST(t, "").Save(t.Context(), results.Rows(tasks...)); err != nil {
		t.Fatal(err)
	}
	rows, err := testenv.Supabase(t).DB(t).Query(t.Context(), `
		select count(*) || ' on ' || topic from realtime.messages m, jsonb_array_elements(payload -> 'tasks') task
		where task ->> 'id' like 'in-batch-%' group by m.id, topic order by count(*), topic`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	anns, bobs := " on osp:tasks:"+ann, " on osp:tasks:"+bob
	if want := []string{"20" + anns, "20" + bobs, "50" + anns, "50" + anns, "50" + bobs, "50" + bobs}; err != nil || !slices.Equal(got, want) {
		t.Errorf("messages of %q, %v; want %q", got, err, want)
	}
}

// Realtime asks as here: with the role, the claims and the topic of the channel that is to be joined.
func TestAUserMayJoinTheOwnChannelAndNoOther(t *testing.T) {
	p := postgREST(t, "")
	if _, err := p.Save(t.Context(), results.Rows(row("joined", ann), row("joined-bob", bob))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, role, user, topic, want string }{
		{"one's own", "authenticated", ann, "osp:tasks:" + ann, "joined"},
		{"another's", "authenticated", ann, "osp:tasks:" + bob, ""},
		{"another's, in capitals", "authenticated", ann, strings.ToUpper("osp:tasks:" + bob), ""},
		{"all at once", "authenticated", ann, "", ""},
		{"without a user", "authenticated", "", "osp:tasks:", ""},
		{"anonymously", "anon", "", "osp:tasks:" + ann, ""},
		{"anonymously, with a user's name", "anon", ann, "osp:tasks:" + ann, ""},
	} {
		got := joined(t, c.role, c.user, c.topic)
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// joined lists the tasks of the messages that a role may receive on a channel.
func joined(t *testing.T, role, user, topic string) string {
	t.Helper()
	tx, err := testenv.Supabase(t).DB(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	var ids string
	_, err = tx.Exec(t.Context(), `select set_config('role', $1, true), set_config('realtime.topic', $2, true),
		set_config('request.jwt.claims', $3, true)`, role, topic, `{"sub": "`+user+`"}`)
	if err == nil {
		err = tx.QueryRow(t.Context(), `select coalesce(string_agg(task ->> 'id', ' ' order by task ->> 'id'), '')
			from realtime.messages, jsonb_array_elements(payload -> 'tasks') task where task ->> 'id' like 'joined%'`).Scan(&ids)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestABroadcastThatFailsDoesNotFailTheSave(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	db := s.DB(t)
	for i, c := range []struct{ name, damage, mend string }{
		{"what it sends to is gone", "alter function realtime.send rename to gone", "alter function realtime.gone rename to send"},
		{
			"its table takes nothing", "alter table realtime.messages add constraint broken check (false) not valid",
			"alter table realtime.messages drop constraint broken",
		},
	} {
		if _, err := db.Exec(t.Context(), c.damage); err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprintf("unheard-%d", i)
		_, err := p.Save(t.Context(), results.Rows(row(id, ann)))
		if _, mendErr := db.Exec(t.Context(), c.mend); mendErr != nil {
			t.Fatal(mendErr)
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got, err := p.Get(t.Context(), id); err != nil || got.ID != id || len(messages(t, id)) != 0 {
			t.Errorf("%s: %+v, %v, and %d messages", c.name, got, err, len(messages(t, id)))
		}
	}
}

func TestPlainPostgreSQLHasNobodyToBroadcastTo(t *testing.T) {
	s := testenv.SupabaseAfter(t, "drop table realtime.messages; drop function realtime.send")
	p, err := results.NewPostgREST(results.Supabase{URL: s.URL, Key: s.ServiceKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	if _, err := p.Save(t.Context(), results.Rows(row("quiet", ann))); err != nil {
		t.Error(err)
	}
	var triggers int
	err = s.DB(t).QueryRow(t.Context(), `select count(*) from pg_trigger where tgname like 'osp\_broadcast%'`).Scan(&triggers)
	if err != nil || triggers != 0 {
		t.Errorf("%d triggers, %v", triggers, err)
	}
}

// selects finds what the page in examples/live asks PostgREST for.
var selects = regexp.MustCompile(`const columns = '([^']*)' \+\s*'([^']*)'`)

func TestTheExamplePageAsksForWhatIsThere(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	page, err := os.ReadFile("../examples/live/live.js")
	if err != nil {
		t.Fatal(err)
	}
	columns := selects.FindSubmatch(page)
	if columns == nil || !strings.Contains(string(page), "`osp:tasks:${user}`") {
		t.Fatal("the page names no columns, or another channel")
	}
	if _, err := p.Save(t.Context(), results.Rows(row("on-the-page", ann))); err != nil {
		t.Fatal(err)
	}
	status, body := s.REST(t, s.UserKey(ann), "GET",
		"workflow_executions?execution_id=eq.on-the-page&select="+string(columns[1])+string(columns[2]), "")
	if status != 200 || !strings.Contains(body, `"path": "pay"`) {
		t.Errorf("got %d %s", status, body)
	}
}
