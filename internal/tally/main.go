// Command tally reads what `go test -json` prints and says in one line how many tests there were. What failed is shown as
// go test would show it. It ends with code 1 when a test or a package failed, and when there was no test at all.
//
//	go test -json ./results/... | go run ./internal/tally supabase
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	name := "tests"
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	t := newTally()
	err := t.read(os.Stdin, os.Stdout)
	fmt.Printf("%s: %d passed, %d failed\n", name, t.passed(), t.failed())
	if err != nil || t.failed() > 0 || t.passed() == 0 {
		os.Exit(1)
	}
}

// event is one line of go test -json.
type event struct {
	Action, Package, Test, Output string
	ImportPath                    string // of a package that cannot be built
}

// test names a test, or a whole package where Name is empty.
type test struct{ Package, Name string }

// tally is what became of each test. A test that has subtests is not counted beside them.
type tally struct {
	outputs map[test]*strings.Builder
	parents map[test]bool
	passes  map[test]bool
	fails   map[test]bool
}

func newTally() *tally {
	return &tally{outputs: map[test]*strings.Builder{}, parents: map[test]bool{}, passes: map[test]bool{}, fails: map[test]bool{}}
}

// read takes note of every event, and prints what is to be seen.
func (t *tally) read(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			_, _ = fmt.Fprintln(out, lines.Text()) // of the go command itself
			continue
		}
		t.note(e, out)
	}
	return lines.Err()
}

func (t *tally) note(e event, out io.Writer) {
	which := test{e.Package, e.Test}
	switch e.Action {
	case "run":
		if i := strings.LastIndexByte(e.Test, '/'); i > 0 {
			t.parents[test{e.Package, e.Test[:i]}] = true
		}
	case "build-output":
		_, _ = io.WriteString(out, e.Output)
	case "output":
		if t.outputs[which] == nil {
			t.outputs[which] = &strings.Builder{}
		}
		_, _ = t.outputs[which].WriteString(e.Output)
	case "pass":
		t.passes[which] = true
		t.tell(which, out)
	case "fail", "skip": // what was left out has proved nothing
		t.fails[which] = e.Test != "" || e.Action == "fail"
		t.tell(which, out)
	}
}

// tell prints what a failed test printed, and one line for each package that passed.
func (t *tally) tell(which test, out io.Writer) {
	printed := t.outputs[which]
	delete(t.outputs, which)
	switch {
	case t.fails[which] && printed != nil:
		_, _ = io.WriteString(out, printed.String())
	case which.Name == "" && t.passes[which]:
		_, _ = fmt.Fprintln(out, "ok ", which.Package)
	}
}

func (t *tally) passed() (n int) {
	for which := range t.passes {
		if which.Name != "" && !t.parents[which] {
			n++
		}
	}
	return n
}

// failed counts tests, and packages that failed though none of their tests did.
func (t *tally) failed() (n int) {
	inside := map[string]bool{}
	for which, failed := range t.fails {
		if failed && which.Name != "" {
			inside[which.Package] = true
			if !t.parents[which] || !t.failedBelow(which) {
				n++
			}
		}
	}
	for which, failed := range t.fails {
		if failed && which.Name == "" && !inside[which.Package] {
			n++
		}
	}
	return n
}

func (t *tally) failedBelow(parent test) bool {
	for which, failed := range t.fails {
		if failed && which.Package == parent.Package && strings.HasPrefix(which.Name, parent.Name+"/") {
			return true
		}
	}
	return false
}
