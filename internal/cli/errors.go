package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/internal/spelling"
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
			return oneTooMany(c, args[len(names)])
		}
		return misused("%s is missing (see %s --help)", names[len(args)], c.CommandPath())
	}
}

// NoArgs holds a command to having no arguments.
func NoArgs(c *cobra.Command, args []string) error { return needs()(c, args) }

// oneTooMany tells of an argument that a command does not take, and what it may have been meant for.
func oneTooMany(c *cobra.Command, arg string) error {
	says := fmt.Sprintf("%q is one argument too many", arg)
	if hint := behind(c, arg); hint != "" {
		says += ": " + hint
	} else if asks := meant(arg, below(c)); asks != "" {
		says += "." + asks
	}
	return misused("%s (see %s --help)", says, c.CommandPath())
}

// Help is what a command does that only has others below it.
func Help(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return NoCommand(c, args[0])
	}
	return c.Help()
}

// Known holds osp help to commands that there are.
func Known(c *cobra.Command, args []string) error {
	found, rest, _ := c.Root().Find(args) // its error says no more than the rest does
	if len(rest) > 0 && found.HasAvailableSubCommands() {
		return NoCommand(found, rest[0])
	}
	return nil
}

// NoCommand tells that a command has none of this name below it, and which it has.
func NoCommand(c *cobra.Command, name string) error {
	says := fmt.Sprintf("there is no command %q", c.CommandPath()+" "+name)
	asks := meant(name, below(c))
	if c.HasParent() { // at the top there are too many to list
		list, are := below(c), " There are "
		if len(list) == 1 {
			are = " There is "
		}
		asks += are + strings.Join(list, ", ")
	}
	if asks != "" {
		says += "." + asks
	}
	return misused("%s (see %s --help)", says, c.CommandPath())
}

// below are the names of the commands below one.
func below(c *cobra.Command) (names []string) {
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}

// meant asks whether another name was meant that is much like one.
func meant(name string, names []string) string { return shown(spelling.Ask(name, names), false) }

// both joins what a command came to with how its output ended.
func both(a, b error) error {
	if a == nil {
		return b
	}
	return errors.Join(a, b)
}
