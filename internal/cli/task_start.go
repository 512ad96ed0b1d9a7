package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// newTaskRequest is what POST /v1/tasks takes.
type newTaskRequest struct {
	Type      string          `json:"type"`
	ID        string          `json:"id,omitempty"`
	Input     json.RawMessage `json:"input"`
	Service   string          `json:"service,omitempty"`
	UserID    string          `json:"user_id,omitempty"`
	ProcessAt string          `json:"process_at,omitempty"`
	Queue     string          `json:"queue,omitempty"`
	Priority  string          `json:"priority,omitempty"`
	LimitKey  string          `json:"limit_key,omitempty"`
	Webhook   json.RawMessage `json:"webhook,omitempty"`
}

func newStart(w World) *cobra.Command {
	f, then := &remote{}, &settling{}
	var r newTaskRequest
	var input, at string
	c := &cobra.Command{
		Use: "start TYPE|@FILE", Short: "Start a task", Args: needs("TYPE"), ValidArgsFunction: completeTypes(w, f),
		Long: `Start a task of a type (osp task start [Tab] tells which there are). The same --id again is the same task, not another.
With @FILE it is the request in a file, type and all, but for what flags say.

Without an id one is made before the request is sent, so that it can be sent again when its answer was lost.
` + codes,
		Example: `  osp task start createReservation --service restaurant --input '{"party_size":4}' --watch
  osp task start service.create --input @input.json --wait=1m
  osp task start @examples/payment.json --watch
  jq .order order.json | osp task start orders.place --input - --id order-4711 -o id`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := then.check(); err != nil {
				return err
			}
			err := r.read(c, args[0], input)
			if err != nil {
				return err
			}
			if r.ID == "" {
				r.ID = w.NewID()
			}
			due, err := moment(w.Now(), "--at", at, 1)
			if err != nil {
				return err
			}
			r.ProcessAt = cmp.Or(due, r.ProcessAt)
			return f.run(w, c, func(s *session) error {
				answer, err := s.post(c, true, r, "v1", "tasks")
				if err != nil {
					s.perhaps(err, r.ID)
					return s.whose(c.Context(), err, r.Type, r.Service)
				}
				return s.settle(c.Context(), answer, *then)
			})
		},
	}
	flags := c.Flags()
	flags.StringVarP(&input, "input", "i", "{}", "the input: JSON, @FILE, or - for the standard input")
	flags.StringVar(&r.ID, "id", "", "the task's id: letters, digits, dots, underscores, colons, dashes")
	flags.StringVar(&r.Service, "service", "", "the service that it is for, by its schema")
	flags.StringVar(&r.UserID, "user", "", "the user that it is for, by UUID")
	flags.StringVar(&r.Queue, "queue", "", "one of the queues of OSP_QUEUES")
	flags.StringVar(&r.Priority, "priority", "", "high, default or low")
	flags.StringVar(&r.LimitKey, "limit-key", "", "what it shares a limit with")
	flags.StringVar(&at, "at", "", "not before then: a time (2026-12-24T18:00:00Z), or how long from now (90m, 2d)")
	c.MarkFlagsMutuallyExclusive("queue", "priority")
	complete(c, "priority", "high", "default", "low")
	f.addTo(w, c, asTable, asJSON, asID)
	then.addTo(c)
	return c
}

// read takes the type and the input, or a whole request from a file.
func (r *newTaskRequest) read(c *cobra.Command, what, input string) error {
	if !strings.HasPrefix(what, "@") {
		raw, err := readJSON(c.InOrStdin(), "--input", input)
		r.Type, r.Input = what, raw
		return err
	}
	if c.Flags().Changed("input") {
		return misused("%s has the input: leave --input away", plain(what[1:]))
	}
	raw, err := readJSON(nil, "the request", what)
	if err != nil {
		return err
	}
	var whole newTaskRequest
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&whole); err != nil {
		return misused("%s is not a request: %s: write type, input and what else a start takes", plain(what[1:]), plain(err.Error()))
	}
	r.Type, r.Input, r.Webhook = whole.Type, whole.Input, whole.Webhook
	for _, m := range []struct{ mine, its *string }{
		{&r.ID, &whole.ID},
		{&r.Service, &whole.Service},
		{&r.UserID, &whole.UserID},
		{&r.ProcessAt, &whole.ProcessAt},
		{&r.Queue, &whole.Queue},
		{&r.Priority, &whole.Priority},
		{&r.LimitKey, &whole.LimitKey},
	} {
		*m.mine = cmp.Or(*m.mine, *m.its)
	}
	return nil
}

// perhaps tells of a start whose answer is not known that it may have been taken, and under which id.
func (s *session) perhaps(err error, id string) {
	p, refused := errors.AsType[*problem](err)
	if errors.Is(err, errInterrupted) || refused && p.Status >= http.StatusInternalServerError {
		s.talk("The task may have been accepted all the same: osp task get %s", plain(id))
	}
}

// post sends JSON and returns the answer. Again says that it may be sent twice.
func (s *session) post(c *cobra.Command, again bool, body any, parts ...string) ([]byte, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	return s.client.do(c.Context(), call{method: http.MethodPost, path: path(parts...), body: raw, again: again})
}

const maxInput = 8 << 20 // the API takes less, and says so

// readJSON takes a flag's JSON: as it stands, from @FILE, or from the standard input.
func readJSON(stdin io.Reader, flag, value string) (json.RawMessage, error) {
	raw, from := []byte(value), flag
	var err error
	switch {
	case value == "-":
		from = "the standard input"
		raw, err = io.ReadAll(io.LimitReader(stdin, maxInput))
	case strings.HasPrefix(value, "@"):
		from = plain(value[1:])
		raw, err = os.ReadFile(filepath.Clean(value[1:]))
	}
	if err != nil {
		return nil, misused("%s cannot be read: %w", flag, err)
	}
	if err := json.Unmarshal(raw, new(any)); err != nil {
		at := ""
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			line := 1 + bytes.Count(raw[:min(int(syntax.Offset), len(raw))], []byte("\n"))
			at = fmt.Sprintf(" in line %d", line)
		}
		return nil, misused("%s is not JSON%s: %s: write JSON, @FILE, or - for the standard input", from, at, plain(err.Error()))
	}
	return raw, nil
}

// moment takes a time of a flag: as RFC 3339 has it, or a duration from now (direction 1) or back (-1), in days too.
func moment(now time.Time, flag, value string, direction int) (string, error) {
	if value == "" {
		return "", nil
	}
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return at.UTC().Format(time.RFC3339Nano), nil
	}
	if at, err := time.ParseInLocation("2006-01-02", value, time.Local); err == nil {
		return at.UTC().Format(time.RFC3339), nil
	}
	d, ok := days(value)
	if !ok {
		return "", misused("%s is %q: write a time, such as 2026-12-24T18:00:00Z, or a duration, such as 90m or 2d", flag, plain(value))
	}
	return now.Add(time.Duration(direction) * d).UTC().Format(time.RFC3339), nil
}

func days(value string) (time.Duration, bool) {
	if n, ok := strings.CutSuffix(value, "d"); ok {
		d, err := time.ParseDuration(n + "h")
		return 24 * d, err == nil && d >= 0 && d < 100*365*time.Hour
	}
	d, err := time.ParseDuration(strings.TrimPrefix(value, "+"))
	return d, err == nil && d >= 0
}

// indented writes JSON for people.
func indented(raw []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return string(raw)
	}
	return b.String()
}
