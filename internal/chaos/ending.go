package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

// quietly waits until none of the keys is there, at most so long, and returns how long it took and whether they are gone.
func quietly(ctx context.Context, db *redis.Client, atMost time.Duration, keys []string) (time.Duration, bool) {
	began := time.Now()
	for {
		if n, err := db.Exists(ctx, keys...).Result(); err == nil && n == 0 {
			return time.Since(began), true
		}
		if time.Since(began) > atMost || !wait(ctx, 100*time.Millisecond) {
			return time.Since(began), false
		}
	}
}

// ourIndexes are the keys that are there while a task has not ended, or its row is not written.
func ourIndexes() []string {
	return []string{"osp:{00}:open", "osp:{00}:wake", "osp:{00}:dirty", "osp:{00}:outbox"}
}

// queueIndexes are the keys that are there while asynq has a task.
func queueIndexes() []string {
	var keys []string
	for _, queue := range []string{"high", "default", "low"} {
		for _, part := range []string{"pending", "active", "lease", "scheduled", "retry", "archived", "completed"} {
			keys = append(keys, "asynq:{"+queue+"}:"+part)
		}
	}
	return keys
}

// gather looks at what is there in the end.
func (w *world) gather(ctx context.Context, c *client, service string, ids []string, matters func(key string) bool) (ending, error) {
	e := ending{Receipts: map[string]int{}}
	db := redis.NewClient(&redis.Options{Addr: w.redis.Addr})
	defer func() { _ = db.Close() }()
	var err error
	if e.Keys, err = leftovers(ctx, db, matters); err != nil {
		return e, err
	}
	if e.Balances, err = w.ledger.balances(ctx); err != nil {
		return e, err
	}
	if e.Receipts, err = w.receipts(ctx, service); err != nil {
		return e, err
	}
	rows, err := rows(ctx, c)
	if err != nil {
		return e, err
	}
	e.Tasks, err = journals(ctx, c, ids, rows)
	return e, err
}

// receipts counts the rows that each task has made.
func (w *world) receipts(ctx context.Context, service string) (map[string]int, error) {
	all := map[string]int{}
	err := w.ledger.do(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "select reference, count(*) from "+pgx.Identifier{service, "receipts"}.Sanitize()+" group by 1")
		if err != nil {
			return err
		}
		var task string
		var n int
		_, err = pgx.ForEachRow(rows, []any{&task, &n}, func() error {
			all[task] = n
			return nil
		})
		return err
	})
	return all, err
}

// rows reads every row of the result store.
func rows(ctx context.Context, c *client) (map[string]saga.Task, error) {
	all := map[string]saga.Task{}
	for cursor := ""; ; {
		status, answer, err := c.ask(ctx, http.MethodGet, "/v1/tasks?limit=200"+cursor, nil)
		if err != nil || status != http.StatusOK {
			return nil, fmt.Errorf("list the rows: %d %s: %w", status, answer, err)
		}
		var page saga.Page
		if err := json.Unmarshal(answer, &page); err != nil {
			return nil, fmt.Errorf("read a list: %w", err)
		}
		for _, task := range page.Tasks {
			all[task.ID] = task
		}
		if page.Next == "" {
			return all, nil
		}
		cursor = "&cursor=" + url.QueryEscape(page.Next)
	}
}

// journals reads every task as its journal has it, and sets its row beside it.
func journals(ctx context.Context, c *client, ids []string, rows map[string]saga.Task) (map[string]taskEnd, error) {
	all := map[string]taskEnd{}
	var mu sync.Mutex
	var first error
	var readers sync.WaitGroup
	for part := range slices.Chunk(ids, len(ids)/8+1) {
		readers.Go(func() {
			for _, id := range part {
				end, known, err := journal(ctx, c, id, rows)
				mu.Lock()
				if err != nil && first == nil {
					first = err
				}
				if known {
					all[id] = end
				}
				mu.Unlock()
			}
		})
	}
	readers.Wait()
	return all, first
}

func journal(ctx context.Context, c *client, id string, rows map[string]saga.Task) (end taskEnd, known bool, err error) {
	status, answer, err := c.ask(ctx, http.MethodGet, "/v1/tasks/"+id, nil)
	switch {
	case err != nil:
		return end, false, err
	case status == http.StatusNotFound:
		return end, false, nil
	}
	var task saga.Task
	if err := json.Unmarshal(answer, &task); err != nil {
		return end, false, fmt.Errorf("read task %s: %w", id, err)
	}
	end = taskEnd{State: task.State, NotUndone: task.NotUndone, Error: task.Error, Journal: canonical(task), Row: "nothing"}
	if row, ok := rows[id]; ok {
		end.Row = canonical(row)
	}
	return end, true, nil
}

// canonical is a task's JSON with its members in one order, for a database may give them in another.
func canonical(t saga.Task) string {
	raw, err := json.Marshal(t)
	var any any
	if err == nil && json.Unmarshal(raw, &any) == nil {
		raw, _ = json.Marshal(any)
	}
	return string(raw)
}
