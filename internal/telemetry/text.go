package telemetry

import (
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
)

// longest is how long a text may be.
const longest = 300

// textOf is what of s may stand in a span. OTLP is protobuf: one text that is not UTF-8 has the whole batch refused.
func textOf(s string) string {
	cut := len(s) > longest
	if cut {
		end := longest
		for end > longest-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end]
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if cut {
		s += "…"
	}
	return s
}

// text is an attribute of a span.
func text(k attribute.Key, s string) attribute.KeyValue { return k.String(textOf(s)) }
