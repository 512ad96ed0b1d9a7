package tasks

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/osp-platform/osp/internal/sentence"
)

// template is a string with references in it: literals and references in turn.
//
//	${steps.<step>.status}  ${steps.<step>.headers.<name>}  ${steps.<step>.body.<a.b.0.c>}   an earlier step's answer
//	${do.…}                                                  in an undo: the answer to the step's own do
//	${input.data.<a.b.0.c>}                                  the task's input
//	${secrets.<NAME>}                                        a secret, in headers and bodies
//	$${                                                      the characters ${
type template []part

// part is a literal, or a reference.
type part struct {
	literal string
	ref     *reference
}

// reference is a value by its name.
type reference struct {
	root root
	step string   // of an earlier step
	path []string // below the root, or the step
}

// root is where a reference starts.
type root string

const (
	rootSteps   root = "steps"
	rootDo      root = "do"
	rootInput   root = "input"
	rootSecrets root = "secrets"
)

// String gives the reference as it is written.
func (r *reference) String() string {
	names := []string{string(r.root)}
	if r.root == rootSteps {
		names = append(names, r.step)
	}
	return "${" + strings.Join(append(names, r.path...), ".") + "}"
}

// hasTemplate tells whether s would be more than a literal.
func hasTemplate(s string) bool { return strings.Contains(s, "${") }

// parseTemplate reads a template. Any string without ${ is one.
func parseTemplate(s string) (template, error) {
	var t template
	var literal strings.Builder
	for {
		before, rest, found := strings.Cut(s, "${")
		literal.WriteString(before)
		if !found {
			return t.with(literal.String()), nil
		}
		if escaped, ok := strings.CutSuffix(literal.String(), "$"); ok && strings.HasSuffix(before, "$") {
			literal.Reset()
			literal.WriteString(escaped + "${")
			s = rest
			continue
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("%q has no closing brace; write $${ for the characters ${", sentence.Shorten("${"+rest, 40))
		}
		ref, err := parseReference(name)
		if err != nil {
			return nil, fmt.Errorf("${%s}: %w", sentence.Shorten(name, 80), err)
		}
		t = append(t.with(literal.String()), part{ref: ref})
		literal.Reset()
		s = after
	}
}

func (t template) with(literal string) template {
	if literal == "" {
		return t
	}
	return append(t, part{literal: literal})
}

// secretMark begins the name of a secret.
const secretMark = "${secrets."

// parseSecrets reads a template in which nothing but the name of a secret stands for something else.
func parseSecrets(s string) (template, error) {
	var t template
	for {
		before, rest, found := strings.Cut(s, secretMark)
		t = t.with(before)
		if !found {
			return t, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed || !validSecret(name) {
			return nil, fmt.Errorf("%q is not the name of a secret, such as ${secrets.PAYMENT_KEY}", sentence.Shorten(secretMark+rest, 80))
		}
		t = append(t, part{ref: &reference{root: rootSecrets, path: []string{name}}})
		s = after
	}
}

// validSegment keeps names readable: anything but what ends a name, and characters that nobody sees. As a regular
// expression it would take 5 MB, 128 times the table of such characters.
func validSegment(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= 1 && n <= 128 && !strings.ContainsFunc(s, func(r rune) bool {
		return strings.ContainsRune(`.{}$" `, r) || unicode.Is(unicode.C, r)
	})
}

var validSecret = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`).MatchString

// maxDepth bounds how many names a reference may have.
const maxDepth = 32

func parseReference(s string) (*reference, error) {
	names := strings.Split(s, ".")
	if len(names) > maxDepth {
		return nil, fmt.Errorf("it has more than %d names", maxDepth)
	}
	for _, name := range names {
		if !validSegment(name) {
			return nil, fmt.Errorf("%q is not a name; write names with dots between them, such as steps.charge.body.id", name)
		}
	}
	r := &reference{root: root(names[0]), path: names[1:]}
	return r, r.check()
}

// check splits the step off, and holds the rest to what there is below its root.
func (r *reference) check() error {
	switch r.root {
	case rootSteps:
		if len(r.path) == 0 {
			return errors.New("name the step, such as steps.charge.body.id")
		}
		r.step, r.path = r.path[0], r.path[1:]
		return checkAnswer(r.path)
	case rootDo:
		return checkAnswer(r.path)
	case rootInput:
		if len(r.path) == 0 || r.path[0] != "data" {
			return errors.New("write input.data and what you want of it")
		}
	case rootSecrets:
		if len(r.path) != 1 || !validSecret(r.path[0]) {
			return errors.New("write secrets and the name of the secret, such as secrets.PAYMENT_KEY")
		}
	default:
		return fmt.Errorf("%q is not known; a template begins with steps, do, input or secrets", sentence.Shorten(string(r.root), 40))
	}
	return nil
}

// checkAnswer holds a path to what a step's output has.
func checkAnswer(path []string) error {
	switch {
	case len(path) == 1 && path[0] == "status", len(path) == 2 && path[0] == "headers", len(path) > 0 && path[0] == "body":
		return nil
	}
	return errors.New("an answer has status, headers.<name> and body")
}

// whole returns the reference if the template is exactly that.
func (t template) whole() *reference {
	if len(t) == 1 {
		return t[0].ref
	}
	return nil
}

// dynamic tells whether there is any reference in the template.
func (t template) dynamic() bool {
	return slices.ContainsFunc(t, func(p part) bool { return p.ref != nil })
}

// String gives the template as it is written.
func (t template) String() string {
	var b strings.Builder
	for _, p := range t {
		if p.ref != nil {
			b.WriteString(p.ref.String())
			continue
		}
		b.WriteString(strings.ReplaceAll(p.literal, "${", "$${"))
	}
	return b.String()
}
