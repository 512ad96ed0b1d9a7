package tasks

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/osp-platform/osp/internal/sentence"
)

const formType = "application/x-www-form-urlencoded"

// encodeForm writes an object as a form, in the order of its names: {"a": {"b": [1]}} as a[b][0]=1. Null is left out.
func encodeForm(object any) ([]byte, error) {
	var b strings.Builder
	members, ok := object.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a form is made of an object, not of %s", sentence.Value(object))
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if err := formField(&b, name, members[name]); err != nil {
			return nil, err
		}
	}
	return []byte(b.String()), nil
}

func formField(b *strings.Builder, name string, v any) error {
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range slices.Sorted(maps.Keys(v)) {
			if err := formField(b, name+"["+inner+"]", v[inner]); err != nil {
				return err
			}
		}
		return nil
	case []any:
		for i, item := range v {
			if err := formField(b, name+"["+strconv.Itoa(i)+"]", item); err != nil {
				return err
			}
		}
		return nil
	}
	if v == nil {
		return nil
	}
	text, isText := v.(string)
	if !isText {
		raw, err := encodeJSON(v)
		if err != nil {
			return err
		}
		text = string(raw)
	}
	if b.Len() > 0 {
		b.WriteByte('&')
	}
	b.WriteString(url.QueryEscape(name) + "=" + url.QueryEscape(text))
	return nil
}
