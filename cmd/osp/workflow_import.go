package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/tasks/definition/dialect"
)

// newImport makes definitions of what OSP's own tools have written.
func newImport() *cobra.Command {
	var to, output string
	c := &cobra.Command{
		Use: "import FILE…", Short: "Make definitions of workflows in OSP's older dialects",
		Long: `Make definitions of workflows in OSP's older dialects, in JSON or YAML: - is the standard input.

The definitions are printed, or with --to written into files. Every decision is told on the standard error, with its place in
the source: mapped says the same in other words, ambiguous was left open and should be looked at, refused is not in the
definition. It fails when a definition is not whole or does not run. See docs/workflows.md.`,
		Args: someFiles,
		RunE: func(c *cobra.Command, files []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			var all []imported
			failed := 0
			for _, file := range files {
				raw, err := readFile(c.InOrStdin(), file)
				if err != nil {
					return err
				}
				made, err := dialect.Read(raw)
				if err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
				for _, w := range made.Workflows {
					if !w.Sound() {
						failed++
					}
					all = append(all, imported{File: file, Dialect: made.Dialect, Workflow: w})
				}
			}
			if to != "" {
				if err := writeDefinitions(to, all); err != nil {
					return err
				}
			}
			if err := printImported(c.OutOrStdout(), c.ErrOrStderr(), output, to, all); err != nil {
				return err
			}
			if failed > 0 {
				return fmt.Errorf("%d of %d workflows need an author", failed, len(all))
			}
			return nil
		},
	}
	c.Flags().StringVar(&to, "to", "", "write the definitions into this folder, each as ID.yaml")
	c.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return c
}

// imported is what became of one workflow of one file.
type imported struct {
	File    string          `json:"file"`
	Dialect dialect.Dialect `json:"dialect"`
	dialect.Workflow
}

// writeDefinitions writes files that are not there yet.
func writeDefinitions(folder string, all []imported) error {
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // definitions are no secrets
		return &usageError{fmt.Errorf("--to: %w", err)}
	}
	for _, w := range all {
		if w.Definition == "" {
			continue
		}
		name := filepath.Join(folder, w.ID+".yaml")
		file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) //nolint:gosec // as above; ids are plain names
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf("%s is there already: choose another folder with --to, or take it away", name)
		}
		if err != nil {
			return fmt.Errorf("write a definition: %w", err)
		}
		_, err = io.WriteString(file, w.Definition)
		if err := errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

// printImported prints the definitions, unless they were written into files, and on told what was decided.
func printImported(out, told io.Writer, output, to string, all []imported) error {
	if output == "json" {
		return json.NewEncoder(out).Encode(map[string]any{"workflows": all})
	}
	for _, w := range all {
		for _, n := range w.Notes {
			_, _ = fmt.Fprintf(told, "%s: %v\n", w.File, n)
		}
		for _, p := range w.Problems {
			_, _ = fmt.Fprintf(told, "%s: %s.yaml:%v\n", w.File, w.ID, p)
		}
		switch {
		case w.Definition == "":
			_, _ = fmt.Fprintf(told, "%s: %s (%s): no definition\n", w.File, w.ID, w.Dialect)
		case !w.Sound():
			_, _ = fmt.Fprintf(told, "%s: %s (%s): an author has to look at it\n", w.File, w.ID, w.Dialect)
		default:
			_, _ = fmt.Fprintf(told, "%s: %s (%s): sound\n", w.File, w.ID, w.Dialect)
		}
		if to == "" && w.Definition != "" {
			_, _ = fmt.Fprintf(out, "---\n%s", w.Definition)
		}
	}
	return nil
}
