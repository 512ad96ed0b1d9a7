package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/server"
)

// others are the other pages that show commands.
func others(t *testing.T) (all string) {
	t.Helper()
	for _, name := range []string{"operations.md", "workflows.md"} {
		raw, err := os.ReadFile(filepath.Join(root, "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		all += string(raw)
	}
	return all
}

// The commands that docs/cli.md tells of are those that there are, with the flags that it gives them.
func TestTheDocsOfTheCommandAreTrue(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(root, "docs", "cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	commands := newRoot(server.OSEnvironment(), io.Discard, io.Discard)
	commands.InitDefaultHelpCmd() // as when it is run
	commands.InitDefaultCompletionCmd("completion")
	find := func(line string) *cobra.Command {
		c, _, err := commands.Find(strings.Fields(line)[1:])
		if err != nil || c == commands {
			t.Errorf("there is no such command: %s", line)
		}
		return c
	}
	flag := regexp.MustCompile("--([a-z][a-z-]+)")
	has := func(c *cobra.Command, text string) {
		for _, m := range flag.FindAllStringSubmatch(text, -1) {
			if c.Flags().Lookup(m[1]) == nil && m[1] != "help" {
				t.Errorf("%s has no --%s", c.CommandPath(), m[1])
			}
		}
	}
	lines := 0
	for _, m := range regexp.MustCompile("(?m)^\\| `(osp [a-z|-]+( [a-z]+)?)[^|]*\\|.*$").FindAllStringSubmatch(doc, -1) {
		has(find(m[1]), m[0])
		lines++
	}
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(doc+others(t), -1) {
		for _, m := range regexp.MustCompile(`\bosp [a-z][^|#>)\n]*`).FindAllString(block[1], -1) {
			has(find(m), m)
			lines++
		}
	}
	if lines < 50 {
		t.Errorf("only %d commands were looked at", lines)
	}
	for _, c := range commands.Commands() {
		for _, leaf := range append(c.Commands(), c) {
			if leaf.Parent().Name() != "completion" && !regexp.MustCompile("[` ]"+regexp.QuoteMeta(leaf.Name())+"[` ]").MatchString(doc) {
				t.Errorf("docs/cli.md says nothing of %s", leaf.CommandPath())
			}
		}
	}
}
