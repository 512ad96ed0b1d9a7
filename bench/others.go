package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// others measures engines of others beside raw asynq, in turns: `make bench-others`.
func others(ctx context.Context, s settings, db *database, r *report) error {
	if _, err := os.Stat(bullScript); err != nil {
		return fmt.Errorf("run this where the repository begins: %w", err)
	}
	for i := range s.rounds {
		r.progress("round %d of %d: raw asynq", i+1, s.rounds)
		floor, err := db.floor(ctx, s)
		if err != nil {
			return err
		}
		r.add("floor_per_s", floor.perS)
		r.addCPU("floor_", floor)
		r.progress("round %d of %d: BullMQ", i+1, s.rounds)
		var came [3]outcome
		for i, mode := range []string{"forward", "undone", "flow"} {
			if came[i], _, err = db.bull(ctx, mode, s.tasks, s.inFlight); err != nil {
				return err
			}
		}
		r.add("bullmq_forward_per_s", came[0].perS)
		r.add("bullmq_forward_ratio", came[0].perS/floor.perS)
		r.addCPU("bullmq_", came[0])
		r.add("bullmq_compensated_per_s", came[1].perS)
		r.add("bullmq_compensated_ratio", came[1].perS/floor.perS)
		r.add("bullmq_compensated_cpu_s_per_1000", came[1].cpu())
		r.add("bullmq_flow_forward_per_s", came[2].perS)
		r.add("bullmq_flow_forward_ratio", came[2].perS/floor.perS)
		r.addCPU("bullmq_flow_", came[2])
	}
	_, times, err := db.bull(ctx, "lone", s.lone, 1)
	if err != nil {
		return err
	}
	r.add("bullmq_lone_p50_ms", median(times))
	r.add("bullmq_lone_p99_ms", percentile(times, 99))
	if times, err = db.floorLone(ctx, s); err != nil {
		return err
	}
	r.add("floor_lone_p50_ms", median(times))
	r.texts["others"], err = versionOfBull()
	return err
}

const (
	bullFolder = "bench/others/"
	bullScript = bullFolder + "bullmq.js"
)

// bull runs sagas with BullMQ, in a process of its own. What it uses before and after them is not counted.
func (d *database) bull(ctx context.Context, mode string, tasks, inFlight int) (outcome, []float64, error) {
	_, before := d.cpu(ctx)
	port := d.addr[strings.LastIndex(d.addr, ":")+1:]
	cmd := exec.CommandContext(ctx, "node", bullScript, port, mode, strconv.Itoa(tasks), strconv.Itoa(inFlight))
	cmd.Stderr = os.Stderr
	said, err := cmd.Output()
	if err != nil {
		return outcome{}, nil, fmt.Errorf("BullMQ, %s: %w", mode, err)
	}
	_, after := d.cpu(ctx)
	o, times, err := heard(said, tasks)
	o.redis = (after - before) / float64(tasks) * 1000
	return o, times, errors.Join(err, d.empty(ctx))
}

// heard reads what the script says of so many tasks.
func heard(said []byte, tasks int) (outcome, []float64, error) {
	var came struct {
		Seconds, CPU float64
		Times        []float64
	}
	if err := json.Unmarshal(said, &came); err != nil || came.Seconds <= 0 {
		return outcome{}, nil, fmt.Errorf("BullMQ says %.100q: %w", said, err)
	}
	n := float64(tasks)
	return outcome{perS: n / came.Seconds, process: came.CPU / n * 1000}, came.Times, nil
}

// versionOfBull is what is pinned.
func versionOfBull() (string, error) {
	raw, err := os.ReadFile(bullFolder + "package.json")
	if err != nil {
		return "", err
	}
	var pinned struct{ Dependencies map[string]string }
	err = json.Unmarshal(raw, &pinned)
	return "BullMQ " + pinned.Dependencies["bullmq"] + " with ioredis " + pinned.Dependencies["ioredis"], err
}
