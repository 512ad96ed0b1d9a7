package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/internal/cli"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/server"
)

// newDeadLetters lists rows that the result store has refused for good; a command below it sends them again.
func newDeadLetters(env server.Environment) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use: "dead-letters", Short: "List rows that the result store has refused for good", Args: cli.NoArgs,
		Long: `List rows that the result store has refused for good, from the Redis at REDIS_URL.

The tasks themselves go on. Mend the cause in the database, then send the rows again: osp dead-letters resend --all
osp dev keeps Redis to itself: there, ask GET /v1/dead-letters.`,
		RunE: func(c *cobra.Command, _ []string) error {
			if output != "table" && output != "json" {
				return &usageError{fmt.Errorf("--output is %q: write table or json", output)}
			}
			letters, err := openLetters(c, env)
			if err != nil {
				return err
			}
			defer letters.Close()
			list, err := allLetters(c, letters)
			if err != nil {
				return err
			}
			if output == "json" {
				return json.NewEncoder(c.OutOrStdout()).Encode(saga.DeadLetters{Letters: list})
			}
			return printLetters(c.OutOrStdout(), list)
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	c.AddCommand(newResend(env))
	return c
}

func openLetters(c *cobra.Command, env server.Environment) (*server.DeadLetters, error) {
	quiet()
	return server.OpenDeadLetters(c.Context(), env)
}

// allLetters reads all pages.
func allLetters(c *cobra.Command, from *server.DeadLetters) ([]saga.DeadLetter, error) {
	list := []saga.DeadLetter{}
	for cursor := ""; ; {
		page, err := from.DeadLetters(c.Context(), cursor, 200)
		if err != nil {
			return nil, err
		}
		list = append(list, page.Letters...)
		if cursor = page.Next; cursor == "" {
			return list, nil
		}
	}
}

func printLetters(out io.Writer, list []saga.DeadLetter) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "There are no dead letters.")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "ID\tTYPE\tSINCE\tERROR")
	for _, l := range list {
		oneLine := strings.Join(strings.Fields(l.Error), " ")
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.ID, l.Type, l.At.Format(time.RFC3339), oneLine)
	}
	return w.Flush()
}

func newResend(env server.Environment) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "resend ID…|--all", Short: "Send refused rows to the result store again",
		Args: func(_ *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return &usageError{errors.New("write osp dead-letters resend ID…, or osp dead-letters resend --all")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			letters, err := openLetters(c, env)
			if err != nil {
				return err
			}
			defer letters.Close()
			if all {
				n, err := letters.ResendAll(c.Context())
				tellResent(c.OutOrStdout(), n)
				return err
			}
			return resend(c, letters, args)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "every dead letter")
	return c
}

// resend sends the rows of these tasks again, and tells of which there is no dead letter.
func resend(c *cobra.Command, letters *server.DeadLetters, ids []string) error {
	resent, missing := 0, []string{}
	for _, id := range ids {
		n, err := letters.Resend(c.Context(), []string{id})
		if err != nil {
			tellResent(c.OutOrStdout(), resent)
			return err
		}
		if resent += n; n == 0 {
			missing = append(missing, id)
		}
	}
	tellResent(c.OutOrStdout(), resent)
	if len(missing) > 0 {
		return fmt.Errorf("there is no dead letter %s: osp dead-letters lists those that there are", strings.Join(missing, ", "))
	}
	return nil
}

func tellResent(out io.Writer, n int) {
	_, _ = fmt.Fprintf(out, "Sent again: %d.", n)
	if n > 0 {
		_, _ = fmt.Fprint(out, " Those that are refused once more are listed again within seconds.")
	}
	_, _ = fmt.Fprintln(out)
}
