package definition

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/osp-platform/osp/internal/sentence"
)

// segment is a piece of a string: text, or an expression that stood in ${…}.
type segment struct {
	text string
	expr bool
}

// split takes a string apart at its templates. $${ stands for the characters ${.
func split(s string) ([]segment, error) {
	var list []segment
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			list = append(list, segment{text: text.String()})
			text.Reset()
		}
	}
	for {
		before, rest, found := strings.Cut(s, "${")
		if !found {
			text.WriteString(s)
			flush()
			return list, nil
		}
		if escaped, ok := strings.CutSuffix(before, "$"); ok {
			if strings.HasPrefix(rest, rootSecrets+".") {
				return nil, errors.New("$${secrets.…} would be taken for a secret later on: it cannot be written here")
			}
			text.WriteString(escaped + "${")
			s = rest
			continue
		}
		end, err := closing(rest)
		if err != nil {
			return nil, err
		}
		text.WriteString(before)
		flush()
		list = append(list, segment{text: strings.TrimSpace(rest[:end]), expr: true})
		s = rest[end+1:]
	}
}

// closing finds the brace that closes a template, past strings and braces inside it.
func closing(s string) (int, error) {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"', '\'':
			i = pastString(s, i) - 1
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return i, nil
			}
			depth--
		}
	}
	return 0, fmt.Errorf("${%s has no closing brace; write $${ for the characters ${", sentence.Shorten(s, 40))
}

// pastString is the place after the string literal that begins at i.
func pastString(s string, i int) int {
	quote := s[i]
	for i++; i < len(s) && s[i] != quote; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(s))
}

// untemplated turns an expression with templates in it, ${a.b} == "c", into one without: (a.b) == "c".
func untemplated(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); {
		switch {
		case s[i] == '"' || s[i] == '\'':
			end := pastString(s, i)
			if strings.Contains(s[i:end], "${") {
				return "", fmt.Errorf("%s is a string with a template in it: write the template without quotes", sentence.Shorten(s[i:end], 60))
			}
			b.WriteString(s[i:end])
			i = end
		case strings.HasPrefix(s[i:], "${"):
			end, err := closing(s[i+2:])
			if err != nil {
				return "", err
			}
			inner := strings.TrimSpace(s[i+2 : i+2+end])
			if inner == "" {
				return "", errors.New("${} is empty: write what is meant")
			}
			b.WriteString("(" + inner + ")")
			i += end + 3
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return b.String(), nil
}

// secret is a template that names a secret. It is resolved by whoever carries the activity out, at the last moment.
var secret = regexp.MustCompile(`^secrets\.[A-Za-z_][A-Za-z0-9_]{0,63}$`).MatchString

// secretMark begins a template that names a secret.
const secretMark = "${secrets."
