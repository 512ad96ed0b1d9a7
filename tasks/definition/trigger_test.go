package definition_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks/definition"
)

// triggered is a definition with a trigger, and an input_schema perhaps.
func triggered(trigger, schema string) string {
	if schema != "" {
		schema = "\ninput_schema: " + schema
	}
	return "id: w\ntrigger: {" + trigger + "}" + schema + "\nsteps:" + step("a")
}

func TestTriggersThatAreRefused(t *testing.T) {
	const needs = `{type: object, required: [day], properties: {day: {type: integer}}}`
	for _, c := range []struct{ name, trigger, schema, want string }{
		{"no time", "type: schedule", "", "2:10: error: /trigger/cron: cron is missing"},
		{"seconds", "type: schedule, cron: '0 0 8 * * *'", "", `2:33: error: /trigger/cron: "0 0 8 * * *" is not a schedule: it has 6 fields, it must have 5: minute,`},
		{"an hour that there is not", "type: schedule, cron: '0 24 * * *'", "", "end of range (24) above maximum (23)"},
		{"half a star", "type: schedule, cron: '*-5 * * * *'", "", "the minute, *-5, is not made of"},
		{"nothing between commas", "type: schedule, cron: ', * * * *'", "", "the minute, ,, is not made of"},
		{"a day that there is not", "type: schedule, cron: '0 0 30 2 *'", "", "no day is ever like that"},
		{"a zone in the expression", "type: schedule, cron: 'TZ=UTC * * * *'", "", "give it as time_zone"},
		{"what panics elsewhere", "type: schedule, cron: 'TZ=0'", "", "give it as time_zone"},
		{"from the start of a process on", "type: schedule, cron: '@every 1h'", "", "@every 1h is not one of @yearly,"},
		{"a zone that there is not", "type: schedule, cron: '@daily', time_zone: Mars/Olympus", "", `/trigger/time_zone: "Mars/Olympus" is no time zone`},
		{"a zone of each machine's own", "type: schedule, cron: '@daily', time_zone: Local", "", `"Local" is no time zone`},
		{"a policy that there is not", "type: schedule, cron: '@daily', missed: some", "", `/trigger/missed: "some" is not one of "skip", "last", "all"`},
		{"no input where one is required", "type: schedule, cron: '@daily'", needs, "2:10: error: /trigger/input/day: day is missing"},
		{"an input that does not fit", "type: schedule, cron: '@daily', input: {day: x}", needs, "/trigger/input/day: This is a string: give a whole number."},
		{"an input that would not fit", "type: schedule, cron: '@daily', input: {day: '${scheduled_at}'}", needs, "/trigger/input/day: This is a string"},
		{"a name that a schedule does not know", "type: schedule, cron: '@daily', input: {day: '${record.day}'}", "", "record is nothing that this trigger tells of: that is event, scheduled_at"},
		{"a secret", "type: schedule, cron: '@daily', input: {day: '${secrets.DAY}'}", "", "/trigger/input: A secret may only stand in the params"},
		{"no entity", "type: entity_insert", "", "/trigger/entity: entity is missing"},
		{"a filter that is a number", "type: entity_insert, entity: orders, filter: '1 + 1'", "", "/trigger/filter: The expression 1 + 1 is of type int: it must be true or false."},
		{"a filter on a step", "type: entity_insert, entity: orders, filter: 'a.id == 1'", "", "a is nothing that this trigger tells of: that is event, old_record, record, schema, table"},
		{"a filter on a secret", "type: entity_insert, entity: orders, filter: 'secrets.A == 1'", "", "a trigger has no secrets"},
		{"a row is not the input", "type: entity_insert, entity: orders", needs, "/trigger/input/day: day is missing: input_schema requires it"},
		{"an input without it", "type: entity_insert, entity: orders, input: {days: 1}", needs, "/trigger/input/day: day is missing"},
		{"an input with more", "type: entity_insert, entity: orders, input: {day: 1, hour: 2}", `{additionalProperties: false, properties: {day: {type: integer}}}`, "/trigger/input/hour: input_schema takes no hour"},
		{"no signal", "type: signal", "", "/trigger/signal_name: signal_name is missing"},
	} {
		refused(t, c.name, triggered(c.trigger, c.schema), c.want)
	}
	_, problems := definition.Parse([]byte(triggered("type: schedule, cron: '@daily', entity: orders", "")))
	if len(problems) != 1 || !strings.Contains(problems.Error(), "warning: /trigger/entity: A trigger of the type schedule has no entity") {
		t.Errorf("a member of another trigger: %v", problems)
	}
}

