package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

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

Start with "osp dev": everything in one process, nothing to install.
The settings of the other roles come from the environment; see docs/configuration.md.`,
		SilenceUsage: true, SilenceErrors: true, Version: version,
	}
	root.SetVersionTemplate("osp {{.Version}}\n")
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w (see %s --help)", err, c.CommandPath())}
	})
	root.AddCommand(
		newServe("run", "", "Serve in the role that ROLE names: api, worker or all", env),
		newServe("api", server.RoleAPI, "Serve the HTTP API", env),
		newServe("worker", server.RoleWorker, "Carry out tasks", env),
		newServe("all", server.RoleAll, "Serve the API and carry out tasks, in one process", env),
		newServe("dev", server.RoleDev, "Try it: API, worker, Redis and result store in one process, with nothing installed", env),
		newHealthcheck(env), newKey(), newMigrate(env), newVersion(),
	)
	return root
}

// newServe is a command that runs a role until a signal comes.
func newServe(name string, role server.Role, short string, env server.Environment) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := server.Load(role, env)
			if err != nil {
				return err
			}
			log := server.NewLog(c.OutOrStdout(), config)
			server.UseLog(log)
			s, err := server.New(c.Context(), config, log)
			if err != nil {
				return err
			}
			if config.Role == server.RoleDev {
				if !strings.HasSuffix(s.URL(), ":"+strconv.Itoa(config.Port)) {
					_, _ = fmt.Fprintf(c.ErrOrStderr(), "\n  Port %d is in use, so this one takes another; PORT chooses one.\n", config.Port)
				}
				printWelcome(c.ErrOrStderr(), s.URL(), config.SQLite)
			}
			return s.Run(c.Context())
		},
	}
}

func printWelcome(w io.Writer, url, file string) {
	_, _ = fmt.Fprintf(w, `
  osp dev is ready at %[1]s

  Start a task:
    curl -s %[1]s/v1/tasks -H 'Prefer: wait=10' --json '{"type":"service.create","input":{"name":"restaurant","entities":[{"name":"reservations","attributes":{"customer_name":"string","party_size":"integer"}}],"sample_data":{"reservations":[{"customer_name":"Ada","party_size":4}]}}}'

  Watch it: %[1]s/monitor/    API: %[1]s/openapi.json
  Results:  %[2]s

  Unfinished tasks are lost when this process ends: Redis is inside it. Anybody on this machine may use it: there is no login.

`, url, file)
}

func newHealthcheck(env server.Environment) *cobra.Command {
	return &cobra.Command{
		Use: "healthcheck", Short: "Ask the server on PORT whether it lives; for platforms without curl", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			port, err := env.Port()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(c.Context(), 3*time.Second)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost:"+port+"/healthz", http.NoBody)
			if err != nil {
				return &server.ConfigError{Variable: "PORT", Reason: "is not a port"}
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				return fmt.Errorf("no answer on port %s: %w", port, errors.Unwrap(err))
			}
			defer func() { _ = res.Body.Close() }()
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("port %s answers %s", port, res.Status)
			}
			return nil
		},
	}
}

func newKey() *cobra.Command {
	return &cobra.Command{
		Use:   "key NAME ROLE",
		Short: "Make an API key; ROLE is reader, starter or operator",
		Long: `Make an API key. NAME says in the journal and the log who asked for something: letters, digits, dots, dashes and
underscores. A reader reads tasks; a starter also starts, cancels, signals and retries them; an operator also resolves
stuck ones and sees the monitor.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 || !strings.Contains(" reader starter operator ", " "+args[1]+" ") || strings.ContainsAny(args[0], ":, ") {
				return &usageError{errors.New("write osp key NAME ROLE, where ROLE is reader, starter or operator and NAME has no colon, comma or space")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			key := "osp_" + rand.Text()
			sum := sha256.Sum256([]byte(key))
			_, err := fmt.Fprintf(c.OutOrStdout(), "The key, shown once:     %s\nAdd to OSP_API_KEYS:     %s:%s:%s\n", key, args[0], args[1], hex.EncodeToString(sum[:]))
			return err
		},
	}
}

func newMigrate(env server.Environment) *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Apply the migrations to the PostgreSQL at DATABASE_URL", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return server.Migrate(c.Context(), env, c.OutOrStdout())
		},
	}
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Tell the version", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(c.OutOrStdout(), "osp %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return &usageError{fmt.Errorf("%q is one argument too many (see %s --help)", args[0], c.CommandPath())}
	}
	return nil
}
