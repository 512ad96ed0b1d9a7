package results_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

const manyTasks, manyWriters = 10_000, 8

// crowd owns the rows of tests that write very many: others look at all that ann or bob may see.
const crowd = "dddddddd-0000-4000-8000-000000000000"

// deadlocks counts those that PostgreSQL has had.
func deadlocks(t *testing.T) (n int) {
	t.Helper()
	db := testenv.Supabase(t).DB(t)
	if err := db.QueryRow(t.Context(), `select deadlocks from pg_stat_database where datname = current_database()`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// versions returns what the table has of tasks whose ids begin so.
func versions(t *testing.T, prefix string) map[string]int64 {
	t.Helper()
	rows, err := testenv.Supabase(t).DB(t).Query(t.Context(),
		`select execution_id, version from public.workflow_executions where execution_id like $1`, prefix+"%")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int64{}
	for rows.Next() {
		var id string
		var version int64
		if err := rows.Scan(&id, &version); err != nil {
			t.Fatal(err)
		}
		found[id] = version
	}
	return found
}

// Whoever saves what, in whatever order and however often: each row is the newest one in the end.
func TestManyWritersWithShuffledAndDuplicatedRows(t *testing.T) {
	before := deadlocks(t)
	cleared(t)
	const newest = 3
	var rows []saga.Task
	for i := range manyTasks {
		for version := range int64(newest) {
			task := row(fmt.Sprintf("shuffled-%05d", i), crowd)
			task.Version = version + 1
			rows = append(rows, task)
			if rand.IntN(3) == 0 {
				rows = append(rows, task)
			}
		}
	}
	rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	batches := make(chan []saga.Task, len(rows)/200+1)
	for batch := range slices.Chunk(rows, 200) {
		batches <- batch
	}
	close(batches)
	begun := time.Now()
	var writers sync.WaitGroup
	for range manyWriters {
		p := postgREST(t, "")
		writers.Go(func() {
			for batch := range batches {
				if _, err := p.Save(context.Background(), results.Rows(batch...)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	t.Logf("%d rows of %d tasks in %v", len(rows), manyTasks, time.Since(begun).Round(time.Millisecond))
	found := versions(t, "shuffled-")
	if len(found) != manyTasks {
		t.Errorf("%d rows, want %d", len(found), manyTasks)
	}
	for id, version := range found {
		if version != newest {
			t.Fatalf("%s is at version %d", id, version)
		}
	}
	if n := deadlocks(t) - before; n != 0 {
		t.Errorf("%d deadlocks", n)
	}
}

// tally counts the rows that all flushers send, and those that change nothing.
type tally struct {
	mu         sync.Mutex
	newest     map[string]int64 // id → version that the store has
	sent, vain int
}

// through is a store whose rows are counted.
func (y *tally) through(s results.Saver) results.Saver { return tallied{s, y} }

type tallied struct {
	results.Saver
	*tally
}

func (y tallied) Save(ctx context.Context, rows []results.Row) ([]results.Saved, error) {
	saved, err := y.Saver.Save(ctx, rows)
	y.mu.Lock()
	defer y.mu.Unlock()
	for _, r := range rows {
		y.sent++
		if r.Task.Version <= y.newest[r.Task.ID] {
			y.vain++
		}
		y.newest[r.Task.ID] = max(y.newest[r.Task.ID], r.Task.Version)
	}
	return saved, err
}

// Flushers share the work: a row that is sent in vain is rare.
// cleared deletes what a test wrote when it has ended: the suite reads all that is kept, page after page.
func cleared(t *testing.T) {
	t.Helper()
	db := testenv.Supabase(t).DB(t)
	last := time.Now()
	t.Cleanup(func() {
		if _, err := db.Exec(context.Background(), "delete from public.workflow_executions where updated_at >= $1", last); err != nil {
			t.Error(err)
		}
	})
}

func TestManyFlushersShareTheWork(t *testing.T) {
	before := deadlocks(t)
	cleared(t)
	p := newSite(t)
	all := &tally{newest: map[string]int64{}}
	ctx, stop := context.WithCancel(t.Context())
	var loops sync.WaitGroup
	var flushers []*results.Flusher
	for range manyWriters {
		f := results.NewFlusher(p.journal, all.through(postgREST(t, "")), quiet, time.Now)
		flushers = append(flushers, f)
		loops.Go(func() { f.Run(ctx) })
	}
	t.Cleanup(func() { stop(); loops.Wait() })
	id := func(i int) string { return fmt.Sprintf("%s%05d", p.name, i) }
	var clients sync.WaitGroup
	begun := time.Now()
	for c := range 32 {
		clients.Go(func() { // every client knows another process, as behind a load balancer
			for i := c; i < manyTasks; i += 32 {
				p.grow(id(i), flushers[i%manyWriters], flushers[(i+c)%manyWriters])
			}
		})
	}
	clients.Wait()
	appended := time.Since(begun)
	p.eventually(3*time.Minute, "nothing is dirty", func() bool { return p.dirty() == 0 })
	t.Logf("%d tasks of 4 events in %v, all written in %v", manyTasks, appended.Round(time.Millisecond), time.Since(begun).Round(time.Millisecond))
	found := versions(t, p.name)
	if len(found) != manyTasks {
		t.Errorf("%d rows, want %d", len(found), manyTasks)
	}
	for i := range manyTasks {
		now, err := p.journal.Read(t.Context(), id(i))
		if err != nil {
			t.Fatal(err)
		}
		if found[id(i)] != now.Version {
			t.Fatalf("%s is at version %d, want %d", id(i), found[id(i)], now.Version)
		}
	}
	if n := deadlocks(t) - before; n != 0 {
		t.Errorf("%d deadlocks", n)
	}
	ratio := float64(all.sent) / float64(all.sent-all.vain)
	t.Logf("%d rows were sent for %d tasks, %d of them in vain: %.3f times what was needed", all.sent, manyTasks, all.vain, ratio)
	if ratio > 1.1 {
		t.Errorf("%.2f times the rows that were needed", ratio)
	}
}

// grow records a task and three messages to it, and tells flushers.
func (p *plant) grow(id string, tell ...*results.Flusher) {
	ctx := context.Background()
	_, err := p.journal.Start(ctx, saga.Start{Created: saga.Created{
		ID: id, Type: "order", Workflow: "order", Version: 1, TreeHash: "x", Input: []byte(`{}`), Owner: saga.NilOwner, Queue: "default", Hash: id,
	}})
	for n := range 4 {
		if err != nil {
			p.Errorf("task %s: %v", id, err)
			return
		}
		for _, f := range tell {
			f.Notify()
		}
		if n < 3 {
			_, err = p.journal.Post(ctx, id, saga.Message{Event: saga.Event{Kind: saga.KindSignal, Name: "go"}})
		}
	}
}
