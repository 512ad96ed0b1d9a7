package reference

import (
	"fmt"
	"strings"
)

// shaped is what a value may be, in words; Link is the schema that says more.
type shaped struct{ Text, Link string }

// shape says what a value of a schema is.
func shape(s schema) shaped {
	switch {
	case s.Ref != "":
		return shaped{last(s.Ref), last(s.Ref)}
	case s.Items != nil:
		of := shape(*s.Items)
		return shaped{"array of " + of.Text, of.Link}
	case s.Const != nil:
		return shaped{Text: fmt.Sprintf("%q", fmt.Sprint(s.Const))}
	case len(s.Enum) > 0:
		return shaped{Text: oneOf(s.Enum)}
	}
	several := s.OneOf
	if len(several) == 0 {
		several = s.AnyOf
	}
	if len(several) > 0 {
		texts, link := make([]string, len(several)), ""
		for i, one := range several {
			of := shape(one)
			texts[i] = of.Text
			if of.Link != "" {
				link = of.Link
			}
		}
		return shaped{strings.Join(texts, " or "), link}
	}
	if len(s.Type) == 0 {
		return shaped{Text: "any JSON"}
	}
	text := strings.Join(s.Type, " or ")
	if s.Format != "" {
		text += " (" + s.Format + ")"
	}
	return shaped{Text: text}
}

func oneOf(values []any) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, " | ")
}

// bounds says what else holds for a value.
func bounds(s schema) string {
	var all []string
	for _, b := range []struct {
		words string
		value any
	}{
		{"default", s.Default},
		{"at least", s.Minimum},
		{"at most", s.Maximum},
		{"characters at least", s.MinLength},
		{"characters at most", s.MaxLength},
		{"entries at least", s.MinItems},
		{"entries at most", s.MaxItems},
	} {
		if b.value != nil {
			all = append(all, fmt.Sprint(b.words, " ", b.value))
		}
	}
	if s.Pattern != "" {
		all = append(all, "matches "+s.Pattern)
	}
	return strings.Join(all, "; ")
}
