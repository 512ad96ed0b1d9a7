package definition

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// toCEL makes a CEL value of a JSON value. A number is what its schema says; without one it is an integer where it is
// written as one, and a double otherwise.
func toCEL(v any, schema any) any {
	said, _ := schema.(map[string]any)
	switch v := v.(type) {
	case nil:
		return types.NullValue
	case json.Number:
		return numberToCEL(v, said["type"] == "number")
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = toCEL(item, said["items"])
		}
		return types.DefaultTypeAdapter.NativeToValue(list)
	case map[string]any:
		fields, _ := fieldsOf(schema)
		object := make(map[string]any, len(v))
		for name, item := range v {
			object[name] = toCEL(item, fields[name])
		}
		return types.DefaultTypeAdapter.NativeToValue(object)
	}
	return v
}

func numberToCEL(n json.Number, double bool) any {
	if i, err := n.Int64(); err == nil && !double {
		return i
	}
	f, err := n.Float64()
	if err != nil {
		return n.String()
	}
	return f
}

// fromCEL makes a JSON value of a CEL value.
func fromCEL(v ref.Val) (any, error) {
	switch v := v.(type) {
	case types.Null:
		return nil, nil //nolint:nilnil // null is a value
	case types.Bool, types.Int, types.Uint, types.Double, types.String:
		return v.Value(), nil
	case types.Bytes:
		return base64.StdEncoding.EncodeToString(v), nil
	case types.Timestamp:
		return v.Format(time.RFC3339Nano), nil
	case types.Duration:
		return v.String(), nil
	case traits.Mapper:
		return mapFromCEL(v)
	case traits.Lister:
		return listFromCEL(v)
	}
	return nil, fmt.Errorf("a value of type %s is none that JSON has", v.Type().TypeName())
}

func listFromCEL(v traits.Lister) (any, error) {
	list := []any{}
	for it := v.Iterator(); it.HasNext() == types.True; {
		item, err := fromCEL(it.Next())
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

func mapFromCEL(v traits.Mapper) (any, error) {
	object := map[string]any{}
	for it := v.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, ok := key.(types.String)
		if !ok {
			return nil, fmt.Errorf("the key %v is not a string", key)
		}
		item, err := fromCEL(v.Get(key))
		if err != nil {
			return nil, err
		}
		object[string(name)] = item
	}
	return object, nil
}
