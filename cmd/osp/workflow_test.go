package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osp-platform/osp/tasks/definition"
)

const workflows = "../../examples/workflows/"

// written writes a file for one test, and returns its name.
func written(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.yaml")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestWorkflowsAreValidated(t *testing.T) {
	files, _ := filepath.Glob(workflows + "*.yaml")
	code, out := command(t, nil, append([]string{"workflow", "validate"}, files...)...)
	if code != exitOK || strings.Count(out, "is sound") != len(files) || len(files) < 4 {
		t.Errorf("code %d:\n%s", code, out)
	}
	bad := written(t, "id: w\nsteps:\n  - {id: a, type: activity, activity: {type: log_event}}\ncompensation_steps: [cleanup_partial_data]\n")
	code, out = command(t, nil, "workflow", "validate", bad, files[0])
	want := bad + `:4:22: error: /compensation_steps/0: There is no step "cleanup_partial_data" to compensate with: add the step, or take the name out.`
	if code != exitFailed || !strings.Contains(out, want) || !strings.Contains(out, "1 of 2 definitions do not run") {
		t.Errorf("code %d:\n%s\nwant %s", code, out, want)
	}
	code, out = command(t, nil, "workflow", "validate", "-o", "json", files[0])
	var answer struct{ Definitions []validated }
	if err := json.Unmarshal([]byte(out), &answer); code != exitOK || err != nil || !answer.Definitions[0].Valid || answer.Definitions[0].Hash == "" {
		t.Errorf("code %d, %v: %s", code, err, out)
	}
}

func TestAWorkflowIsSimulated(t *testing.T) {
	input := written(t, `{input: {amount: 12.5, customerId: c1, paymentMethod: card}, outputs: {chargeCustomer: {id: pi_7}}}`)
	pay := workflows + "process-payment.yaml"
	code, out := command(t, nil, "workflow", "simulate", pay, "--input", input, "--fail-at", "logTransaction")
	want := `processPayment, when logTransaction fails: failed, all undone
#  AFTER  MOVE       STEP            WHAT           RESULT
1  0s     do         chargeCustomer  call_stripe    done
2  0s     do         logTransaction  create_entity  fails: it fails for good
3  0s     turn back                                 step logTransaction: it fails for good
4  0s     undo       logTransaction  create_entity  done
5  0s     undo       chargeCustomer  call_stripe    done
`
	if code != exitOK || out != want {
		t.Errorf("code %d:\n%s\nwant\n%s", code, out, want)
	}
	code, out = command(t, nil, "workflow", "simulate", pay, "--input", input, "--fail-each", "-o", "json")
	var answer struct {
		Simulations []definition.Simulation
		Unreached   []string
	}
	if err := json.Unmarshal([]byte(out), &answer); code != exitOK || err != nil || len(answer.Simulations) != 3 || answer.Unreached == nil {
		t.Errorf("code %d, %v: %s", code, err, out)
	}
	code, out = command(t, nil, "workflow", "simulate", pay, "--input", input, "--fail-each", "--diagram")
	if code != exitOK || strings.Count(out, "flowchart TD") != 3 || !strings.Contains(out, `["undo chargeCustomer<br/>call_stripe"]:::undone`) {
		t.Errorf("code %d:\n%s", code, out)
	}
	gone := `{input: {reservationId: r1, reason: ill}, outputs: {findGuest: {}}}`
	code, out = command(t, nil, "workflow", "simulate", workflows+"cancel-reservation.yaml", "--input", written(t, gone))
	if code != exitOK || !strings.Contains(out, "Not reached with this input: sendNotification\n") {
		t.Errorf("code %d:\n%s", code, out)
	}
}

func TestWorkflowsAreAskedForWrongly(t *testing.T) {
	pay := workflows + "process-payment.yaml"
	input := written(t, `{input: {amount: 1, customerId: c1, paymentMethod: card}}`)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"validate"}, exitUsage, "name of a file"},
		{[]string{"validate", "no-such-file"}, exitUsage, "no-such-file cannot be read"},
		{[]string{"validate", pay, "-o", "yaml"}, exitUsage, "table or json"},
		{[]string{"simulate", pay, pay}, exitUsage, "name of one file"},
		{[]string{"simulate", pay}, exitUsage, "processPayment needs an input: write --input FILE"},
		{[]string{"simulate", pay, "--input", written(t, `{input: {amount: 0}}`)}, exitFailed, ":1:18: error: /input/amount: 0 is too small"},
		{[]string{"simulate", pay, "--input", input, "--fail-at", "nobody"}, exitUsage, `no step "nobody" that can fail`},
		{[]string{"simulate", pay, "--input", input, "--fail-at", "logTransaction", "--fail-each"}, exitUsage, "exclude one another"},
		{[]string{"simulate", pay, "--input", input, "--diagram", "-o", "json"}, exitUsage, "exclude one another"},
		{[]string{"simulate", written(t, "id: w"), "--input", input}, exitFailed, "/steps: steps is missing: add it."},
	} {
		if code, out := command(t, nil, append([]string{"workflow"}, c.args...)...); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%v: code %d, want %d with %q:\n%s", c.args, code, c.code, c.says, out)
		}
	}
}

func TestOlderDialectsAreImported(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "made")
	source := workflows + "import/fields.json"
	code, out := command(t, nil, "workflow", "import", source, "--to", folder)
	want := source + `: mapped: /metadata/workflows/0/steps/0/id: "check-input" cannot be an id: it is "check_input" now.`
	if code != exitOK || !strings.Contains(out, want) || !strings.Contains(out, "make-reservation (fields): sound") {
		t.Errorf("code %d:\n%s\nwant %s", code, out, want)
	}
	made := filepath.Join(folder, "make-reservation.yaml")
	if code, out := command(t, nil, "workflow", "validate", made); code != exitOK {
		t.Errorf("what was made is not sound: %s", out)
	}
	if code, out := command(t, nil, "workflow", "import", source, "--to", folder); code != exitFailed || !strings.Contains(out, "is there already") {
		t.Errorf("a file is written over: code %d: %s", code, out)
	}
	code, out = command(t, nil, "workflow", "import", workflows+"import/nested.json", "-o", "json")
	if code != exitFailed || !strings.Contains(out, `"kind":"refused"`) || !strings.Contains(out, "1 of 1 workflows need an author") {
		t.Errorf("code %d: %s", code, out)
	}
}
