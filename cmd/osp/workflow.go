package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/internal/cli"
	"github.com/osp-platform/osp/server"
	"github.com/osp-platform/osp/tasks/definition"
)

// newWorkflow is what can be done with definitions: in files, which needs no server, and over the API.
func newWorkflow(env server.Environment) *cobra.Command {
	c := &cobra.Command{
		Use: "workflow", Short: "Check workflow definitions, try them out, deploy them", RunE: cli.Help,
	}
	c.AddCommand(newValidate(), newSimulate(), newImport())
	c.AddCommand(cli.WorkflowCommands(world(env))...)
	return c
}

// newValidate checks definitions as they are checked when they are deployed.
func newValidate() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use: "validate FILE…", Short: "Check workflow definitions, in YAML or JSON",
		Long: `Check workflow definitions, in YAML or JSON: - is the standard input.

Every problem is told with its place in the file. Warnings do not make it fail. See docs/workflows.md.`,
		Args: someFiles,
		RunE: func(c *cobra.Command, files []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			results := make([]validated, len(files))
			failed := 0
			for i, file := range files {
				raw, err := readFile(c.InOrStdin(), file)
				if err != nil {
					return err
				}
				if results[i] = validate(file, raw); !results[i].Valid {
					failed++
				}
			}
			if err := printValidated(c.OutOrStdout(), output, results); err != nil {
				return err
			}
			if failed > 0 {
				return fmt.Errorf("%d of %d definitions do not run", failed, len(files))
			}
			return nil
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return c
}

// validated is what the check of one file came to.
type validated struct {
	File     string              `json:"file"`
	Valid    bool                `json:"valid"`
	ID       string              `json:"id,omitempty"`
	Steps    int                 `json:"steps,omitempty"`
	Hash     string              `json:"hash,omitempty"`
	Problems definition.Problems `json:"problems"`
}

func validate(file string, raw []byte) validated {
	d, problems := definition.Parse(raw)
	v := validated{File: file, Valid: d != nil, Problems: append(definition.Problems{}, problems...)}
	if d != nil {
		v.ID, v.Steps, v.Hash = d.ID, len(d.Steps), d.Hash
	}
	return v
}

func printValidated(out io.Writer, output string, results []validated) error {
	if output == "json" {
		return json.NewEncoder(out).Encode(map[string]any{"definitions": results})
	}
	for _, v := range results {
		for _, p := range v.Problems {
			_, _ = fmt.Fprintf(out, "%s:%s\n", v.File, p)
		}
		if v.Valid {
			_, _ = fmt.Fprintf(out, "%s: %s is sound: steps %d, warnings %d\n", v.File, v.ID, v.Steps, len(v.Problems))
		}
	}
	return nil
}

func checkOutput(output string) error {
	if output != "table" && output != "json" {
		return &usageError{fmt.Errorf("--output is %q: write table or json", output)}
	}
	return nil
}

func someFiles(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return &usageError{fmt.Errorf("write the name of a file (see %s --help)", c.CommandPath())}
	}
	return nil
}

// readFile reads a file, or the standard input, up to one byte more than a definition may have.
func readFile(stdin io.Reader, name string) ([]byte, error) {
	in := stdin
	if name != "-" {
		f, err := os.Open(filepath.Clean(name))
		if err != nil {
			return nil, &usageError{fmt.Errorf("%s cannot be read: %w", name, errors.Unwrap(err))}
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, definition.MaxSize+1))
	if err != nil {
		return nil, &usageError{fmt.Errorf("%s cannot be read: %w", name, err)}
	}
	return raw, nil
}
