package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
	"github.com/osp-platform/osp/tasks/activities"
)

// lossy loses the answer to the first two mails.
type lossy struct {
	ids map[string]int
}

// Send implements [activities.Mailer].
func (l lossy) Send(_ context.Context, m activities.Mail) (string, error) {
	if l.ids[m.ID]++; l.ids[m.ID] < 3 {
		return "", errors.New("the answer was lost")
	}
	return m.ID, nil
}

func TestValidateData(t *testing.T) {
	w := newWorld(t)
	const data = `data: {name: Zoë, age: 17, tags: [a, b], blank: " ", none: null, lines: [{sku: x}]}, `
	for _, c := range []struct{ params, want string }{
		{`required: [name, lines.0.sku]`, ""},
		{`required: [name, nick, blank, none, lines.1.sku]`, "nick: it is missing; blank: it is missing; none: it is missing; lines.1.sku: it is missing"},
		{`types: {name: string, age: integer, tags: array, lines: array, lines.0: object, nick: boolean}`, ""},
		{`types: {name: number, age: boolean}`, "age: it must be of type boolean; name: it must be of type number"},
		{`types: {name: text}`, `/params/types/name: "text" is no type: write one of array, boolean, integer, number, object, string`},
		{`rules: [{field: name, type: required}, {field: age, type: min_value, value: 17}, {field: age, type: max_value, value: 17}]`, ""},
		{`rules: [{field: age, type: min_value, value: 18, message: You must be 18.}, {field: age, type: max_value, value: 16.5}]`, "age: You must be 18.; age: it is more than 16.5"},
		{`rules: [{field: nick, type: required}, {field: nick, type: min_value, value: 1}]`, "nick: it is missing"},
		{`rules: [{field: name, type: min_value, value: 1}]`, "name: it is not a number"},
		{`rules: [{field: name, type: min_value, value: x}]`, "/params/rules/0/value: this must be a number"},
		{`rules: [{field: name, type: pattern, value: "^Z"}, {field: age, type: pattern, value: "^1"}]`, "age: it is not a text"},
		{`rules: [{field: name, type: pattern, value: "^z"}]`, "name: it does not match ^z"},
		{`rules: [{field: name, type: pattern, value: "("}]`, "/params/rules/0/value: this is not a regular expression"},
		{`rules: [{field: name, type: email}]`, `/params/rules/0/type: "email" is no rule: write one of max_value, min_value, pattern, required`},
		{`rules: [{type: required}]`, "/params/rules/0/field: this is missing"},
		{`schema: {type: object, properties: {age: {type: integer}}}`, ""},
		{`schema: {properties: {age: {minimum: 18}, name: {enum: [x]}}}`, `/age: 17 is too small: give at least 18; /name: "Zoë" is not one of "x"`},
		{`schema: {type: 7}`, "/params/schema: this is not a JSON Schema"},
		{`schema: {$ref: "https://example.com/x.json"}`, "/params/schema: this is not a JSON Schema"},
		{`rule: []`, "/params/rule: validate_data has no such param"},
	} {
		w.n += 1000
		if c.want == "" {
			w.same(c.params, w.output("validate_data", `{`+data+c.params+`}`, `{}`), `{"valid":true}`)
			continue
		}
		w.fails("validate_data", `{`+data+c.params+`}`, `{}`, c.want)
	}
	w.n += 1000
	w.fails("validate_data", `{required: [a]}`, `{}`, `validate_data needs the param "data"`)
	w.n += 1000
	many := strings.TrimSuffix(strings.Repeat("x, ", 25), ", ")
	w.fails("validate_data", `{data: {}, required: [`+many+`]}`, `{}`, "; and 5 more")
}

func TestTransformData(t *testing.T) {
	w := newWorld(t)
	got := w.output("transform_data", `{lines: "${input.lines.map(l, l.n + 1)}"}`, `{"lines": [{"n": 1}, {"n": 2}]}`)
	w.same("output", got, `{"lines":[2,3]}`)
	w.n += 1000
	w.fails("transform_data", `{key: "${secrets.KEY}"}`, `{}`, "transform_data takes no secrets")
}

func TestLogEvent(t *testing.T) {
	w := newWorld(t)
	w.run(one("log_event", `
        event: "${input.event}"
        level: warn
        order: {id: 12345678901234567890, note: "<a>"}
        password: abc
        key: ${secrets.STRIPE_KEY}
        list: [{X-Api-Key: abc}]`), `{"event": "picking\n{\"level\":\"ERROR\"}"}`)
	var line map[string]any
	if err := json.Unmarshal(w.log.Bytes(), &line); err != nil {
		t.Fatalf("%v in %s", err, w.log.String())
	}
	const fields = `{"key":"${secrets.STRIPE_KEY}","list":[{"X-Api-Key":"[hidden]"}],"order":{"id":12345678901234567890,"note":"<a>"},"password":"[hidden]"}`
	raw, _ := json.Marshal(line["fields"])
	w.same("fields", string(raw), fields)
	if line["event"] != "picking\n{\"level\":\"ERROR\"}" || line["level"] != "WARN" || line["service"] != w.schema ||
		line["step"] != "s" || line["task"] != fmt.Sprintf("task-%d", w.n) || !strings.Contains(w.log.String(), "12345678901234567890") {
		t.Errorf("the line is %s", w.log.String())
	}
}

