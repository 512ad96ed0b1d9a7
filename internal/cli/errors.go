package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// Exit codes beyond those of the whole program, documented in docs/cli.md.
const (
	exitFailed      = 1 // it ran and something went wrong
	exitUsage       = 2
	exitTaskFailed  = 4 // the task that was waited for has failed
	exitCancelled   = 5 // or was cancelled
	exitStuck       = 6 // or is stuck: it needs an operator
	exitTooLate     = 7 // or had not ended in time
	exitUnreachable = 8 // nothing answers where the API should be
	exitInterrupted = 130
)

// Error ends the program with a code of its own.
type Error struct {
	Code int
	Err  error
}

// Error is empty when all has been said already.
func (e *Error) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// ended makes an error that ends the program with a code.
func ended(code int, format string, args ...any) error {
	return &Error{code, fmt.Errorf(format, args...)}
}

// misused tells of a flag, an argument or a variable that is wrong.
func misused(format string, args ...any) error { return ended(exitUsage, format, args...) }

// needs holds a command to its arguments, by name.
func needs(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		if len(args) > len(names) {
			return misused("%q is one argument too many (see %s --help)", args[len(names)], c.CommandPath())
		}
		return misused("%s is missing (see %s --help)", names[len(args)], c.CommandPath())
	}
}

// help is what a command does that only has others below it.
func help(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return misused("there is no command %q (see %s --help)", c.CommandPath()+" "+args[0], c.CommandPath())
	}
	return c.Help()
}

// both joins what a command came to with how its output ended.
func both(a, b error) error {
	if a == nil {
		return b
	}
	return errors.Join(a, b)
}
