package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// importExample imports a file of an older dialect, and deploys what was made of it.
func (o *osp) importExample(file string) {
	o.t.Helper()
	folder := o.t.TempDir()
	if code, out := command(o.t, nil, "workflow", "import", workflows+"import/"+file, "--to", folder); code != exitOK {
		o.t.Fatalf("import %s: code %d: %s", file, code, out)
	}
	made, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(made) != 1 {
		o.t.Fatalf("import %s: made %v, %v", file, made, err)
	}
	raw, err := os.ReadFile(made[0])
	if err != nil {
		o.t.Fatal(err)
	}
	o.deployText(string(raw))
}

// One workflow of each older dialect is imported, deployed and run.
func TestWhatIsImportedRuns(t *testing.T) {
	env := here(t)
	gateway := newTexts(t)
	all := start(t, "all", append(env, "OSP_SMS_URL="+gateway.URL)...)
	service := all.ends(dict{"type": "service.create", "input": dict{
		"name": "restaurant", "entities": []dict{
			{"name": "refunds", "attributes": dict{"status": "string"}},
			{"name": "reservations", "attributes": dict{
				"customer_name": "string", "phone_number": "string", "reservation_date": "date", "reservation_time": "string",
				"party_size": "integer", "table_number": "integer", "deposit": "number", "status": "string",
			}},
		},
		"sample_data": dict{"refunds": []dict{{"id": "11111111-1111-4111-8111-111111111111", "status": "open"}}},
	}})
	var made struct{ Schema string }
	if err := json.Unmarshal(service.Output, &made); err != nil || made.Schema == "" {
		t.Fatalf("service.create: %s %s", service.State, service.Error)
	}
	for _, file := range []string{"flat.yaml", "fields.json", "deployed.json"} {
		all.importExample(file)
	}
	run := func(workflow string, input dict, want saga.State) saga.Task {
		t.Helper()
		begun := all.task(202, "POST", "/v1/tasks", dict{"type": workflow, "service": made.Schema, "input": input})
		return all.wait(begun.ID, enough, want)
	}

	table := dict{
		"customer_name": "Ada", "phone_number": "+49 30 1", "reservation_date": "2026-12-24", "reservation_time": "19:30", "party_size": 4,
		"table_number": 2, "deposit_each": 5,
	}
	saved := run("make-reservation", table, saga.Completed)
	if out := string(outputOf(saved, "confirm")); !strings.Contains(out, `"status":"confirmed"`) || !strings.Contains(out, `"deposit":20`) {
		t.Errorf("the row is %s", out)
	}
	if !gateway.said("Your table is reserved") {
		t.Errorf("the guest was told %v", gateway.sent)
	}
	if again := run("make-reservation", table, saga.Failed); !strings.Contains(again.Error, "not available") {
		t.Errorf("a table was given twice: %s", again.Error)
	}

	row := dict{"entity": "reservations", "required": []string{"customer_name"}, "data": dict{"customer_name": "Grace"}}
	if out := string(outputOf(run("createReservation", row, saga.Completed), "createEntity")); !strings.Contains(out, "Grace") {
		t.Errorf("the row is %s", out)
	}
	row["data"] = dict{"table_number": 1}
	if refused := run("createReservation", row, saga.Failed); !strings.Contains(refused.Error, "customer_name: it is missing") {
		t.Errorf("data that is not valid: %s", refused.Error)
	}

	refund := dict{"refundId": "11111111-1111-4111-8111-111111111111", "amount": 250}
	asked := run("approveRefund", refund, saga.Waiting)
	status, raw, _ := all.call("POST", "/v1/tasks/"+asked.ID+"/human/approval", dict{"outcome": "completed"})
	if status != 202 {
		t.Fatalf("the answer: %d %s", status, raw)
	}
	paid := all.wait(asked.ID, enough, saga.Completed)
	if out := string(outputOf(paid, "pay")); !strings.Contains(out, `"status":"paid"`) {
		t.Errorf("the refund is %s", out)
	}
}

// outputOf is what a step of a task has answered.
func outputOf(t saga.Task, path string) json.RawMessage {
	for _, s := range t.Steps {
		if s.Path == path {
			return s.Output
		}
	}
	return nil
}
