package activities_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
	"github.com/osp-platform/osp/tasks"
	"github.com/osp-platform/osp/tasks/activities"
	"github.com/osp-platform/osp/tasks/definition"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// world runs definitions on the real engine, whose journal is in memory. Its clock jumps over every wait.
type world struct {
	t       *testing.T
	options activities.Options
	log     bytes.Buffer
	schema  string
	user    string
	n       int64
	flow    *saga.Workflow
	skipped atomic.Int64 // nanoseconds
}

var worlds atomic.Int64

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, n: worlds.Add(1)}
	w.schema, w.user = fmt.Sprintf("shop_%d", w.n), fmt.Sprintf("00000000-0000-4000-8000-%012d", w.n)
	types, err := tasks.NewCatalogue(tasks.Builtin(nil, nil)...)
	if err != nil {
		t.Fatal(err)
	}
	w.options = activities.Options{Types: types, Log: slog.New(slog.NewJSONHandler(&w.log, nil)), Now: time.Now}
	return w
}

// Workflow implements [saga.Workflows].
func (w *world) Workflow(context.Context, saga.Created) (*saga.Workflow, error) { return w.flow, nil }

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.skipped.Load())) }

// run carries a task of a definition out until it ends or is stuck.
func (w *world) run(source, input string) *saga.Record {
	w.t.Helper()
	d, problems := definition.Parse([]byte(source))
	if problems.Failed() {
		w.t.Fatalf("the definition is not sound: %v", problems)
	}
	var err error
	if w.flow, err = d.Workflow(activities.New(w.options)); err != nil {
		w.t.Fatal(err)
	}
	journal := storetest.NewMemory(w.now)
	id := fmt.Sprintf("task-%d", w.n)
	_, err = journal.Start(w.t.Context(), saga.Start{Created: saga.Created{
		ID: id, Type: d.ID, TreeHash: w.flow.TreeHash(), Input: json.RawMessage(input), Owner: w.user, Service: w.schema, Hash: id,
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	nonces := 0
	runner := &saga.Runner{
		Journal: journal, Workflows: w, Log: slog.New(slog.DiscardHandler), Now: w.now, Random: func() float64 { return 0 },
		Nonce: func() string { nonces++; return fmt.Sprint(nonces) },
	}
	return w.settle(journal, runner, id)
}

func (w *world) settle(journal *storetest.Memory, runner *saga.Runner, id string) *saga.Record {
	w.t.Helper()
	for range 1000 {
		err := runner.Run(w.t.Context(), id)
		snapshot, read := journal.Read(w.t.Context(), id)
		record, fold := saga.Fold(snapshot.Events)
		if read != nil || fold != nil {
			w.t.Fatal(read, fold)
		}
		var parked *saga.ParkedError
		switch {
		case record.State.Finished() || record.State == saga.Stuck:
			return record
		case errors.As(err, &parked) && parked.Cause == nil:
			w.skipped.Add(int64(max(parked.For, parked.Due.Sub(w.now()))))
		default:
			w.t.Fatalf("the task was left alone: %v", err)
		}
	}
	w.t.Fatal("the task does not settle")
	return nil
}

// one is a definition of one activity, which is tried once.
func one(activity, params string) string {
	said := "\n    effect: none"
	if strings.HasSuffix(activity, "_entity") {
		said = ""
	}
	return "id: w\nsteps:\n  - id: s\n    type: activity" + said + "\n    activity:\n      type: " + activity +
		"\n      retry_policy: {max_attempts: 1}\n      params: " + params
}

// output runs one activity that succeeds, and returns its output.
func (w *world) output(activity, params, input string) string {
	w.t.Helper()
	r := w.run(one(activity, params), input)
	w.ended(r, saga.Completed, "")
	return string(r.Output)
}

// fails runs one activity that fails, unless the check of the definition finds the reason already.
func (w *world) fails(activity, params, input, reason string) {
	w.t.Helper()
	source := one(activity, params)
	if _, problems := definition.Parse([]byte(source)); problems.Failed() {
		if !strings.Contains(problems.Error(), reason) {
			w.t.Errorf("%s: got %v, want %q", params, problems, reason)
		}
		return
	}
	w.ended(w.run(source, input), saga.Failed, reason)
}

func (w *world) ended(r *saga.Record, state saga.State, reason string) {
	w.t.Helper()
	told := r.Reason
	for _, s := range r.Steps {
		told += "\n" + s.Path + ": " + s.Do.Error + s.Undo.Error
	}
	if r.State != state || !strings.Contains(told, reason) {
		w.t.Errorf("state %s, told %s; want %s, %q", r.State, told, state, reason)
	}
}

// same holds JSON to JSON.
func (w *world) same(what, got, want string) {
	w.t.Helper()
	var a, b any
	if err := errors.Join(json.Unmarshal([]byte(got), &a), json.Unmarshal([]byte(want), &b)); err != nil || !reflect.DeepEqual(a, b) {
		w.t.Errorf("%s: got %s, want %s (%v)", what, got, want, err)
	}
}

// stores runs a test on each result store, in which there is a shop with items.
func stores(t *testing.T, test func(w *world, store results.Store)) {
	t.Helper()
	for name, open := range map[string]func(t *testing.T) (results.Store, error){
		"SQLite": func(t *testing.T) (results.Store, error) {
			return results.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "osp.db"))
		},
		"PostgREST": func(t *testing.T) (results.Store, error) {
			s := testenv.Supabase(t)
			return results.NewPostgREST(results.Supabase{URL: s.URL, Key: s.ServiceKey})
		},
	} {
		t.Run(name, func(t *testing.T) {
			store, err := open(t)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			w := newWorld(t)
			w.options.Effects = store
			w.furnish(store)
			test(w, store)
		})
	}
}

// furnish makes the shop.
func (w *world) furnish(store tasks.Effects) {
	w.t.Helper()
	const entities = `[{"name":"item","attributes":{"name":"string","stock":"integer","price":"number"}}]`
	for _, effect := range []string{"service.reserve", "service.register", "schema.create", "tables.create"} {
		args := fmt.Sprintf(`{"schema":%q,"user_id":%q,"name":"Shop","entities":%s}`, w.schema, w.user, entities)
		fence := saga.Fence{Task: "furnish " + w.schema, Path: effect}
		if _, err := store.Apply(w.t.Context(), fence, effect, json.RawMessage(args)); err != nil {
			w.t.Fatalf("%s: %v", effect, err)
		}
	}
}

// items are the rows of the shop, as "name:stock", the newest first.
func (w *world) items(store tasks.Effects) string {
	w.t.Helper()
	args := fmt.Sprintf(`{"schema":%q,"user_id":%q,"entity":"item"}`, w.schema, w.user)
	raw, err := store.Apply(w.t.Context(), saga.Fence{}, "entity.query", json.RawMessage(args))
	var found struct {
		Rows []struct {
			Name  string `json:"name"`
			Stock int    `json:"stock"`
		} `json:"rows"`
	}
	if err := errors.Join(err, json.Unmarshal(raw, &found)); err != nil {
		w.t.Fatal(err)
	}
	var list []string
	for _, row := range found.Rows {
		list = append(list, fmt.Sprintf("%s:%d", row.Name, row.Stock))
	}
	return strings.Join(list, " ")
}

// flaky is a store that fails where the test says so: before an effect, or after it.
type flaky struct {
	tasks.Effects
	before, after func(f saga.Fence, effect string) error
	calls         []string
}

// Apply implements [tasks.Effects].
func (s *flaky) Apply(ctx context.Context, f saga.Fence, effect string, args json.RawMessage) (json.RawMessage, error) {
	s.calls = append(s.calls, map[bool]string{true: "undo "}[f.Undo]+f.Path)
	if s.before != nil {
		if err := s.before(f, effect); err != nil {
			return nil, err
		}
	}
	out, err := s.Effects.Apply(ctx, f, effect, args)
	if err == nil && s.after != nil {
		err = s.after(f, effect)
	}
	return out, err
}

// first fails the first call of an effect.
func first(effect string, err error) func(saga.Fence, string) error {
	failed := false
	return func(_ saga.Fence, called string) error {
		if called != effect || failed {
			return nil
		}
		failed = true
		return err
	}
}
