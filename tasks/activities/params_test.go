package activities_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/osp-platform/osp/tasks"
	"github.com/osp-platform/osp/tasks/activities"
	"github.com/osp-platform/osp/tasks/definition"
)

// told is what checking a definition says of one param of an activity, and of what is in it.
func told(t *testing.T, activity, name string, value any) string {
	t.Helper()
	source, err := json.Marshal(map[string]any{"id": "w", "steps": []any{map[string]any{
		"id": "s", "type": "activity", "activity": map[string]any{"type": activity, "params": map[string]any{name: value}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	_, problems := definition.Parse(source)
	all := ""
	for _, p := range problems {
		if at := "/steps/0/activity/params/" + name; p.Pointer == at || strings.HasPrefix(p.Pointer, at+"/") {
			all += p.Detail + "\n"
		}
	}
	return all
}

// checked are the params that a definition may give an activity; none: any.
func checked(t *testing.T, activity string) []string {
	t.Helper()
	_, list, _ := strings.Cut(strings.TrimSuffix(told(t, activity, "nobody", 1), ".\n"), "it takes ")
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// decoded are the params that an activity decodes; those of the activities on rows are held to the types that do the same.
func decoded(t *testing.T, activity string) []string {
	t.Helper()
	names := map[string]bool{}
	if into := activities.Params[activity]; into != nil {
		for i := range into.NumField() {
			name, _, _ := strings.Cut(into.Field(i).Tag.Get("json"), ",")
			names[name] = activity != "query_entity" || name != "data"
		}
	}
	types, err := tasks.NewCatalogue(tasks.Builtin(nil, nil)...)
	if err != nil {
		t.Fatal(err)
	}
	same, row := types.Type("entity." + strings.TrimSuffix(activity, "_entity"))
	var schema struct{ Properties map[string]any }
	if row {
		if err := json.Unmarshal(same.Input, &schema); err != nil {
			t.Fatal(err)
		}
	}
	maps.DeleteFunc(names, func(name string, takes bool) bool { return !takes || row && schema.Properties[name] == nil })
	return slices.Sorted(maps.Keys(names))
}

// TestDefinitionsAreHeldToTheParamsThatThereAre holds what is checked of params with a definition to what activities decode,
// both ways: the same names, and the same sorts of values, but where any JSON is decoded and looked at later.
func TestDefinitionsAreHeldToTheParamsThatThereAre(t *testing.T) {
	for activity := range activities.New(newWorld(t).options).TakeSecrets() {
		names := checked(t, activity)
		if want := decoded(t, activity); !slices.Equal(names, want) {
			t.Errorf("%s takes %v, and is checked for %v", activity, want, names)
			continue
		}
		for _, name := range names {
			anyJSON := strings.Contains(field(activities.Params[activity], name).Type.String(), "RawMessage")
			for _, sample := range []string{`"x"`, `7`, `7.5`, `true`, `["x"]`, `[7]`, `{}`, `{"a": "x"}`, `{"a": 7}`} {
				raw := fmt.Appendf(nil, `{%q: %s}`, name, sample)
				d := json.NewDecoder(bytes.NewReader(raw))
				d.DisallowUnknownFields()
				err := d.Decode(reflect.New(activities.Params[activity]).Interface())
				refused := told(t, activity, name, json.RawMessage(sample))
				switch ofAnotherSort := strings.Contains(refused, "and must be") || strings.Contains(refused, "no whole number"); {
				case err != nil && refused == "":
					t.Errorf("%s with %s is accepted, and does not act: %v", activity, raw, err)
				case err == nil && ofAnotherSort && !anyJSON:
					t.Errorf("%s with %s would act, and is refused: %s", activity, raw, refused)
				}
			}
		}
	}
}

func field(of reflect.Type, name string) (found reflect.StructField) {
	for field := range of.Fields() {
		if tag, _, _ := strings.Cut(field.Tag.Get("json"), ","); tag == name {
			found = field
		}
	}
	return found
}

// TestSecretsMayStandWhereActivitiesTakeThem holds the check of a definition to what activities refuse.
func TestSecretsMayStandWhereActivitiesTakeThem(t *testing.T) {
	for activity, takes := range activities.New(newWorld(t).options).TakeSecrets() {
		names := checked(t, activity)
		if len(names) == 0 {
			names = []string{"any"}
		}
		allowed := slices.DeleteFunc(names, func(name string) bool {
			refused := ""
			for _, v := range []any{"${secrets.KEY}", map[string]any{"a": "${secrets.KEY}"}} {
				refused += told(t, activity, name, v)
			}
			return strings.Contains(refused, "ecret")
		})
		if takes != (len(allowed) > 0) {
			t.Errorf("%s takes secrets: %t; they may stand in %v", activity, takes, allowed)
		}
	}
}
