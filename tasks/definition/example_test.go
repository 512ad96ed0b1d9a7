package definition_test

import (
	"fmt"
	"os"

	"github.com/osp-platform/osp/tasks/definition"
)

// A definition is checked, and tried out without any effect.
func Example() {
	d, problems := definition.Parse([]byte(`
id: greet
input_schema: {type: object, required: [name], properties: {name: {type: string}}}
steps:
  - {id: find, type: activity, activity: {type: query_entity, params: {entity: people, id: "${name}"}}}
  - id: save
    type: activity
    activity: {type: create_entity, params: {entity: greetings, data: {text: "Hello ${find.first_name}"}}}`))
	if d == nil {
		fmt.Println(problems)
		return
	}
	script, _ := d.ParseScript([]byte(`{input: {name: ada}, outputs: {find: {first_name: Ada}}}`))
	script.FailAt = "save"
	run, err := d.Simulate(script)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = run.Table(os.Stdout)
	// Output:
	// greet, when save fails: failed, all undone
	// #  AFTER  MOVE       STEP  WHAT           RESULT
	// 1  0s     do         find  query_entity   done
	// 2  0s     do         save  create_entity  fails: it fails for good
	// 3  0s     turn back                       step save: it fails for good
	// 4  0s     undo       save  create_entity  done
}
