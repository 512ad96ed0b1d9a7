package uitest

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// fillRows adds tasks like the one that it is given: old-000000 and on, a second apart, of which each tenth has failed.
const fillRows = `
with recursive n (i) as (select 0 union all select i + 1 from n where i + 1 < ?1),
tasks (i, id, at, failed) as (
    select i, printf('old-%06d', i), ?2 + i, i % 10 = 0 from n
)
insert into workflow_executions (execution_id, task_type, service_schema, user_id, status, state, version, created_at, task)
select id, 'order.place', '', ?3, iif(failed, 'failed', 'completed'), iif(failed, 'failed', 'completed'), at * 1000000, at * 1000000,
    json_set(?4, '$.id', id, '$.created_at', strftime('%Y-%m-%dT%H:%M:%SZ', at, 'unixepoch'), '$.started_at', strftime('%Y-%m-%dT%H:%M:%SZ', at, 'unixepoch'),
        '$.status', iif(failed, 'failed', 'completed'), '$.state', iif(failed, 'failed', 'completed'), '$.version', at * 1000000,
        '$.completed_at', strftime('%Y-%m-%dT%H:%M:%S.3Z', at, 'unixepoch'), '$.error', iif(failed, printf('step ship: lorry %d is broken', i), ''))
from tasks`

// stored makes a result store with many tasks, all of which have ended.
func stored(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "osp.db")
	store, err := results.OpenSQLite(t.Context(), path) // makes the tables
	if err != nil {
		t.Fatal(err)
	}
	_ = store.Close()
	at := time.Now().Add(-24 * time.Hour).UTC().Truncate(time.Second)
	ended := at.Add(300 * time.Millisecond)
	like, err := json.Marshal(saga.Task{
		Type: "order.place", UserID: saga.NilOwner, Phase: saga.Forward, Input: []byte(`{"amount":80}`), Output: []byte(`{"sent":true}`),
		Steps: []saga.StepView{
			{Path: "reserve", Kind: saga.KindActivity, State: saga.StepCompleted, Attempts: 1, StartedAt: at, CompletedAt: &ended},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), fillRows, n, at.Unix(), saga.NilOwner, string(like)); err != nil {
		t.Fatal(err)
	}
	return path
}