func TestWhatATriggerStarts(t *testing.T) {
	order := func(event string) saga.Occasion {
		return saga.Occasion{Trigger: saga.TriggerEntityUpdate, Subject: "orders", Told: json.RawMessage(event)}
	}
	const paid = `{"type":"UPDATE","schema":"s","table":"orders","record":{"id":"o1","total":12.5,"status":"paid"},"old_record":{"status":"new"}}`
	unpaid := strings.Replace(paid, `"paid"`, `"new"`, 1)
	signal := saga.Occasion{Trigger: saga.TriggerSignal, Subject: "ring", Told: json.RawMessage(`{"signal_name":"ring","payload":{"n":1}}`)}
	eight := saga.Tick(time.Date(2027, 1, 1, 8, 0, 0, 0, time.UTC))
	const filter = `, filter: 'record.status == "paid" && old_record.status != "paid"'`
	for _, c := range []struct {
		name, trigger string
		on            saga.Occasion
		want          string
	}{
		{"a tick", "type: schedule, cron: '0 8 * * *'", eight, `{}`},
		{"a tick with an input", "type: schedule, cron: '0 8 * * *', input: {n: 1, at: '${scheduled_at}', day: '${scheduled_at.getDate()}'}", eight, `{"at":"2027-01-01T08:00:00Z","day":1,"n":1}`},
		{"a tick of another schedule", "type: schedule, cron: '0 9 * * *'", eight, "not"},
		{"a row", "type: entity_update, entity: orders", order(paid), paid},
		{"a row with an input", "type: entity_update, entity: orders, input: {id: '${record.id}', total: '${record.total}', was: '${old_record.status}', op: '${event.type}'}", order(paid), `{"id":"o1","op":"UPDATE","total":12.5,"was":"new"}`},
		{"a row that passes", "type: entity_update, entity: orders" + filter, order(paid), paid},
		{"a row that does not", "type: entity_update, entity: orders" + filter, order(unpaid), "not"},
		{"a row of which the filter cannot tell", "type: entity_update, entity: orders, filter: record.colour == 1", order(paid), "expression record.colour == 1 (/trigger/filter): no such key: colour"},
		{"another entity", "type: entity_update, entity: refunds", order(paid), "not"},
		{"another change", "type: entity_insert, entity: orders", order(paid), "not"},
		{"a signal", "type: signal, signal_name: ring", signal, `{"n":1}`},
		{"a signal with an input", "type: signal, signal_name: ring, input: {n: '${payload.n + 1}'}", signal, `{"n":2}`},
		{"another signal", "type: signal, signal_name: song", signal, "not"},
		{"nothing by itself", "type: api_call", eight, "not"},
	} {
		input, fires, err := parsed(t, triggered(c.trigger, "")).Fires(c.on)
		got := string(input)
		switch {
		case err != nil:
			got = err.Error()
		case !fires:
			got = "not"
		}
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestADefinitionOfEarlierRulesRunsAsEver(t *testing.T) {
	const content = `{"id":"w","steps":[{"activity":{"type":"log_event"},"id":"a","type":"activity"}],"trigger":%s}`
	for _, trigger := range []string{`{"cron":5,"type":"schedule"}`, `{"cron":"5","type":"schedule"}`} {
		source := fmt.Sprintf(content, trigger)
		if d, _ := definition.Parse([]byte(source)); d != nil {
			t.Fatalf("%s is refused by no rule of today", trigger)
		}
		d, problems := definition.Load([]byte(source))
		if d == nil {
			t.Fatal(problems)
		}
		if by, _ := d.StartsBy(); by != "" || d.Schedule() != nil {
			t.Errorf("%s: it is started by %s", trigger, by)
		}
		if want := sha256.Sum256([]byte(source)); string(d.Content) != source || d.Hash != hex.EncodeToString(want[:]) {
			t.Errorf("%s: its content is %s, its hash %s", trigger, d.Content, d.Hash)
		}
	}
	sound, _ := definition.Parse([]byte(triggered("type: manual", "")))
	if again, _ := definition.Load(sound.Content); again.Hash != sound.Hash {
		t.Errorf("hashes %s, %s", again.Hash, sound.Hash)
	}
	if d, problems := definition.Load([]byte(`{"id":"w","trigger":{"type":"schedule"},"steps":[]}`)); d != nil || !strings.Contains(problems.Error(), "/steps") {
		t.Errorf("what is wrong elsewhere is wrong: %v", problems)
	}
}
