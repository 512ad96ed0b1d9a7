package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/internal/cli"
	"github.com/osp-platform/osp/server"
)

func newUpgradeCheck(env server.Environment) *cobra.Command {
	return &cobra.Command{
		Use: "upgrade-check", Short: "Tell whether the stored schema fits this program", Args: cli.NoArgs,
		Long: `Tell whether the result store has the schema that this program needs. Ask the new program before it replaces the old one:
while it says no, its processes would not become ready. Nothing is changed.

The exit code is 0 when the schema fits, a newer one included; 3 when osp migrate has to run first; 1 when the result store
does not answer; 2 when a variable is wrong.`,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := server.Load(server.RoleWorker, env)
			if err != nil {
				return err
			}
			quiet()
			says, err := server.CheckUpgrade(c.Context(), config)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), says)
			return err
		},
	}
}
