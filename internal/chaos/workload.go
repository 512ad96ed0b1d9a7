package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

// workload sends tasks, some of which it cancels, and takes down what it is told.
type workload struct {
	client  *client
	history *history
	seed    uint64
	service string // the schema of the service that keeps the receipts
	every   time.Duration
}

// serviceOf makes the service, before anything goes wrong.
func serviceOf(ctx context.Context, c *client) (string, error) {
	request := dict{"id": "service", "type": "service.create", "input": dict{
		"name": "Chaos", "entities": []dict{{"name": "receipts", "attributes": dict{"reference": "string", "amount": "integer"}}},
	}}
	if status, answer, err := c.ask(ctx, http.MethodPost, "/v1/tasks", request); err != nil || status >= 300 {
		return "", fmt.Errorf("make the service: %d %s: %w", status, answer, err)
	}
	for {
		_, answer, err := c.ask(ctx, http.MethodGet, "/v1/tasks/service", nil)
		if err != nil {
			return "", err
		}
		var task saga.Task
		var output struct{ Schema string }
		if err := json.Unmarshal(answer, &task); err != nil {
			return "", fmt.Errorf("read the service's task: %w", err)
		}
		if task.State == saga.Completed && json.Unmarshal(task.Output, &output) == nil {
			return output.Schema, nil
		}
		if task.State.Finished() || !wait(ctx, 50*time.Millisecond) {
			return "", fmt.Errorf("make the service: it is %s: %s", task.State, task.Error)
		}
	}
}

// run sends tasks until sending ends, and returns when each has been answered.
func (w *workload) run(ctx, sending context.Context) error {
	dice := rand.New(rand.NewPCG(w.seed, 1<<32))
	var all sync.WaitGroup
	failed := make(chan error, 1)
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for n := 1; sending.Err() == nil; n++ {
		id, k, own := fmt.Sprintf("t%06d", n), drawKind(dice), rand.New(rand.NewPCG(w.seed, uint64(n)<<32))
		all.Go(func() {
			if err := w.task(ctx, id, k, own); err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
		select {
		case <-tick.C:
		case <-sending.Done():
		}
	}
	all.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// task sends one task, and cancels it if it is of that kind.
func (w *workload) task(ctx context.Context, id string, k kind, dice *rand.Rand) error {
	w.history.note(event{What: seenSent, Task: id, Kind: k})
	status, _, err := w.client.ask(ctx, http.MethodPost, "/v1/tasks", request(id, k, w.service, dice, time.Now()))
	switch {
	case err != nil:
		return err
	case status != http.StatusAccepted && status != http.StatusOK:
		w.history.note(event{What: seenRefused, Task: id, Status: status})
		return nil
	}
	w.history.note(event{What: seenAccepted, Task: id, Status: status})
	if k != kindCancelled {
		return nil
	}
	if !wait(ctx, time.Duration(dice.IntN(3000))*time.Millisecond) {
		return ctx.Err()
	}
	status, _, err = w.client.ask(ctx, http.MethodPost, "/v1/tasks/"+id+"/cancel", dict{"reason": "chaos"})
	switch {
	case err != nil:
		return err
	case status == http.StatusAccepted, status == http.StatusOK: // 200: it has ended meanwhile
		w.history.note(event{What: seenCancelled, Task: id, Status: status})
	case status != http.StatusConflict: // 409: it had ended before
		w.history.note(event{What: seenRefused, Task: id, Status: status})
	}
	return nil
}
