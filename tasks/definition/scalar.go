package definition

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/osp-platform/osp/internal/sentence"
)

// The plain scalars of YAML 1.2's core schema that are no strings. Octal and binary numbers, yes and no, dates: strings.
var (
	isNumber = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?$`).MatchString
	isLoose  = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+\.?[0-9]*)([eE][-+]?[0-9]{1,3})?$|^0[xo][0-9a-fA-F]+$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$`).MatchString
)

// scalar is the value of a scalar node by YAML 1.2's core schema, whatever older versions would have made of it.
func scalar(n *yaml.Node) (any, error) {
	if n.Style != 0 { // quoted, or a block
		return n.Value, nil
	}
	switch n.Value {
	case "", "~", "null", "Null", "NULL":
		return nil, nil //nolint:nilnil // null is a value
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	switch {
	case isNumber(n.Value):
		return number(n.Value)
	case isLoose(n.Value):
		return nil, fmt.Errorf("%s is not a number as JSON has them: write it in quotes, or as a plain decimal number", sentence.Shorten(n.Value, 40))
	}
	return n.Value, nil
}

func number(s string) (any, error) {
	if s[0] == '+' {
		s = s[1:]
	}
	if _, err := strconv.ParseFloat(s, 64); err != nil || len(s) > 40 {
		return nil, errors.New("this number is too large")
	}
	return json.Number(s), nil
}
