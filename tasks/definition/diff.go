package definition

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/osp-platform/osp/saga"
)

// Differences tells in what two definitions in JSON differ, the innermost places. Steps are compared by their ids: where one
// was put in between, the others have not changed; another order of those that stayed is one difference, of /steps.
func Differences(older, newer []byte) ([]saga.Difference, error) {
	from, err := numbered(older)
	if err != nil {
		return nil, err
	}
	to, err := numbered(newer)
	if err != nil {
		return nil, err
	}
	c := comparison{list: []saga.Difference{}}
	c.values("", from, to)
	return c.list, nil
}

// numbered reads JSON with its numbers as they are written.
func numbered(raw []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("decode a definition: %w", err)
	}
	return v, nil
}

type comparison struct {
	list []saga.Difference
}

func (c *comparison) values(at string, a, b any) {
	if reflect.DeepEqual(a, b) {
		return
	}
	switch a := a.(type) {
	case map[string]any:
		if b, ok := b.(map[string]any); ok {
			c.objects(at, a, b)
			return
		}
	case []any:
		if b, ok := b.([]any); ok {
			c.lists(at, a, b)
			return
		}
	}
	c.differ(at, a, b, true, true)
}

func (c *comparison) objects(at string, a, b map[string]any) {
	names := slices.Sorted(maps.Keys(a))
	for name := range b {
		if _, both := a[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		old, was := a[name]
		now, is := b[name]
		c.pair(at+"/"+escape(name), old, now, was, is)
	}
}

func (c *comparison) lists(at string, a, b []any) {
	if at == "/steps" {
		c.steps(a, b)
		return
	}
	for i := range max(len(a), len(b)) {
		var old, now any
		if i < len(a) {
			old = a[i]
		}
		if i < len(b) {
			now = b[i]
		}
		c.pair(at+"/"+strconv.Itoa(i), old, now, i < len(a), i < len(b))
	}
}

// steps compares each step with the one of its id.
func (c *comparison) steps(a, b []any) {
	before, after := places(a), places(b)
	var stayed, stay []any
	for i, step := range a {
		id := idOf(step)
		if j, ok := after[id]; ok {
			stayed = append(stayed, id)
			c.values("/steps/"+strconv.Itoa(j), step, b[j])
			continue
		}
		c.differ("/steps/"+strconv.Itoa(i), step, nil, true, false)
	}
	for j, step := range b {
		id := idOf(step)
		if _, ok := before[id]; ok {
			stay = append(stay, id)
			continue
		}
		c.differ("/steps/"+strconv.Itoa(j), nil, step, false, true)
	}
	if !slices.Equal(stayed, stay) {
		c.differ("/steps", stayed, stay, true, true)
	}
}

func places(steps []any) map[string]int {
	m := make(map[string]int, len(steps))
	for i, step := range steps {
		m[idOf(step)] = i
	}
	return m
}

func idOf(step any) string {
	fields, _ := step.(map[string]any)
	id, _ := fields["id"].(string)
	return id
}

// pair compares what may be on one side only.
func (c *comparison) pair(at string, old, now any, was, is bool) {
	if was && is {
		c.values(at, old, now)
		return
	}
	c.differ(at, old, now, was, is)
}

func (c *comparison) differ(at string, old, now any, was, is bool) {
	d := saga.Difference{Pointer: at}
	if was {
		d.Old, _ = json.Marshal(old) // read from JSON
	}
	if is {
		d.New, _ = json.Marshal(now)
	}
	c.list = append(c.list, d)
}
