package results_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// deleting is a deletion of a task whose transaction is still open.
func deleting(t *testing.T, db *pgx.Conn, id string) pgx.Tx {
	t.Helper()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var done bool
	err = tx.QueryRow(t.Context(), `select (public.osp_delete(jsonb_build_object('id', 'deletion-' || $1, 'kind', 'task', 'subject', $1::text,
		'reason', 'asked for', 'by', 'dpo', 'forgotten', jsonb_build_array($1::text))) ->> 'done')::boolean`, id).Scan(&done)
	if err != nil || !done {
		t.Fatal(done, err)
	}
	return tx
}

// meets runs f against an open transaction, and ends the transaction when f waits for it, after what is to be done until then.
func meets(t *testing.T, s *testenv.SupabaseServer, tx pgx.Tx, f func() error, until ...func()) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- f() }()
	watcher := s.DB(t)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for waiting := 0; waiting == 0; <-tick.C {
		err := watcher.QueryRow(t.Context(), "select count(*) from pg_locks where not granted").Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			t.Fatalf("it did not wait for the transaction: %v", err)
		default:
		}
	}
	for _, f := range until {
		f()
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return <-ended
}

func TestASaveThatWaitsForADeletionDoesNotBringTheTaskBack(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	task := endedRow("racer", ann, "x")
	save := func() error {
		_, err := p.Save(t.Context(), results.Rows(task, endedRow("bystander", ann, "x")))
		return err
	}
	if err := save(); err != nil {
		t.Fatal(err)
	}
	task.Version = 2
	// PostgREST itself tries again after a serialization failure; else the flusher does.
	if err := meets(t, s, deleting(t, s.DB(t), task.ID), save); err != nil && !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("the flusher would not try again: %v", err)
	}
	if err := save(); err != nil {
		t.Errorf("once more: %v", err)
	}
	if _, err := p.Get(t.Context(), task.ID); !errors.Is(err, saga.ErrNotFound) {
		t.Errorf("the task is back: %v", err)
	}
	if _, err := p.Get(t.Context(), "bystander"); err != nil {
		t.Errorf("the task that was saved with it: %v", err)
	}
}

func TestAnEffectThatMeetsADeletionDoesNotHappen(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	makeService(t, p, "makes-race", "race_1", ann, "x")
	if _, err := p.Save(t.Context(), results.Rows(endedRow("late", ann, "x"))); err != nil {
		t.Fatal(err)
	}
	insert := func() error { return insertGuest(t, p, "late", "race_1", ann, "late") }
	db := s.DB(t)
	if err := meets(t, s, deleting(t, db, "late"), insert); !errors.Is(err, saga.ErrUndone) {
		t.Errorf("got %v", err)
	}
	var guests, fences int
	err := db.QueryRow(t.Context(), `select (select count(*) from race_1.guest where name = 'late'),
		(select count(*) from osp.fences where task = 'late')`).Scan(&guests, &fences)
	if err != nil || guests != 0 || fences != 0 {
		t.Errorf("%d rows and %d fences, %v", guests, fences, err)
	}
}

