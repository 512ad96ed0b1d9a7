package results

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/osp-platform/osp/saga"
)

const fnTriggered function = "osp_triggered"

// Triggered returns active versions that a trigger starts.
func (p *PostgREST) Triggered(ctx context.Context, q saga.TriggerQuery) ([]saga.Triggered, error) {
	query := map[string]any{
		"trigger": q.Trigger, "subject": q.Subject, "after_service": q.After.Service, "after": q.After.ID, "max": q.Limit,
	}
	if q.Services != nil {
		query["services"] = q.Services
	}
	list, err := ask[[]saga.Triggered](ctx, p, fnTriggered, map[string]any{"query": query})
	for i := range list {
		list[i].CreatedAt, list[i].ActivatedAt = list[i].CreatedAt.UTC(), list[i].ActivatedAt.UTC()
	}
	return list, err
}

// Triggered returns active versions that a trigger starts.
func (s *SQLite) Triggered(ctx context.Context, q saga.TriggerQuery) ([]saga.Triggered, error) {
	services, err := json.Marshal(q.Services)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	return read(ctx, s, func(rows *sql.Rows) (t saga.Triggered, err error) {
		var created, activated int64
		err = rows.Scan(&t.Service, &t.Workflow, &t.Version, &t.Hash, &t.State, &t.By, &created, &t.Owner, &activated)
		t.CreatedAt, t.ActivatedAt = time.UnixMicro(created).UTC(), time.UnixMicro(activated).UTC()
		return t, err
	}, `select `+versionColumns+`, coalesce((select lower(s.user_id) from "osp.services" s where s.schema = v.service), ''),
		coalesce((select max(a.at) from "osp.workflow_audit" a
			where a.service = v.service and a.workflow = v.workflow and a.version = v.version and a.action = 'activate'), created_at)
		from "osp.workflow_triggers" t join "osp.workflow_versions" v using (service, workflow, version)
		where t.trigger = ?1 and t.subject = ?2 and v.state = 'active' and (service, workflow) > (?3, ?4)
		and (?5 = 'null' or service in (select value from json_each(?5))) order by service, workflow limit ?6`,
		q.Trigger, q.Subject, q.After.Service, q.After.ID, string(services), q.Limit)
}
