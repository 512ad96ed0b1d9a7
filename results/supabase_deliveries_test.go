package results_test

import (
	"strings"
	"testing"
)

// manyDeliveries has half of [manyRows] deliver: to 100 webhooks, of 15,000 tasks.
const manyDeliveries = `
	update public.workflow_executions set workflow_id = 'webhook.deliver', task_type = 'webhook.deliver',
		input = jsonb_build_object('webhook', 'w' || right(execution_id, 2), 'task', execution_id)
	where right(execution_id, 1) in ('0', '1', '2', '3', '4');
	analyze public.workflow_executions;`

func TestDeliveriesAreFoundWithoutReadingOthers(t *testing.T) {
	e := explaining(t)
	if _, err := e.tx.Conn().PgConn().Exec(t.Context(), manyDeliveries).ReadAll(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		query string
		index string // without workflow_executions_
		found int
	}{
		{`{"max": 50, "webhook": "w12"}`, "of_webhook", 50},
		{`{"max": 50, "webhook": "w12", "before_at": "2026-01-01T00:30:00Z", "before_id": "many-1800"}`, "of_webhook", 18},
		{`{"max": 50, "webhook": "none"}`, "of_webhook", 0},
		{`{"max": 50, "task": "many-1812"}`, "telling_of", 1},
	} {
		found, nodes := e.ask(t, "osp_deliveries", c.query)
		var index string
		for _, n := range nodes {
			if n.Index != "" {
				index = strings.TrimPrefix(n.Index, "workflow_executions_")
			}
			if n.Node == "Seq Scan" || n.Skipped+n.Read > 500 {
				t.Errorf("%s: %s of %s reads %.0f rows and skips %.0f", c.query, n.Node, n.Table, n.Read, n.Skipped)
			}
		}
		if index != c.index || found != c.found {
			t.Errorf("%s found %d by the index %q, want %d by %q", c.query, found, index, c.found, c.index)
		}
	}
}