// under begins a transaction that is left open with a statement.
func under(t *testing.T, s *testenv.SupabaseServer, sql string, args ...any) pgx.Tx {
	t.Helper()
	tx, err := s.DB(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
	return tx
}

func TestADeletionWaitsForAnEffectOfItsTaskAndTakesItsFence(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	makeService(t, p, "makes-under-way", "under_way_1", ann, "x")
	if _, err := p.Save(t.Context(), results.Rows(endedRow("under-way", ann, "x"))); err != nil {
		t.Fatal(err)
	}
	tx := under(t, s, `select public.osp_apply('{"task": "under-way", "path": "x"}', 'entity.insert', jsonb_build_object(
		'schema', 'under_way_1', 'user_id', $1::text, 'entity', 'guest', 'data', '{"name": "late"}'::jsonb))`, ann)
	err := meets(t, s, tx, func() error {
		_, err := tryRemove(t, p, saga.Deletion{ID: "under-way", Kind: saga.SubjectTask, Subject: "under-way", Reason: "r", By: "dpo"})
		return err
	})
	if effects, e := p.Effects(t.Context(), "under-way"); err != nil || e != nil || len(effects) != 0 {
		t.Errorf("%v; the fences %v are left, %v", err, effects, e)
	}
}

func TestEffectsOfOthersGoOnBesideADeletionThatWaitsForOneOfThem(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	const guest = "eeeeeeee-0000-4000-8000-000000000000"
	makeService(t, p, "makes-house", "house_1", bob, "x")
	if _, err := s.DB(t).Exec(t.Context(), "insert into house_1.guest (id, name, user_id) values ('theirs', 'x', $1)", guest); err != nil {
		t.Fatal(err)
	}
	// An effect of bob's refers to the guest, and has not written its fence yet.
	tx := under(t, s, "insert into house_1.visit (id, guest_id, user_id) values ('under-way', 'theirs', $1)", bob)
	err := meets(t, s, tx, func() error {
		_, err := tryRemove(t, p, saga.Deletion{ID: "guest", Kind: saga.SubjectUser, Subject: guest, Reason: "r", By: "dpo"})
		return err
	}, func() {
		if err := insertGuest(t, p, "of-bob", "house_1", bob, "another"); err != nil {
			t.Errorf("another effect: %v", err)
		}
		if _, err := tx.Exec(t.Context(), `insert into osp.fences (task, path, undo, key, effect, result)
			values ('refers', 'x', false, '', 'entity.insert', '{}')`); err != nil {
			t.Errorf("the fence: %v", err)
		}
	})
	var guests, visits int
	if err == nil {
		err = s.DB(t).QueryRow(t.Context(), `select (select count(*) from house_1.guest where id = 'theirs'),
			(select count(*) from house_1.visit where id = 'under-way' and guest_id is null)`).Scan(&guests, &visits)
	}
	if err != nil || guests != 0 || visits != 1 {
		t.Errorf("%v; %d rows of the user are left, %d visits of nobody", err, guests, visits)
	}
}

func TestTheSameDeletionAgainWaitsForTheFirstAndIsAnsweredAsItWas(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	if _, err := p.Save(t.Context(), results.Rows(endedRow("twice", ann, "x"))); err != nil {
		t.Fatal(err)
	}
	tx := deleting(t, s.DB(t), "twice")
	for _, dry := range []bool{true, false} {
		d := saga.Deletion{ID: "deletion-twice", Kind: saga.SubjectTask, Subject: "twice", Reason: "r", By: "dpo", DryRun: dry}
		again := func() error {
			got, err := p.Delete(t.Context(), d)
			if !got.Done || got.Counts.Tasks != 1 {
				t.Errorf("dry %t: got %+v", dry, got)
			}
			return err
		}
		var err error
		if dry {
			err = meets(t, s, tx, again)
		} else {
			err = again()
		}
		if err != nil {
			t.Errorf("dry %t: %v", dry, err)
		}
	}
}

// osp_save locks journals in the order of their ids. Rows that expire are found in another one.
func TestExpiryLocksJournalsInTheirOrder(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	now := time.Unix(1_000_000_000, 0).UTC()
	var ids []string
	for _, name := range []string{"d", "c", "b", "a"} {
		task := endedRow("expires-"+name, ann, "x")
		task.CreatedAt, task.CompletedAt = now, &now
		ids = append(ids, task.ID)
		rows := []results.Row{{Task: task, Parent: "nobody-knows", Journal: []string{"1:1:1:{}"}}}
		if _, err := p.Save(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
	}
	tx := under(t, s, "select from osp.journals where task = 'expires-a' for update")
	err := meets(t, s, tx, func() error {
		_, err := p.Expire(t.Context(), now.Add(time.Second), 100)
		return err
	}, func() {
		_, err := tx.Exec(t.Context(), "select from osp.journals where task = any($1) order by task for update", ids)
		if err != nil {
			t.Errorf("a save meets the expiry: %v", err)
		}
	})
	if err != nil {
		t.Errorf("the expiry meets a save: %v", err)
	}
	for _, id := range ids {
		if _, err := p.Get(t.Context(), id); !errors.Is(err, saga.ErrNotFound) {
			t.Errorf("task %s is there: %v", id, err)
		}
	}
}
