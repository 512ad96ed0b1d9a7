package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/handlers"
)

func newKey() *cobra.Command {
	return &cobra.Command{
		Use:   "key NAME ROLE [SERVICE]",
		Short: "Make an API key; ROLE is reader, starter or operator",
		Long: `Make an API key. NAME says in the journal and the log who asked for something: letters, digits, dots, dashes and
underscores. A reader reads tasks; a starter also starts, cancels, signals and retries them; an operator also resolves
stuck ones, handles dead letters, deletes, and sees the monitor. With SERVICE, the name of a service's schema, a reader
or starter has to do with the tasks of that service only.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 && len(args) != 3 {
				return &usageError{errors.New("write osp key NAME ROLE [SERVICE], where ROLE is reader, starter or operator")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := handlers.DescribeKey(args[0], args[1], args[2:]...); err != nil {
				return &usageError{fmt.Errorf("%w: write osp key NAME ROLE [SERVICE] (see osp key --help)", err)}
			}
			key := handlers.KeyPrefix + rand.Text()
			sum := sha256.Sum256([]byte(key))
			parts := append([]string{args[0], args[1], hex.EncodeToString(sum[:])}, args[2:]...)
			_, err := fmt.Fprintf(c.OutOrStdout(), "The key, shown once:     %s\nAdd to OSP_API_KEYS:     %s\n", key, strings.Join(parts, ":"))
			return err
		},
	}
}
