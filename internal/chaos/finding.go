package main

import "fmt"

// finding is a promise that was not kept.
type finding struct {
	Wrong wrong
	Task  string
	Says  string
}

// wrong is what kind of promise it was.
type wrong string

// What may be wrong.
const (
	wrongLost    wrong = "lost"    // a task without its end, an effect that is missing, one that is left over
	wrongDoubled wrong = "doubled" // an effect that happened twice, or came after its undo
	wrongElse    wrong = "wrong"
)

// String is the line that tells of the finding.
func (f finding) String() string {
	if f.Task == "" {
		return fmt.Sprintf("%s: %s", f.Wrong, f.Says)
	}
	return fmt.Sprintf("%s: task %s: %s", f.Wrong, f.Task, f.Says)
}

// findings gathers them.
type findings []finding

func (f *findings) add(w wrong, task, format string, args ...any) {
	*f = append(*f, finding{w, task, fmt.Sprintf(format, args...)})
}

// count tells how many there are of a kind.
func (f findings) count(w wrong) int {
	n := 0
	for _, x := range f {
		if x.Wrong == w {
			n++
		}
	}
	return n
}
