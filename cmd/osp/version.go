package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/internal/cli"
)

// version, commit and date are set by the linker: see internal/build.sh. The date is the commit's.
var version, commit, date = "dev", "", ""

// built tells of which commit the program is, and of when that is: as the linker was told, else as Go has noted.
func built() (commitID, commitDate string) {
	noted := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			noted[s.Key] = s.Value
		}
	}
	return cmp.Or(commit, noted["vcs.revision"], "unknown"), cmp.Or(date, noted["vcs.time"], "unknown")
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Tell the version, the commit and its date", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			id, at := built()
			_, err := fmt.Fprintf(c.OutOrStdout(), "osp %s\ncommit %s\ndate %s\n%s %s/%s\n",
				version, id, at, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
