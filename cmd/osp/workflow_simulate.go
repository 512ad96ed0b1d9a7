package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/tasks/definition"
)

// simulateFlags are what osp workflow simulate is asked for.
type simulateFlags struct {
	input, failAt, output string
	failEach, diagram     bool
}

// newSimulate tries a definition out: what would be done, and undone, with no effects.
func newSimulate() *cobra.Command {
	f := simulateFlags{}
	c := &cobra.Command{
		Use: "simulate FILE", Short: "Tell what a workflow would do, and undo when something fails, with no effects",
		Long: `Tell what a workflow would do, and undo when something fails, with no effects.

The input is a file in YAML or JSON: {"input": …, "outputs": {"<step>": …}}. input is the task's; outputs are what steps
answer: what activities return, what signals and the answers of human tasks carry. What has none is made up.`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, args[0]) },
	}
	c.Flags().StringVar(&f.input, "input", "", "file with the task's input, and what steps answer; - is the standard input")
	c.Flags().StringVar(&f.failAt, "fail-at", "", "step that fails for good; <step>:rejected refuses a human task, <step>:escalated answers it late")
	c.Flags().BoolVar(&f.failEach, "fail-each", false, "let each step fail in turn")
	c.Flags().BoolVar(&f.diagram, "diagram", false, "draw Mermaid diagrams instead of tables")
	c.Flags().StringVarP(&f.output, "output", "o", "table", "table or json")
	return c
}

func (f *simulateFlags) run(c *cobra.Command, file string) error {
	if err := f.check(); err != nil {
		return err
	}
	d, script, err := f.load(c, file)
	if err != nil {
		return err
	}
	if f.failAt != "" && !d.CanFail(f.failAt) {
		return &usageError{fmt.Errorf("--fail-at: %s has no step %q that can fail: name an activity, a child, a signal's wait or a human task", file, f.failAt)}
	}
	failures, unreached, err := d.Failures(script)
	if err != nil {
		return err
	}
	if !f.failEach {
		failures = nil
	}
	runs := make([]*definition.Simulation, 0, len(failures)+1)
	for _, failAt := range append([]string{f.failAt}, failures...) {
		script.FailAt = failAt
		run, err := d.Simulate(script)
		if err != nil {
			return err
		}
		runs = append(runs, run)
	}
	return f.print(c.OutOrStdout(), runs, unreached)
}

func (f *simulateFlags) check() error {
	switch {
	case f.failEach && f.failAt != "":
		return &usageError{errors.New("--fail-at and --fail-each exclude one another: write one of them")}
	case f.diagram && f.output == "json":
		return &usageError{errors.New("--diagram and --output json exclude one another: write one of them")}
	}
	return checkOutput(f.output)
}

// load reads the definition and the script.
func (f *simulateFlags) load(c *cobra.Command, file string) (*definition.Definition, definition.Script, error) {
	none := definition.Script{}
	raw, err := readFile(c.InOrStdin(), file)
	if err != nil {
		return nil, none, err
	}
	d, problems := definition.Parse(raw)
	if d == nil {
		return nil, none, tellProblems(c.ErrOrStderr(), file, problems, "the definition does not run")
	}
	raw = nil
	if f.input != "" {
		if raw, err = readFile(c.InOrStdin(), f.input); err != nil {
			return nil, none, err
		}
	}
	script, problems := d.ParseScript(raw)
	if problems.Failed() && f.input == "" {
		return nil, none, &usageError{fmt.Errorf("%s needs an input: write --input FILE (%s)", d.ID, problems[0].Detail)}
	}
	if problems.Failed() {
		return nil, none, tellProblems(c.ErrOrStderr(), f.input, problems, "the input does not fit "+d.ID)
	}
	return d, script, nil
}

// tellProblems writes the problems of a file, and returns what they come to.
func tellProblems(w io.Writer, file string, problems definition.Problems, sum string) error {
	for _, p := range problems {
		_, _ = fmt.Fprintf(w, "%s:%s\n", file, p)
	}
	return errors.New(sum)
}

func (f *simulateFlags) print(out io.Writer, runs []*definition.Simulation, unreached []string) error {
	if f.output == "json" {
		return json.NewEncoder(out).Encode(map[string]any{"simulations": runs, "unreached": append([]string{}, unreached...)})
	}
	for i, run := range runs {
		if i > 0 {
			_, _ = fmt.Fprintln(out)
		}
		if f.diagram {
			_, _ = io.WriteString(out, run.Diagram())
			continue
		}
		if err := run.Table(out); err != nil {
			return err
		}
	}
	if len(unreached) > 0 && !f.diagram {
		_, _ = fmt.Fprintf(out, "\nNot reached with this input: %s\n", strings.Join(unreached, ", "))
	}
	return nil
}

func oneFile(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return &usageError{fmt.Errorf("write the name of one file (see %s --help)", c.CommandPath())}
	}
	return nil
}
