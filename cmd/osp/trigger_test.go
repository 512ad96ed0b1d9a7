package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

// triggered is a definition whose tasks say a word that the trigger gives them.
func triggered(id string, trigger dict) dict {
	return dict{"id": id, "trigger": trigger, "steps": []dict{
		{"id": "say", "type": "activity", "activity": dict{"type": "transform_data", "params": dict{"message": "${input.word}"}}},
	}}
}

// spoken are the ids of the tasks of a type that have ended, with what they said.
func (o *osp) spoken(id string) map[string]string {
	o.t.Helper()
	_, raw, _ := o.call("GET", "/v1/tasks?type="+id, nil)
	var page saga.Page
	if err := json.Unmarshal(raw, &page); err != nil {
		o.t.Fatalf("%v: %s", err, raw)
	}
	words := map[string]string{}
	for _, t := range page.Tasks {
		words[t.ID] = said(t)
	}
	return words
}

func TestWorkflowsAreStartedByClockRowsAndSignals(t *testing.T) {
	const secret = "whsec_bm90IGEgc2VjcmV0IGF0IGFsbCwgb25seSBhIHRlc3Q="
	env, _, _ := inSupabase(t)
	env = append(env, "OSP_HOOK_SECRET="+secret)
	api := start(t, "api", env...)
	for range 3 {
		start(t, "worker", env...)
	}
	clock, rows, bell := unique("clock"), unique("rows"), unique("bell")
	before := firstTick()
	api.deploy(triggered(clock, dict{"type": "schedule", "cron": "* * * * *", "input": dict{"word": "${scheduled_at}"}}))
	after := firstTick() // the other minute if it was activated on the stroke
	api.deploy(triggered(bell, dict{"type": "signal", "signal_name": "ring"}))
	v := api.version("POST", "/v1/workflows?service=shop", triggered(rows, dict{
		"type": "entity_insert", "entity": rows, "filter": "record.word != ''", "input": dict{"word": "${record.word}"},
	}))
	api.version("POST", "/v1/workflows/"+v.Workflow+"/state?service=shop", dict{"version": 1, "state": "active", "reason": "r"})

	for _, want := range []string{`"accepted":1,"existing":0`, `"accepted":0,"existing":1`} {
		if status, raw, _ := api.call("POST", "/v1/signals/ring", dict{"id": bell, "payload": dict{"word": "ding"}}); status != 207 || !strings.Contains(string(raw), want) {
			t.Errorf("a signal: %d %s, want %s", status, raw, want)
		}
		if status, raw := api.hook(secret, rows, "hello"); status != 207 || !strings.Contains(raw, want) {
			t.Errorf("a row: %d %s, want %s", status, raw, want)
		}
	}
	if status, raw := api.hook(secret, rows, ""); status != 207 || !strings.Contains(raw, `"items":[]`) {
		t.Errorf("a row that the filter holds: %d %s", status, raw)
	}
	if status, raw := api.hook("another", rows, "hello"); status != 401 {
		t.Errorf("another's row: %d %s", status, raw)
	}
	for id, want := range map[string][]string{bell: {"ding"}, rows: {"hello"}, clock: {before, after}} {
		eventually(t, 2*enough, func() bool { // it may be a minute to the next tick
			times := map[string]int{} // by word
			for _, word := range api.spoken(id) {
				if times[word]++; word != "" && times[word] > 1 {
					t.Fatalf("%s: %d tasks say %s", id, times[word], word)
				}
			}
			return times[want[0]] == 1 || times[want[len(want)-1]] == 1
		}, func() any { return api.spoken(id) })
	}
}

// firstTick is the first minute of a schedule that is activated now.
func firstTick() string {
	return time.Now().UTC().Truncate(time.Minute).Add(time.Minute).Format(time.RFC3339)
}

// hook tells the API of a row, as a database does.
func (o *osp) hook(secret, table, word string) (int, string) {
	o.t.Helper()
	status, raw, _ := o.call("POST", "/v1/hooks/entities", dict{
		"type": "INSERT", "schema": "shop", "table": table, "record": dict{"id": "1", "word": word}, "old_record": nil,
	}, "Authorization", "Bearer "+secret)
	return status, string(raw)
}
