package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/internal/cli"
	"github.com/osp-platform/osp/server"
)

// errSick is what doctor ends with when osp would not start, or not do its work.
var errSick = errors.New("something needs mending: see above")

func newDoctor(env server.Environment) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use: "doctor", Short: "Check Redis and the result store as the environment names them", Args: cli.NoArgs,
		Long: `Check Redis' version, memory, policy, role, persistence and scripts, the result store, whether both are those that the other
processes use, and variables that look misspelt; print all of it. Nothing is made or changed. The exit code is 1 when osp would not start or not do its work like this; warnings leave it 0.`,
		RunE: func(c *cobra.Command, _ []string) error {
			if output != "table" && output != "json" {
				return &usageError{fmt.Errorf("--output is %q: write table or json", output)}
			}
			quiet()
			findings, err := server.Doctor(c.Context(), env)
			if err != nil {
				return err
			}
			if err := printFindings(c.OutOrStdout(), findings, output); err != nil {
				return err
			}
			for _, f := range findings {
				if f.Level == server.LevelRefused {
					return errSick
				}
			}
			return nil
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return c
}

func printFindings(w io.Writer, findings []server.Finding, output string) error {
	if output == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(map[string]any{"findings": findings})
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "CHECK\tRESULT\tDETAIL")
	for _, f := range findings {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\n", f.Check, strings.ToUpper(string(f.Level)), f.Says)
	}
	return t.Flush()
}
