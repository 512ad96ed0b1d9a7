package main

import (
	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/internal/cli"
	"github.com/osp-platform/osp/server"
)

func newRecover(env server.Environment) *cobra.Command {
	var o server.RecoverOptions
	c := &cobra.Command{
		Use: "recover", Short: "Carry on the tasks whose journals Redis has lost, from what the result store keeps", Args: cli.NoArgs,
		Long: `Carry on the tasks whose journals Redis has lost, from what the result store keeps of them.

It needs REDIS_URL and the result store's settings (osp dev keeps Redis to itself, and recovers when it starts), may run while workers run, and any number of times: journals that are
there are left alone. The exit code is 1 when a task could not be restored, or when it stopped half-way.`,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := server.Load(server.RoleWorker, env)
			if err != nil {
				return err
			}
			quiet()
			return server.Recover(c.Context(), config, o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().BoolVar(&o.Dry, "dry-run", false, "tell what would be restored, and change nothing")
	c.Flags().BoolVar(&o.Rows, "rows", false, "then have the rows of all journals written again: for a database that was restored to an earlier moment")
	return c
}
