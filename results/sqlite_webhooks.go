package results

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/osp-platform/osp/saga"
)

const webhookColumns = `id, service, url, secret_name, events, types, enabled, reason, by, created_at, changed_at, since`

func scanWebhook(rows *sql.Rows) (w saga.Webhook, err error) {
	var events, types []byte
	var created, changed, since int64
	err = rows.Scan(&w.ID, &w.Service, &w.URL, &w.SecretName, &events, &types, &w.Enabled, &w.Reason, &w.By, &created, &changed, &since)
	if err == nil {
		err = json.Unmarshal(events, &w.Events)
	}
	if err == nil {
		err = json.Unmarshal(types, &w.Types)
	}
	w.CreatedAt, w.ChangedAt, w.Since = time.UnixMicro(created), time.UnixMicro(changed), time.UnixMicro(since)
	return inUTC(w), err
}

// Webhooks returns webhooks, in the order of their ids.
func (s *SQLite) Webhooks(ctx context.Context, q saga.WebhookQuery) ([]saga.Webhook, error) {
	return read(ctx, s, scanWebhook, `select `+webhookColumns+` from "osp.webhooks"
		where (?1 = '' or id = ?1) and (?2 = '' or service = ?2) and id > ?3 order by id limit ?4`, q.ID, q.Service, q.After, q.Limit)
}

// AddWebhook keeps a webhook that is new.
func (s *SQLite) AddWebhook(ctx context.Context, w saga.Webhook) (added saga.Webhook, err error) {
	err = s.write(ctx, func(t tx) error {
		err := t.exec(`insert into "osp.webhooks" (`+webhookColumns+`) values (?, ?, ?, ?, ?, ?, ?, ?, ?, `+sqliteMicros+`, `+sqliteMicros+`, `+sqliteMicros+`)`,
			w.ID, w.Service, w.URL, w.SecretName, inJSON(w.Events), inJSON(w.Types), w.Enabled, w.Reason, w.By)
		if err != nil {
			return err
		}
		added, err = t.webhook(w.ID)
		return err
	})
	return added, err
}

// inJSON writes a list of texts; nil is empty.
func inJSON[T ~string](list []T) string {
	if list == nil {
		list = []T{}
	}
	raw, _ := json.Marshal(list) // texts always are JSON
	return string(raw)
}

func (t tx) webhook(id string) (w saga.Webhook, err error) {
	list, err := all(t, scanWebhook, `select `+webhookColumns+` from "osp.webhooks" where id = ?`, id)
	switch {
	case err != nil:
		return w, err
	case len(list) == 0:
		return w, saga.ErrNotFound
	}
	return list[0], nil
}

// ChangeWebhook changes what is not nil.
func (s *SQLite) ChangeWebhook(ctx context.Context, c saga.WebhookChange) (changed saga.Webhook, err error) {
	var events, types *string
	if c.Events != nil {
		events = new(inJSON(*c.Events))
	}
	if c.Types != nil {
		types = new(inJSON(*c.Types))
	}
	err = s.write(ctx, func(t tx) error {
		err := t.exec(`update "osp.webhooks" set url = coalesce(?2, url), secret_name = coalesce(?3, secret_name),
			events = coalesce(?4, events), types = coalesce(?5, types), enabled = coalesce(?6, enabled),
			since = case when ?6 and not enabled then `+sqliteMicros+` else since end,
			reason = ?7, by = ?8, changed_at = `+sqliteMicros+` where id = ?1 and (?9 = '' or url = ?9)`,
			c.ID, c.URL, c.SecretName, events, types, c.Enabled, c.Reason, c.By, c.While)
		if err != nil {
			return err
		}
		changed, err = t.webhook(c.ID)
		return err
	})
	return changed, err
}

// RemoveWebhook removes one.
func (s *SQLite) RemoveWebhook(ctx context.Context, id string) error {
	return s.write(ctx, func(t tx) error {
		n, err := t.change(`delete from "osp.webhooks" where id = ?`, id)
		if err == nil && n == 0 {
			err = saga.ErrNotFound
		}
		return err
	})
}

// Deliveries returns tasks that deliver, newest first.
func (s *SQLite) Deliveries(ctx context.Context, q saga.DeliveryQuery) (saga.Page, error) {
	after, err := parseCursor(q.Cursor)
	if err != nil {
		return saga.Page{}, err
	}
	limit := limitOf(saga.Query{Limit: q.Limit})
	tasks, err := read(ctx, s, func(rows *sql.Rows) (saga.Task, error) {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return saga.Task{}, err
		}
		return decodeTask(body)
	}, `select task from workflow_executions where task_type = 'webhook.deliver'
		and (?1 = '' or task ->> '$.input.webhook' = ?1) and (?2 = '' or task ->> '$.input.task' = ?2)
		and (?3 = '' or (created_at, execution_id) < (?4, ?3)) order by created_at desc, execution_id desc limit ?5`,
		q.Webhook, q.Task, after.ID, after.At.UnixMicro(), limit+1)
	return pageOf(tasks, limit), err
}
