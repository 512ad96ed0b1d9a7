package tasks_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks/definition"
)

// TestWhatWasDeployedStartsTasksAndGoesOn has an active version that an earlier release took, and this one would refuse.
func TestWhatWasDeployedStartsTasksAndGoesOn(t *testing.T) {
	r := newRig(t)
	l, _ := withDefinitions(r)
	const content = `{"id":"talk","steps":[{"activity":{"params":{"seconds":0,"why":"a pause"},"type":"delay"},"id":"p","type":"activity"},` +
		`{"activity":{"params":{"say":"hello"},"type":"log_event"},"id":"a","type":"activity"}]}`
	if d, problems := definition.Parse([]byte(content)); d != nil || !strings.Contains(problems.Error(), "delay has no such param") {
		t.Fatalf("it is not refused: %v", problems)
	}
	sum := sha256.Sum256([]byte(content))
	l.list = append(l.list, saga.WorkflowVersion{
		Workflow: "talk", Version: 1, Hash: hex.EncodeToString(sum[:]), State: saga.VersionActive, Definition: json.RawMessage(content),
	})
	task := r.start(talk)
	r.dispatcher.Catalogue.Definitions = r.process(l) // another process
	var parked *saga.ParkedError
	if err := r.deliver(task.ID); err != nil && !errors.As(err, &parked) {
		t.Fatal(err)
	}
	r.finishes(task.ID, saga.Completed)
	if got := r.trail.told(); got != "hello" {
		t.Errorf("it said %q", got)
	}
}
