package tasks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/osp-platform/osp/tasks"
)

func TestServiceCreateIsCheckedBeforeItIsAccepted(t *testing.T) {
	c, err := tasks.NewCatalogue(tasks.ServiceCreate(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, input, want string }{
		{"the restaurant is fine", restaurant, ""},
		{"an input is needed", ``, "/input: This is null: give an object."},
		{
			"everything missing is told at once", `{}`,
			"/input/entities: This is missing: add it.\n/input/name: This is missing: add it.",
		},
		{
			"misspelt members are found", `{"name":"x","entitys":[],"entities":[{"name":"a","attributes":{}}]}`,
			"/input/entitys: This is not known here: remove it, or mend its spelling.",
		},
		{
			"a type is one of eight", service(`{"name":"a","attributes":{"b/c":"string","n":"varchar"}}`),
			"/input/entities/0/attributes/b~1c: This name is not allowed here: it must match ^[a-z][a-z0-9_]{0,39}$.\n" +
				`/input/entities/0/attributes/n: "varchar" is not one of "string", "text", "integer", "number", "boolean", "date", "datetime", "json".`,
		},
		{
			"entities have names of their own", service(`{"name":"a","attributes":{}},{"name":"a","attributes":{}}`),
			`/input/entities/1/name: Entity 0 is called "a" too: give each its own name.`,
		},
		{
			"a name is lower-case", service(`{"name":"Menu","attributes":{}}`),
			`/input/entities/0/name: "Menu" must match ^[a-z][a-z0-9_]{0,39}$.`,
		},
		{
			"columns of the platform are taken", service(`{"name":"a","attributes":{"id":"string","user_id":"string"}}`),
			`/input/entities/0/attributes/id: Every table has the column "id" already: remove it, or choose another name.` + "\n" +
				`/input/entities/0/attributes/user_id: Every table has the column "user_id" already: remove it, or choose another name.`,
		},
		{
			"a relationship needs its target", service(`{"name":"a","attributes":{},"relationships":{"r":{"target":"b","type":"one_to_one"}}}`),
			`/input/entities/0/relationships/r/target: There is no entity "b" in this service: add it, or mend the name.`,
		},
		{
			"a foreign key does not fit over an attribute",
			service(`{"name":"a","attributes":{"b_id":"string"},"relationships":{"b":{"target":"a","type":"many_to_one"}}}`),
			`/input/entities/0/relationships/b: It makes the column a.b_id, which is an attribute already: remove the attribute, or rename the relationship.`,
		},
		{
			"two keys do not share a column",
			service(`{"name":"a","attributes":{},"relationships":{"x":{"target":"b","type":"one_to_many"},"y":{"target":"b","type":"one_to_many"}}},{"name":"b","attributes":{}}`),
			`/input/entities/0/relationships/y: It makes the column b.a_id, and so does "x" of "a": declare both in "b" as many_to_one, each with its own name.`,
		},
		{
			"the owner's column is no relationship's",
			service(`{"name":"user","attributes":{},"relationships":{"x":{"target":"b","type":"one_to_many"},"y":{"target":"b","type":"many_to_many"}}},` +
				`{"name":"b","attributes":{},"relationships":{"b":{"target":"b","type":"many_to_many"},"z":{"target":"user","type":"many_to_many"}}}`),
			`/input/entities/0/relationships/y: Its table for pairs would have the column user_id twice: give the relationship, or the entity "user", another name.` + "\n" +
				`/input/entities/1/relationships/b: Its table for pairs would have the column b_id twice: rename the relationship.` + "\n" +
				`/input/entities/1/relationships/z: Its table for pairs would have the column user_id twice: give the relationship, or the entity "user", another name.` + "\n" +
				`/input/entities/0/relationships/x: It makes the column b.user_id, which every table has already: give the relationship, or the entity "user", another name.`,
		},
		{
			"pairs need a table of their own",
			service(`{"name":"a","attributes":{},"relationships":{"b":{"target":"a","type":"many_to_many"}}},{"name":"a_b","attributes":{}}`),
			`/input/entities/0/relationships/b: It needs a table "a_b" for its pairs, and that name is taken: rename the relationship.`,
		},
		{
			"a table's name has an end",
			service(fmt.Sprintf(`{"name":%q,"attributes":{},"relationships":{%q:{"target":%[1]q,"type":"many_to_many"}}}`, long("a"), long("b"))),
			fmt.Sprintf(`/input/entities/0/relationships/%s: Its table %q has 81 characters, and PostgreSQL takes 63: shorten a name.`, long("b"), long("a")+"_"+long("b")),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := complaints(t, c.Validate(request(test.input))); got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestSampleRowsFitTheirColumns(t *testing.T) {
	c, err := tasks.NewCatalogue(tasks.ServiceCreate(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, rows, want string }{
		{"an unknown entity", `{"b":[{}]}`, `b: There is no entity "b" in this service: add it, or mend the name.`},
		{"an unknown column", `{"a":[{"x":1}]}`, `a/0/x: "a" has no column "x": add it to the attributes, or mend the name.`},
		{"a column of the platform", `{"a":[{"user_id":"u"}]}`, `a/0/user_id: "user_id" is filled in by the platform: remove it.`},
		{"a number as string", `{"a":[{},{"s":1}]}`, `a/1/s: 1 does not fit a column of type string: give a string.`},
		{"a fraction as integer", `{"a":[{"i":1.5}]}`, `a/0/i: 1.5 does not fit a column of type integer: give a whole number of at most 64 bits.`},
		{"too large an integer", `{"a":[{"i":9223372036854775808}]}`, `a/0/i: 9223372036854775808 does not fit a column of type integer: give a whole number of at most 64 bits.`},
		{"a string as number", `{"a":[{"n":"1"}]}`, `a/0/n: "1" does not fit a column of type number: give a number.`},
		{"a word as boolean", `{"a":[{"b":"yes"}]}`, `a/0/b: "yes" does not fit a column of type boolean: give true or false.`},
		{"a day that is not", `{"a":[{"d":"2026-02-30"}]}`, `a/0/d: "2026-02-30" does not fit a column of type date: give a date such as "2026-11-23".`},
		{"a day as a time", `{"a":[{"t":"2026-02-03"}]}`, `a/0/t: "2026-02-03" does not fit a column of type datetime: give a time such as "2026-11-23T18:30:00Z".`},
		{"a list as text", `{"a":[{"x_id":[]}]}`, `a/0/x_id: [] does not fit a column of type string: give a string.`},
		{"anything as json, null as anything", `{"a":[{"j":{"k":[1]},"i":null,"x_id":null,"id":"a1","n":1e3}]}`, ``},
	} {
		t.Run(test.name, func(t *testing.T) {
			input := `{"name":"x","entities":[{"name":"a","attributes":{"s":"string","i":"integer","n":"number","b":"boolean",
				"d":"date","t":"datetime","j":"json"},"relationships":{"x":{"target":"a","type":"many_to_one"}}}],
				"sample_data":` + test.rows + `}`
			got := strings.TrimPrefix(complaints(t, c.Validate(request(input))), "/input/sample_data/")
			if got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestServiceCreateHasLimits(t *testing.T) {
	c, err := tasks.NewCatalogue(tasks.ServiceCreate(nil))
	if err != nil {
		t.Fatal(err)
	}
	var entities, columns []string
	for i := range 101 {
		columns = append(columns, fmt.Sprintf(`"c%d":"string"`, i))
		if i < 51 {
			entities = append(entities, fmt.Sprintf(`{"name":"e%d","attributes":{}}`, i))
		}
	}
	got := complaints(t, c.Validate(request(service(strings.Join(entities, ",")))))
	if want := "/input/entities: This has 51 items: at most 50 are allowed."; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	got = complaints(t, c.Validate(request(service(`{"name":"a","attributes":{`+strings.Join(columns, ",")+`}}`))))
	if want := "/input/entities/0/attributes: This has 101 members: at most 100 are allowed."; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func service(entities string) string { return `{"name":"x","entities":[` + entities + `]}` }

func long(letter string) string { return strings.Repeat(letter, 40) }