func TestEventsInTheLogAreBounded(t *testing.T) {
	w := newWorld(t)
	w.n += 1000
	w.ended(w.run(one("log_event", `{event: "${input.v}", level: loud, v: "${input.v}"}`), `{"v": "`+strings.Repeat("x", 100_000)+`"}`), saga.Completed, "")
	if n := w.log.Len(); n < 4<<10 || n > 5<<10 {
		t.Errorf("the line has %d bytes", n)
	}
	if !strings.Contains(w.log.String(), `"level":"INFO"`) {
		t.Errorf("the line is %s", w.log.String())
	}
}

func TestADelayInACompensation(t *testing.T) {
	a := activities.New(activities.Options{})
	wait, err := a.Action("delay")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if _, err := wait.Do(t.Context(), saga.Call{Undo: true}, json.RawMessage(`{"seconds":2.5}`)); err != nil || time.Since(began) != 2500*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := wait.Do(ctx, saga.Call{Undo: true}, json.RawMessage(`{"seconds":20}`)); !errors.Is(err, context.DeadlineExceeded) || saga.IsPermanent(err) {
			t.Errorf("%v", err)
		}
		for _, params := range []string{`{"seconds":26}`, `{"seconds":-1}`, `{"seconds":"x"}`, `{"minutes":1}`} {
			if _, err := wait.Do(t.Context(), saga.Call{Undo: true}, json.RawMessage(params)); !saga.IsPermanent(err) || !saga.IsDefinite(err) {
				t.Errorf("%s: %v", params, err)
			}
		}
	})
}

// everyActivity are all that a definition may name.
var everyActivity = []string{
	"create_entity", "update_entity", "delete_entity", "query_entity", "send_email", "send_sms", "post_webhook", "call_api",
	"call_stripe", "call_openai", "update_manifest", "trigger_agent", "log_event", "delay", "transform_data", "validate_data",
}

func TestEveryActivityIsThere(t *testing.T) {
	a := activities.New(activities.Options{})
	for _, name := range everyActivity {
		made, err := a.Action(name)
		undone := name == "create_entity" || name == "update_entity" || name == "delete_entity"
		if err != nil || made.Do == nil || (made.Undo != nil) != undone {
			t.Errorf("%s: %v, undone by the engine: %t", name, err, made.Undo != nil)
		}
	}
	if _, err := a.Action("execute_sql"); err == nil || err.Error() != `this program has no activity "execute_sql"` {
		t.Errorf("%v", err)
	}
}

// deaf takes nothing.
type deaf struct{}

// Apply implements [tasks.Effects].
func (deaf) Apply(context.Context, saga.Fence, string, json.RawMessage) (json.RawMessage, error) {
	return nil, saga.Permanent(errors.New("deaf"))
}

// Call implements [activities.Caller].
func (deaf) Call(context.Context, saga.Call, tasks.HTTPCall) (json.RawMessage, error) {
	return nil, saga.Permanent(errors.New("deaf"))
}

// Send implements [activities.Mailer].
func (deaf) Send(_ context.Context, m activities.Mail) (string, error) {
	if strings.ContainsAny(m.Subject, "\r\n") || len(m.To) == 0 {
		panic("this should have been refused")
	}
	return "", saga.Permanent(errors.New("deaf"))
}

// FuzzParams has no params panic.
func FuzzParams(f *testing.F) {
	f.Add(0, `{"entity":"item","data":{"name":"x"}}`)
	f.Add(4, `{"to":["a@example.com"],"subject":"s","text":"t"}`)
	f.Add(5, `{"to":"+49 1","text":"t"}`)
	f.Add(7, `{"url":"https://x.example/","headers":{"a":"b"},"body":null}`)
	f.Add(12, `{"event":"e","level":"warn","x":{"token":[1]}}`)
	f.Add(15, `{"data":{"a":1},"required":["a.0"],"types":{"a":"integer"},"rules":[{"field":"a","type":"pattern","value":"a*"}],"schema":{"type":"object"}}`)
	gateway, err := activities.NewGateway(activities.GatewayOptions{URL: "https://sms.example.com/", HTTP: deaf{}})
	if err != nil {
		f.Fatal(err)
	}
	types, err := tasks.NewCatalogue(tasks.Builtin(nil, nil)...)
	if err != nil {
		f.Fatal(err)
	}
	a := activities.New(activities.Options{
		Effects: deaf{}, Types: types, HTTP: deaf{}, Mailer: deaf{}, SMS: gateway, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	f.Fuzz(func(t *testing.T, i int, params string) {
		name := everyActivity[uint(i)%uint(len(everyActivity))]
		if !json.Valid([]byte(params)) || name == "delay" {
			return
		}
		act, err := a.Action(name)
		if err != nil {
			t.Fatal(err)
		}
		c := saga.Call{Task: saga.Created{ID: "t", Service: "s", Owner: "u"}, Path: "s", Key: "t/s/do/0"}
		out, err := act.Do(t.Context(), c, json.RawMessage(params))
		if err == nil && len(out) > 0 && !json.Valid(out) || err != nil && !saga.IsPermanent(err) {
			t.Errorf("%s %s: %s, %v", name, params, out, err)
		}
	})
}
