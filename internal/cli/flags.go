package cli

import (
	"errors"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// FlagError tells what is wrong with a flag, and how it is written. A command that is misspelt has no flags of its own: then that is told.
func FlagError(c *cobra.Command, err error) error {
	if args := c.Flags().Args(); len(args) > 0 && c.HasAvailableSubCommands() {
		return NoCommand(c, args[0])
	}
	see := "(see " + c.CommandPath() + " --help)"
	if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if how := form(wrong.GetFlag(), wrong.GetValue()); how != "" {
			return misused("--%s is %q: write %s %s", wrong.GetFlag().Name, plain(wrong.GetValue()), how, see)
		}
	}
	if none, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return misused("--%[1]s has no value: write --%[1]s %[2]s %[3]s", none.GetFlag().Name, example(none.GetFlag(), ""), see)
	}
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if letters := []rune(unknown.GetSpecifiedShortnames()); len(letters) > 0 { // what follows the first may be a secret
			return misused("there is no flag %s %s", plain("-"+string(letters[:1])), see)
		}
		name, names := "--"+unknown.GetSpecifiedName(), []string{}
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		says := "there is no flag " + plain(name)
		if asks := meant(name, names); asks != "" {
			says += "." + asks
		}
		return misused("%s %s", says, see)
	}
	return misused("%w %s", err, see)
}

// form is how the value of a flag is written, instead of one that is none; empty where the flag says so itself.
func form(f *pflag.Flag, value string) string {
	switch f.Value.Type() {
	case "bool":
		return "--" + f.Name + ", or --" + f.Name + "=false"
	case "duration":
		return "a number with its unit, as in --" + f.Name + " " + example(f, value)
	case "int":
		return "a whole number, as in --" + f.Name + " " + example(f, value)
	}
	return ""
}

// example is a value that a flag takes: the one that may be meant, where it only lacks its unit.
func example(f *pflag.Flag, value string) string {
	switch f.Value.Type() {
	case "duration":
		return or(withUnit(value), "30s")
	case "int":
		return f.DefValue
	}
	return "VALUE"
}

// withUnit is how long a value may mean, whose unit may be missing; empty when it is no such value.
func withUnit(value string) string {
	for _, v := range []string{value, value + "s"} {
		if d, err := time.ParseDuration(v); err == nil && d > 0 {
			return v
		}
	}
	return ""
}

// behind tells how a flag takes a value that need not be there, when an argument may be it; empty when none does.
func behind(c *cobra.Command, arg string) (says string) {
	c.Flags().Visit(func(f *pflag.Flag) {
		value := withUnit(arg)
		if f.Value.Type() == "bool" {
			value = ""
			if _, err := strconv.ParseBool(arg); err == nil {
				value = arg
			}
		}
		if value != "" && f.NoOptDefVal != "" && f.Value.String() == f.NoOptDefVal {
			says = "--" + f.Name + " takes its value behind a =, as in --" + f.Name + "=" + value
		}
	})
	return says
}
