package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/internal/cli"
	"github.com/osp-platform/osp/server"
)

// usageError is a wrong flag or argument.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func newRoot(env server.Environment, stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "osp",
		Short: "Run OSP tasks so that they finish or are undone",
		Long: `osp runs OSP tasks so that they finish or are undone.

Start with "osp dev": everything in one process, nothing to install. Then "osp task start --help".
The settings of the other roles come from the environment; see docs/configuration.md.`,
		SilenceUsage: true, SilenceErrors: true, DisableSuggestions: true, Version: version,
	}
	root.SetVersionTemplate("osp {{.Version}}\n")
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(cli.FlagError)
	add := func(group, title string, commands ...*cobra.Command) {
		root.AddGroup(&cobra.Group{ID: group, Title: title})
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("serve", "Serve:",
		newServe("dev", server.RoleDev, "Try it: API, worker, Redis and result store in one process, with nothing installed", env),
		newServe("run", "", "Serve in the role that ROLE names: api, worker, all or autoscale", env),
		newServe("api", server.RoleAPI, "Serve the HTTP API", env),
		newServe("worker", server.RoleWorker, "Carry out tasks", env),
		newServe("all", server.RoleAll, "Serve the API and carry out tasks, in one process", env),
		newServe("autoscale", server.RoleAutoscale, "Keep the number of workers on a platform at what the backlog needs", env),
	)
	add("steer", "Start and steer tasks, over the API:", append(cli.Commands(world(env)), newWorkflow(env))...)
	add("operate", "Operate, beside Redis and the result store:",
		newDeadLetters(env), newDelete(env), newHealthcheck(env), newDoctor(env), newKey(), newMigrate(env), newRecover(env),
		newUpgradeCheck(env),
	)
	root.AddCommand(newVersion())
	tellMisspelt(root)
	return root
}

// tellMisspelt has cobra's own commands refuse what they do not know, where they would print help and end well.
func tellMisspelt(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Args = cli.Known
		case "completion":
			c.Args, c.RunE = nil, cli.Help
			for _, shell := range c.Commands() {
				shell.Args = cli.NoArgs
			}
		}
	}
}

// world is what the commands reach that ask the API.
func world(env server.Environment) cli.World {
	return cli.World{
		Lookup: env.Lookup, Now: time.Now, Version: version,
		NewID: func() string { return strings.ReplaceAll(uuid.Must(uuid.NewV7()).String(), "-", "") },
	}
}

// newServe is a command that runs a role until a signal comes.
func newServe(name string, role server.Role, short string, env server.Environment) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := contradiction(role, env); err != nil {
				return err
			}
			config, err := server.Load(role, env)
			if err != nil {
				return err
			}
			config.Build.Version = version
			config.Build.Commit, _ = built()
			fitMemory(env)
			log := server.NewLog(c.OutOrStdout(), config)
			server.UseLog(log)
			if config.Role == server.RoleAutoscale {
				return server.RunAutoscale(c.Context(), config, log)
			}
			s, err := server.New(c.Context(), config, log)
			switch {
			case c.Context().Err() != nil && s == nil: // it was told to stop while it looked around
				return nil
			case err != nil:
				return err
			}
			if config.Role == server.RoleDev {
				if !strings.HasSuffix(s.URL(), ":"+strconv.Itoa(config.Port)) {
					_, _ = fmt.Fprintf(c.ErrOrStderr(), "\n  Port %d is in use, so this one takes another; PORT chooses one.\n", config.Port)
				}
				printWelcome(c.ErrOrStderr(), s.URL(), config.SQLite)
			}
			giveBack()
			return s.Run(c.Context())
		},
	}
}

// contradiction refuses a command for one role where ROLE names another: only one of them can be meant. Dev is for trying,
// and looks at nothing.
func contradiction(role server.Role, env server.Environment) error {
	named, _ := env.Lookup("ROLE")
	if role == "" || role == server.RoleDev || named == "" || named == string(role) {
		return nil
	}
	return &server.ConfigError{
		Variable: "ROLE",
		Reason:   fmt.Sprintf("is %q, and the command is osp %s: take one of them away, or have them say the same", named, role),
	}
}

func printWelcome(w io.Writer, url, file string) {
	_, _ = fmt.Fprintf(w, `
  osp dev is ready at %[1]s

  Start a task:
    curl -s %[1]s/v1/tasks -H 'Prefer: wait=10' --json '{"type":"service.create","input":{"name":"restaurant","entities":[{"name":"reservations","attributes":{"customer_name":"string","party_size":"integer"}}],"sample_data":{"reservations":[{"customer_name":"Ada","party_size":4}]}}}'

  Watch it: %[1]s/ui/    API: %[1]s/openapi.json
  Results:  %[2]s

  Unfinished tasks go on when it is started again. Anybody on this machine may use it: there is no login.

`, url, file)
}

func newMigrate(env server.Environment) *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Apply the migrations to the PostgreSQL at DATABASE_URL", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return server.Migrate(c.Context(), env, c.OutOrStdout())
		},
	}
}
