package dialect

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// order is that of the members that have one; the others follow by name.
var order = []string{
	"id", "name", "description", "version", "field", "type", "trigger", "input_schema", "timeout_seconds", "on_error", "signals", "queries",
	"entity", "to", "subject", "text", "steps", "activity", "params", "next",
}

// write gives a value as YAML, in an order for people.
func write(v any) (string, error) {
	node, err := nodeOf(v)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(node); err != nil {
		return "", fmt.Errorf("write YAML: %w", err)
	}
	return out.String(), nil
}

func nodeOf(v any) (*yaml.Node, error) {
	switch v := v.(type) {
	case map[string]any:
		node := &yaml.Node{Kind: yaml.MappingNode}
		for _, key := range slices.SortedFunc(maps.Keys(v), byOrder) {
			if err := add(node, key, v[key]); err != nil {
				return nil, err
			}
		}
		return node, nil
	case []any:
		node := &yaml.Node{Kind: yaml.SequenceNode}
		return node, add(node, v...)
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: v.String()}, nil
	default:
		node := &yaml.Node{}
		return node, node.Encode(v)
	}
}

// add appends values to a list, or a key with its value to an object.
func add(node *yaml.Node, values ...any) error {
	for _, v := range values {
		item, err := nodeOf(v)
		if err != nil {
			return err
		}
		node.Content = append(node.Content, item)
	}
	return nil
}

func byOrder(a, b string) int {
	rank := func(name string) int {
		if i := slices.Index(order, name); i >= 0 {
			return i
		}
		return len(order)
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}
