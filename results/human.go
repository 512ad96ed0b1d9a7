package results

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// waiting is a step that a person is to answer, as a store has it.
type waiting struct {
	Task    string     `json:"task"`
	Service string     `json:"service"`
	Owner   string     `json:"owner"`
	Step    string     `json:"step"`
	Human   saga.Human `json:"human"`
	Since   time.Time  `json:"since"`
	DueAt   *time.Time `json:"due_at"`
}

func (w waiting) task() saga.HumanTask {
	return saga.HumanTask{
		Human: w.Human, Task: w.Task, Service: w.Service, Owner: w.Owner, Step: w.Step, State: saga.HumanOpen, Since: w.Since.UTC(), DueAt: w.DueAt,
	}
}

// humanCursor is a place in a list of human tasks. The zero value is the start.
type humanCursor struct {
	At       time.Time
	ID, Step string
}

func (c humanCursor) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(c.At.UnixMicro(), 36) + "\n" + c.ID + "\n" + c.Step))
}

func parseHumanCursor(s string) (humanCursor, error) {
	if s == "" {
		return humanCursor{}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	parts := strings.Split(string(raw), "\n")
	if err == nil && len(parts) == 3 && saga.ValidID(parts[1]) && parts[2] != "" && !strings.ContainsRune(parts[2], 0) {
		if at, err := strconv.ParseInt(parts[0], 36, 64); err == nil && at >= 0 && at <= lastMicros {
			return humanCursor{At: time.UnixMicro(at).UTC(), ID: parts[1], Step: parts[2]}, nil
		}
	}
	return humanCursor{}, saga.Invalid("/cursor", "This is no cursor of this list: use the one that came with a page.")
}

// humanPage makes a page of at most limit human tasks out of one more than that.
func humanPage(list []waiting, limit int) saga.HumanPage {
	var p saga.HumanPage
	for i, w := range list {
		if i == limit {
			last := list[i-1]
			p.Next = humanCursor{last.Since, last.Task, last.Step}.String()
			break
		}
		p.Tasks = append(p.Tasks, w.task())
	}
	return p
}

// HumanTasks returns what waits for people.
func (p *PostgREST) HumanTasks(ctx context.Context, q saga.HumanQuery) (saga.HumanPage, error) {
	after, err := parseHumanCursor(q.Cursor)
	if err != nil {
		return saga.HumanPage{}, err
	}
	limit := limitOf(saga.Query{Limit: q.Limit})
	query := map[string]any{"max": limit + 1, "scopes": append([]saga.HumanScope{}, q.Scopes...)}
	if !after.At.IsZero() {
		query["after_at"], query["after_id"], query["after_step"] = after.At, after.ID, after.Step
	}
	for name, value := range map[string]string{"service": q.Service, "role": q.Role} {
		if value != "" {
			query[name] = value
		}
	}
	list, err := ask[[]waiting](ctx, p, fnHumanTasks, map[string]any{"query": query})
	if err != nil {
		return saga.HumanPage{}, err
	}
	return humanPage(list, limit), nil
}

// sqliteHumans finds all that wait: the file is one machine's, and has no index for them.
const sqliteHumans = `
select t.execution_id, t.service_schema, t.user_id, s.value
from workflow_executions t, json_each(t.task, '$.steps') s
where t.status = 'running' and json_extract(t.task, '$.phase') = 'forward'
    and json_extract(s.value, '$.state') = 'waiting' and json_extract(s.value, '$.human') is not null`

// HumanTasks returns what waits for people.
func (s *SQLite) HumanTasks(ctx context.Context, q saga.HumanQuery) (saga.HumanPage, error) {
	after, err := parseHumanCursor(q.Cursor)
	if err != nil {
		return saga.HumanPage{}, err
	}
	rows, err := s.db.QueryContext(ctx, sqliteHumans)
	if err != nil {
		return saga.HumanPage{}, fmt.Errorf("list human tasks: %w", err)
	}
	list, err := collect(rows, func(rows *sql.Rows) (waiting, error) {
		var w waiting
		var body []byte
		if err := rows.Scan(&w.Task, &w.Service, &w.Owner, &body); err != nil {
			return w, err
		}
		var step saga.StepView
		if err := json.Unmarshal(body, &step); err != nil {
			return w, err
		}
		w.Step, w.Since, w.DueAt = step.Path, step.StartedAt, step.DueAt
		return w, json.Unmarshal(step.Human, &w.Human)
	})
	if err != nil {
		return saga.HumanPage{}, fmt.Errorf("list human tasks: %w", err)
	}
	start := waiting{Since: after.At, Task: after.ID, Step: after.Step}
	list = slices.DeleteFunc(list, func(w waiting) bool {
		in := func(s saga.HumanScope) bool { return s.Has(w.task()) }
		return q.Service != "" && w.Service != q.Service || q.Role != "" && !slices.Contains(w.Human.Roles, q.Role) ||
			!slices.ContainsFunc(q.Scopes, in) || q.Cursor != "" && w.compare(start) <= 0
	})
	slices.SortFunc(list, waiting.compare)
	return humanPage(list, limitOf(saga.Query{Limit: q.Limit})), nil
}

// compare puts those first that have waited longest.
func (w waiting) compare(other waiting) int {
	return cmp.Or(w.Since.Compare(other.Since), cmp.Compare(w.Task, other.Task), cmp.Compare(w.Step, other.Step))
}
