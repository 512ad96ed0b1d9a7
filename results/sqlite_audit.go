package results

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/osp-platform/osp/saga"
)

// SaveActions writes entries of the audit.
func (s *SQLite) SaveActions(ctx context.Context, list []saga.Action) error {
	if len(list) == 0 {
		return nil
	}
	return s.write(ctx, func(t tx) error {
		for _, a := range list {
			details, err := json.Marshal(a.Details)
			if err != nil {
				return fmt.Errorf("the details of action %s: %w", a.ID, err)
			}
			if details, err = withoutDeleted(t, &a, details); err != nil {
				return err
			}
			err = t.exec(`insert into "osp.actions" (id, at, action, kind, subject, by, user_id, reason, request_id, outcome, details)
				values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
				on conflict (id) do update set action = excluded.action, kind = excluded.kind, subject = excluded.subject,
					by = excluded.by, user_id = excluded.user_id, reason = excluded.reason, outcome = excluded.outcome, details = excluded.details
				where "osp.actions".outcome = 'begun' and excluded.outcome <> 'begun'`,
				a.ID, a.At.UnixMicro(), a.Name, a.Kind, a.Subject, a.By, a.UserID, a.Reason, a.RequestID, a.Outcome, string(details))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// withoutDeleted takes users out of an entry who were deleted while it was on its way, as if it had been there.
func withoutDeleted(t tx, a *saga.Action, details []byte) ([]byte, error) {
	var doer, named bool
	_, err := t.one([]any{&doer, &named}, `select coalesce(max(subject = lower(?)), 0), coalesce(max(instr(?, subject) > 0), 0)
		from "osp.audit" where kind = 'user'`, a.UserID, string(details))
	if doer {
		a.By, a.UserID, a.Reason = "", "", ""
	}
	if doer || named {
		return []byte("{}"), err
	}
	return details, err
}

// Actions returns a page of the audit.
func (s *SQLite) Actions(ctx context.Context, q saga.ActionQuery) (list []saga.Action, err error) {
	rows, err := s.db.QueryContext(ctx, `select id, at, action, kind, subject, by, user_id, reason, request_id, outcome, details from "osp.actions"
		where (?1 = '' or action = ?1) and (?2 = '' or subject = ?2) and (?3 = '' or by = ?3) and (?4 = '' or id < ?4)
		order by id desc limit ?5`, q.Name, q.Subject, q.By, q.Before, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		a, err := scanAction(rows)
		if err != nil {
			return nil, fmt.Errorf("sqlite: %w", err)
		}
		list = append(list, a)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	return list, nil
}

func scanAction(rows *sql.Rows) (a saga.Action, err error) {
	var at int64
	var details string
	err = rows.Scan(&a.ID, &at, &a.Name, &a.Kind, &a.Subject, &a.By, &a.UserID, &a.Reason, &a.RequestID, &a.Outcome, &details)
	if err != nil {
		return a, err
	}
	a.At = time.UnixMicro(at).UTC()
	return a, json.Unmarshal([]byte(details), &a.Details)
}
