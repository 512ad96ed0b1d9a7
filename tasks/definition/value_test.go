package definition_test

import (
	"testing"
)

// TestTemplatesKeepTheirValues fills in params of every kind.
func TestTemplatesKeepTheirValues(t *testing.T) {
	const input = `input: {amount: 5, name: "Ada <3", n: 7, tags: [a, 1.5, {b: null}]}`
	for params, want := range map[string]string{
		`"${name}"`:         `"Ada <3"`,
		`"${n}"`:            `7`,
		`"${amount}"`:       `5`,
		`"${amount * 1.5}"`: `7.5`,
		`"${n + 1}"`:        `8`,
		`"${tags}"`:         `["a",1.5,{"b":null}]`,
		`"${tags[2].b}"`:    `null`,
		`"${input}"`:        `{"amount":5,"n":7,"name":"Ada <3","tags":["a",1.5,{"b":null}]}`,
		`"Dear ${name}, ${n} ${tags}${before.x}"`:                  `"Dear Ada <3, 7 [\"a\",1.5,{\"b\":null}]<before.x>"`,
		`"$${name} costs $5"`:                                      `"${name} costs $5"`,
		`"${amount > 4 ? 'dear' : 'cheap'}"`:                       `"dear"`,
		`"${amount > 4}"`:                                          `true`,
		`"${ {'a': [n]} }"`:                                        `{"a":[7]}`,
		`{x: ["${n}", 1.50, yes], y: 2026-12-24}`:                  `{"x":[7,1.50,"yes"],"y":"2026-12-24"}`,
		`"${task.id} ${string(task.created_at)}"`:                  `"simulated 2000-01-01T00:00:00Z"`,
		`"${timestamp('2026-12-24T00:00:00Z') + duration('24h')}"`: `"2026-12-25T00:00:00Z"`,
		`"${tags.filter(t, t == 'a').map(t, t + '!')}"`:            `["a!"]`,
		`"${n} and ${secrets.KEY}"`:                                `"7 and ${secrets.KEY}"`,
		`12345678901234567890`:                                     `12345678901234567890`,
	} {
		d := parsed(t, with(params))
		run, err := d.Simulate(script(t, d, input))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(run.Moves[len(run.Moves)-1].Calls[0].Params); got != `{"v":`+want+`}` {
			t.Errorf("%s\n got %s\nwant %s", params, got, want)
		}
	}
}

// TestWhatIsAbsentIsNull has input fields that are not required.
func TestWhatIsAbsentIsNull(t *testing.T) {
	for params, want := range map[string]string{
		`"${note}"`:                         `null`,
		`"a${note}b"`:                       `"ab"`,
		`"${note == null ? 'none' : note}"`: `"none"`,
		`"${has(input.note)}"`:              `false`,
		`"${address.city}"`:                 `null`,
		`"${input.address.city == 'Bonn'}"`: `false`,
	} {
		d := parsed(t, `
id: w
input_schema:
  type: object
  properties: {note: {type: string}, address: {type: object, properties: {city: {type: string}}}}
steps:
  - {id: s, type: activity, activity: {type: log_event, params: {v: `+params+`}}}`)
		run, err := d.Simulate(script(t, d, ""))
		if err != nil {
			t.Fatal(err)
		}
		if len(run.Moves) == 0 || string(run.Moves[0].Calls[0].Params) != `{"v":`+want+`}` {
			t.Fatalf("%s: %+v, want %s", params, run, want)
		}
	}
}
