package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/server"
)

func newDelete(env server.Environment) *cobra.Command {
	var reason string
	var dryRun, yes bool
	c := &cobra.Command{
		Use:   "delete task|service|user ID --reason TEXT",
		Short: "Delete all that is kept of a task, a service or a user, in Redis and in every table",
		Long: `Delete all that is kept of a task (by its id), a service (by its schema) or a user (by UUID): first in Redis, then in
every table. Tasks that have not ended are not deleted, and nothing else then: cancel them first. It is noted in the
table osp.audit, with the reason. It asks before it deletes.

Redis and the result store are those of the environment: REDIS_URL, and SUPABASE_URL or OSP_RESULTS. osp dev keeps Redis
to itself: there, use POST /v1/deletions.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 || !strings.Contains(" task service user ", " "+args[0]+" ") {
				return &usageError{fmt.Errorf("write osp delete task|service|user ID --reason TEXT (see %s --help)", c.CommandPath())}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			d := saga.Deletion{Kind: saga.SubjectKind(args[0]), Subject: args[1], Reason: reason, By: env.Caller(), DryRun: true}
			if dryRun {
				d.Reason = "dry run" // which the audit does not keep
			}
			if d.Reason == "" {
				return &usageError{errors.New("--reason is missing: say why, the audit keeps it")}
			}
			if err := d.Check(); err != nil {
				return &usageError{err}
			}
			return deleteSubject(c, env, d, dryRun, yes)
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; the audit keeps it")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only tell how much there is")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// deleteSubject tells what there is, asks, and deletes.
func deleteSubject(c *cobra.Command, env server.Environment, d saga.Deletion, dryRun, yes bool) error {
	quiet()
	deletion, err := server.OpenDeletion(c.Context(), env)
	if err != nil {
		return err
	}
	defer deletion.Close()
	plan, err := deletion.Delete(c.Context(), d)
	if err != nil {
		return err
	}
	nothing := plan.Counts == saga.Counts{}
	if nothing && dryRun {
		return fmt.Errorf("the result store has nothing of a %s %s: is the id right?", d.Kind, d.Subject)
	}
	if nothing {
		_, _ = fmt.Fprintf(c.ErrOrStderr(), "The result store has nothing of a %s %s: is the id right?\n", d.Kind, d.Subject)
	} else {
		_, _ = fmt.Fprintf(c.ErrOrStderr(), "There is of %s %s: %s.\n", d.Kind, d.Subject, counted(plan.Counts))
	}
	if dryRun {
		return nil
	}
	if !yes && !confirmed(c) {
		return errors.New("nothing was deleted: --yes deletes without asking")
	}
	d.DryRun = false
	done, err := deletion.Delete(c.Context(), d)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "deleted %s %s: %s (deletion %s)\n", d.Kind, d.Subject, counted(done.Counts), done.ID)
	return err
}

// confirmed asks, and takes no answer for a no.
func confirmed(c *cobra.Command) bool {
	_, _ = fmt.Fprint(c.ErrOrStderr(), "Delete it for good? Type yes: ")
	answer, err := bufio.NewReader(c.InOrStdin()).ReadString('\n')
	if err != nil { // nobody ended the line
		_, _ = fmt.Fprintln(c.ErrOrStderr())
	}
	return strings.TrimSpace(answer) == "yes"
}

func counted(c saga.Counts) string {
	return fmt.Sprintf("tasks %d, steps %d, fences %d, services %d, rows in tables of services %d",
		c.Tasks, c.Steps, c.Fences, c.Services, c.Rows)
}
