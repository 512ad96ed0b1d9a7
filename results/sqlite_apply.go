package results

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/osp-platform/osp/saga"
)

// sqliteEffects is what SQLite can do: the same as the functions of deploy/supabase/migrations, which say more.
var sqliteEffects = map[string]effect{
	"service.reserve":   effectOf(reserveService, unreserveService),
	"service.register":  effectOf(registerService, unregisterService),
	"schema.create":     effectOf(createSchema, dropSchema),
	"tables.create":     effectOf(createTables, dropTables),
	"security.enable":   effectOf(enableSecurity, disableSecurity),
	"keys.create":       effectOf(createKeys, dropKeys),
	"rows.insert":       effectOf(insertRows, deleteRows),
	"manifest.store":    effectOf(storeManifest, removeManifest),
	"manifest.activate": effectOf(activateManifest, deactivateManifest),
	"entity.insert":     effectOf(insertEntity, uninsertEntity),
	"entity.update":     effectOf(updateEntity, restoreEntity),
	"entity.delete":     effectOf(deleteEntity, undeleteEntity),
}

// effect is a do, and an undo that is given the do's result.
type effect struct {
	do   func(tx, args) (json.RawMessage, error)
	undo func(tx, args, json.RawMessage) error
}

// effectOf makes an effect of functions that know the result's type.
func effectOf[R any](do func(tx, args) (R, error), undo func(tx, args, R) error) effect {
	return effect{
		do: func(t tx, a args) (json.RawMessage, error) {
			r, err := do(t, a)
			if err != nil {
				return nil, err
			}
			return json.Marshal(r)
		},
		undo: func(t tx, a args, result json.RawMessage) error {
			var r R
			if err := json.Unmarshal(result, &r); err != nil {
				return fmt.Errorf("decode the do's result: %w", err)
			}
			return undo(t, a, r)
		},
	}
}

// args are the args of all effects.
type args struct {
	Schema   string            `json:"schema"`
	Name     string            `json:"name"`
	UserID   string            `json:"user_id"`
	Entity   string            `json:"entity"`
	ID       string            `json:"id"`
	By       string            `json:"by"`
	Entities []entity          `json:"entities"`
	Rows     map[string][]data `json:"rows"`
	Manifest json.RawMessage   `json:"manifest"`
	Version  *int              `json:"version"`
	Data     data              `json:"data"`
	Filters  data              `json:"filters"`
	Limit    *int              `json:"limit"`
}

// data is a row, or a part of one.
type data map[string]json.RawMessage

// none is the result of an effect that has nothing to tell.
type none struct{}

func decodeArgs(raw json.RawMessage) (args, error) {
	var a args
	err := json.Unmarshal(raw, &a)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return a, refuse(wrong.Field, "it is a %s", wrong.Value)
	case err != nil:
		return a, refuse("args", "%v", err)
	case !saga.ValidUUID(a.UserID):
		return a, refuse("user_id", "%q is not a UUID", a.UserID)
	}
	return a, nil
}

// Apply carries out an effect in one transaction with its fence.
func (s *SQLite) Apply(ctx context.Context, f saga.Fence, effect string, raw json.RawMessage) (json.RawMessage, error) {
	a, err := decodeArgs(raw)
	if err != nil {
		return nil, err
	}
	var answer json.RawMessage
	err = s.write(ctx, func(t tx) error {
		// Rows may refer to rows that come later; COMMIT looks at the whole.
		if err := t.exec("pragma defer_foreign_keys = on"); err != nil {
			return err
		}
		if effect == "entity.query" {
			answer, err = queryEntity(t, a)
			return err
		}
		answer, err = fenced(t, f, effect, a)
		return err
	})
	if err != nil {
		return nil, sqliteError(err)
	}
	return answer, nil
}

// fenced carries out an effect unless its fence says that it has been done.
func fenced(t tx, f saga.Fence, name string, a args) (json.RawMessage, error) {
	e, known := sqliteEffects[name]
	switch {
	case f.Task == "" || f.Path == "":
		return nil, refuse("fence", "it names no task and step")
	case !known:
		return nil, refuse("effect", "%q is unknown", name)
	}
	const query = `select effect, result from "osp.fences" where task = ? and path = ? and undo = ?`
	var done, undone struct{ effect, result string }
	wasDone, err := t.one([]any{&done.effect, &done.result}, query, f.Task, f.Path, false)
	if err != nil {
		return nil, err
	}
	wasUndone, err := t.one([]any{&undone.effect, &undone.result}, query, f.Task, f.Path, true)
	if err != nil {
		return nil, err
	}
	if earlier := done.effect + undone.effect; (wasDone && done.effect != name) || (wasUndone && undone.effect != name) {
		return nil, refuse("effect", "this step was %s before", earlier)
	}
	answer := json.RawMessage("{}")
	switch {
	case f.Undo && wasUndone:
		return json.RawMessage(undone.result), nil
	case f.Undo && wasDone:
		err = e.undo(t, a, json.RawMessage(done.result))
	case f.Undo:
	case wasUndone:
		return nil, saga.Definite(fmt.Errorf("%w", saga.ErrUndone))
	case wasDone:
		return json.RawMessage(done.result), nil
	default:
		answer, err = e.do(t, a)
	}
	if err != nil {
		return nil, err
	}
	if err := checkAlive(t, f.Task); err != nil {
		return nil, err
	}
	return answer, t.exec(`insert into "osp.fences" (task, path, undo, key, effect, result) values (?, ?, ?, ?, ?, ?)`,
		f.Task, f.Path, f.Undo, f.Key, name, string(answer))
}
