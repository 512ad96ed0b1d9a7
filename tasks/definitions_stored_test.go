package tasks_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
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

// TestWhatIsDeployedCanBeReadAgain has texts that JSON takes as they are, and YAML only in other words.
func TestWhatIsDeployedCanBeReadAgain(t *testing.T) {
	r := newRig(t)
	l, _ := withDefinitions(r)
	d := &tasks.Deployer{Catalogue: r.dispatcher.Catalogue}
	for name, say := range map[string]string{
		"delete": `"a\x7fb"`, "a control character": `"\u0090"`, "no character": `"\uFFFE"`, "a line break": `"a\u0085 b\u2028 c"`,
		"a byte order mark": `"\uFEFF"`, "a long key alone": "1", "a tab": `"\t"`,
	} {
		checked, _, err := d.Check(fmt.Appendf(nil, "id: w\nsteps:\n  - {id: a, type: activity, activity: {type: log_event, params: {say: hello, v: %s, ? %s : 1}}}",
			say, strings.Repeat("k", 1500)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		l.list = []saga.WorkflowVersion{{
			Workflow: "w", Version: 1, Hash: checked.Hash, State: saga.VersionActive, Definition: json.RawMessage(checked.Definition),
		}}
		r.dispatcher.Catalogue.Definitions = r.process(l)
		if task, _, err := r.dispatcher.Start(t.Context(), saga.Request{Type: "w"}); err != nil {
			t.Errorf("%s does not start: %v", name, err)
		} else if s, err := r.journal.Read(t.Context(), task.ID); err != nil || s.Events[0].Created.Definition != checked.Hash {
			t.Errorf("%s: %+v, %v", name, s.Events, err)
		}
	}
	// As JSON it is longer: every < takes six bytes.
	_, _, err := d.Check(fmt.Appendf(nil, "id: w\nsteps:\n  - {id: a, type: activity, activity: {type: log_event, params: {v: %q}}}", strings.Repeat("<", 200_000)))
	if err == nil || !strings.Contains(err.Error(), "Written as JSON it cannot be read again") || !strings.Contains(err.Error(), "it has 1200") {
		t.Errorf("what is too long as JSON: %v", err)
	}
}
