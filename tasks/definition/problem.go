package definition

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says what a problem means.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // the definition does not run
	Warning Severity = "warning" // it runs, and perhaps not as its author thinks
)

// Problem is something wrong with a definition.
type Problem struct {
	Severity Severity `json:"severity"`
	Pointer  string   `json:"pointer"` // JSON pointer into the definition
	Line     int      `json:"line"`    // from 1
	Column   int      `json:"column"`  // from 1, in characters
	Detail   string   `json:"detail"`
}

// String gives the problem as `line:column: severity: pointer: detail`.
func (p Problem) String() string {
	return fmt.Sprintf("%d:%d: %s: %s: %s", p.Line, p.Column, p.Severity, cmp.Or(p.Pointer, "/"), p.Detail)
}

// Problems is all that is wrong with a definition, in the order of the document.
type Problems []Problem

// Failed tells whether the definition does not run.
func (p Problems) Failed() bool {
	return slices.ContainsFunc(p, func(q Problem) bool { return q.Severity == Error })
}

// Error lists the problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, q := range p {
		lines[i] = q.String()
	}
	return strings.Join(lines, "\n")
}

// maxProblems is how many problems are told at once: the rest mostly follows from them.
const maxProblems = 100

// report collects what is wrong with one document.
type report struct {
	doc      *document
	stored   bool // it was accepted once, see [Load]
	problems Problems
}

func (r *report) errorf(pointer, format string, args ...any) {
	r.add(Error, pointer, format, args...)
}

// refusef is errorf for what only keeps a definition from being deployed: a tree can be made of it. A definition that was
// accepted once is not held to it.
func (r *report) refusef(pointer, format string, args ...any) {
	if !r.stored {
		r.add(Error, pointer, format, args...)
	}
}

func (r *report) warnf(pointer, format string, args ...any) {
	if !r.stored {
		r.add(Warning, pointer, format, args...)
	}
}

func (r *report) add(severity Severity, pointer, format string, args ...any) {
	p := Problem{Severity: severity, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}
	p.Line, p.Column = r.doc.position(pointer)
	r.problems = append(r.problems, p)
}

// sorted returns the problems in the order of the document, errors before warnings at one place.
func (r *report) sorted() Problems {
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Severity, b.Severity))
	})
	list := slices.Compact(r.problems)
	return list[:min(len(list), maxProblems)]
}
