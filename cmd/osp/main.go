// Command osp runs OSP tasks so that they finish or are undone: the API, the workers, and the tools around them, in one
// static binary.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/osp-platform/osp/internal/cli"
	"github.com/osp-platform/osp/server"
)

// Exit codes, documented in docs/cli.md.
const (
	exitOK     = 0
	exitFailed = 1 // it ran and something went wrong
	exitUsage  = 2 // a flag, an argument or a variable is wrong
	exitUnfit  = 3 // upgrade-check: the stored schema is older than this program needs
	// Those from 4 on are of the commands that wait for tasks: see internal/cli.
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], server.OSEnvironment(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// quiet keeps go-redis, which would tell of each attempt, from writing beside what a command says.
func quiet() { server.UseLog(slog.New(slog.DiscardHandler)) }

// run is the whole program: the tests run it too.
func run(ctx context.Context, args []string, env server.Environment, stdout, stderr io.Writer) int {
	root := newRoot(env, stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	var name string
	if _, other := fmt.Sscanf(err.Error(), "unknown command %q", &name); other == nil { // cobra has no type for it
		err = cli.NoCommand(root, name)
	}
	if _, both, ok := strings.Cut(err.Error(), "none of the others can be; ["); ok { // nor for this
		names, _, _ := strings.Cut(both, "]")
		err = &usageError{fmt.Errorf("write one of --%s, not both", strings.ReplaceAll(names, " ", " and --"))}
	}
	if says := strings.TrimSpace(err.Error()); says != "" { // else it has been told
		_, _ = fmt.Fprintln(stderr, "osp:", says)
	}
	if own, ok := errors.AsType[*cli.Error](err); ok {
		return own.Code
	}
	var config *server.ConfigError
	var usage *usageError
	if errors.As(err, &config) || errors.As(err, &usage) {
		return exitUsage
	}
	if _, unfit := errors.AsType[*server.UnfitError](err); unfit {
		return exitUnfit
	}
	return exitFailed
}
