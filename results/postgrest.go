package results

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/supabase-community/postgrest-go"

	"github.com/osp-platform/osp/saga"
)

// Supabase says where the user's Supabase is and how to use it.
type Supabase struct {
	URL string // https://<ref>.supabase.co, with or without /rest/v1
	// Key is the project's secret key (sb_secret_…) or its older service_role key (a JWT).
	Key string
	// Timeout bounds each call. Zero: 35 s, a little more than the functions' own limit.
	Timeout time.Duration
	// Connections is how many HTTP connections are open at most. Zero: 16.
	Connections int
	// Schema is the number of the migration that the database must have, or a newer one.
	Schema int64
	// Through wraps what sends the requests: to measure them. Nil: nothing does.
	Through func(http.RoundTripper) http.RoundTripper
}

// PostgREST is the [Store] in a Supabase project, reached through its REST API. The functions that it calls are those of
// deploy/supabase/migrations, which service_role alone may execute.
type PostgREST struct {
	client    *postgrest.Client // never changed once it is made: its setters race
	transport *transport
	timeout   time.Duration
	schema    int64
}

var _ Store = (*PostgREST)(nil)

// NewPostgREST checks the settings; it connects to nothing.
func NewPostgREST(s Supabase) (*PostgREST, error) {
	base, err := restURL(s.URL)
	if err != nil {
		return nil, err
	}
	client, err := postgrest.NewClientWithError(base, "public", nil)
	if err != nil {
		return nil, fmt.Errorf("SUPABASE_URL: %w", err)
	}
	if s.Connections <= 0 {
		s.Connections = 16
	}
	if s.Timeout <= 0 {
		s.Timeout = 35 * time.Second
	}
	p := &PostgREST{client: client, transport: newTransport(s.Connections), timeout: s.Timeout, schema: s.Schema}
	if s.Through != nil {
		p.transport.through = s.Through(p.transport.base)
	}
	client.Transport.Parent = p.transport
	return p, p.SetKey(s.Key)
}

// SetKey changes the key for the calls that follow, so that it can be rotated.
func (p *PostgREST) SetKey(key string) error {
	headers, err := keyHeaders(key)
	if err == nil {
		p.transport.key.Store(&headers)
	}
	return err
}

// function is one of ours in the database; there are no others that could be called.
type function string

const (
	fnSave         function = "osp_save"
	fnGet          function = "osp_get"
	fnList         function = "osp_list"
	fnCounts       function = "osp_counts"
	fnApply        function = "osp_apply"
	fnExpire       function = "osp_expire"
	fnSettle       function = "osp_settle"
	fnDelete       function = "osp_delete"
	fnPing         function = "osp_ping"
	fnKept         function = "osp_kept"
	fnAllKept      function = "osp_all_kept"
	fnEffects      function = "osp_effects"
	fnServiceOwner function = "osp_service_owner"
	fnHumanTasks   function = "osp_human_tasks"
)

// call calls a function and returns its result.
func (p *PostgREST) call(ctx context.Context, fn function, args map[string]any) ([]byte, error) {
	return p.callFor(ctx, p.timeout, fn, args)
}

// callFor calls a function that may take so long.
func (p *PostgREST) callFor(ctx context.Context, d time.Duration, fn function, args map[string]any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	body, _, err := p.client.From("rpc/"+string(fn)).Insert(args, false, "", "", "").ExecuteWithContext(ctx)
	if err != nil {
		if answer, ok := errors.AsType[*APIError](err); ok {
			return nil, fmt.Errorf("%s: %w", fn, answer) // without the URL that net/http puts before it
		}
		if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
			err = saga.Definite(err) // it was never sent
		}
		return nil, fmt.Errorf("%s: %w: %w", fn, saga.ErrUnavailable, err)
	}
	return body, nil
}

// ask calls a function and decodes its result. Errors: [saga.ErrNotFound], when that is null.
func ask[T any](ctx context.Context, p *PostgREST, fn function, args map[string]any) (T, error) {
	return askFor[T](ctx, p, p.timeout, fn, args)
}

// askFor asks a function that may take so long.
func askFor[T any](ctx context.Context, p *PostgREST, d time.Duration, fn function, args map[string]any) (answer T, err error) {
	body, err := p.callFor(ctx, d, fn, args)
	switch {
	case err != nil:
		return answer, err
	case string(body) == "null":
		return answer, saga.ErrNotFound
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return answer, fmt.Errorf("%s: decode the answer: %w", fn, err)
	}
	return answer, nil
}

// Save upserts rows in one transaction.
func (p *PostgREST) Save(ctx context.Context, rows []Row) ([]Saved, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	tasks := make([]json.RawMessage, len(rows))
	for i, r := range rows {
		var err error
		if tasks[i], err = encodeRow(r); err != nil {
			return nil, err
		}
	}
	saved, err := ask[[]Saved](ctx, p, fnSave, map[string]any{"tasks": tasks})
	if err != nil {
		return nil, saveError(err)
	}
	return saved, nil
}

// Get returns a task.
func (p *PostgREST) Get(ctx context.Context, id string) (saga.Task, error) {
	body, err := ask[json.RawMessage](ctx, p, fnGet, map[string]any{"id": id})
	if err != nil {
		return saga.Task{}, fmt.Errorf("get task %s: %w", id, err)
	}
	return decodeTask(body)
}

// List returns tasks, newest first.
func (p *PostgREST) List(ctx context.Context, q saga.Query) (saga.Page, error) {
	after, err := parseCursor(q.Cursor)
	if err != nil {
		return saga.Page{}, err
	}
	limit := limitOf(q)
	query := listed(q, after)
	query["max"] = limit + 1
	rows, err := ask[[]json.RawMessage](ctx, p, fnList, map[string]any{"query": query})
	if err != nil {
		return saga.Page{}, err
	}
	tasks := make([]saga.Task, len(rows))
	for i, r := range rows {
		if tasks[i], err = decodeTask(r); err != nil {
			return saga.Page{}, err
		}
	}
	return pageOf(tasks, limit), nil
}

// listed is a query as the database takes it. What is not asked for is not in it.
func listed(q saga.Query, after cursor) map[string]any {
	query := map[string]any{}
	for name, value := range map[string]string{
		"status": string(q.Status), "state": string(q.State), "type": q.Type, "service": q.Service, "owner": q.Owner,
		"search": q.Search, "before_id": after.ID,
	} {
		if value != "" {
			query[name] = value
		}
	}
	for name, at := range map[string]time.Time{"from_at": q.From, "until_at": q.Until, "before_at": after.At} {
		if !at.IsZero() {
			query[name] = at.UTC()
		}
	}
	return query
}

// Counts returns how many tasks of a query there are.
func (p *PostgREST) Counts(ctx context.Context, q saga.Query) (saga.TaskCounts, error) {
	query := listed(q, cursor{})
	query["max"] = countLimitOf(q)
	answer, err := ask[struct {
		States map[saga.State]int `json:"states"`
		Capped bool               `json:"capped"`
	}](ctx, p, fnCounts, map[string]any{"query": query})
	if err != nil {
		return saga.TaskCounts{}, err
	}
	return saga.CountsOf(answer.States, answer.Capped), nil
}

// Apply carries out an effect in one transaction with its fence.
func (p *PostgREST) Apply(ctx context.Context, f saga.Fence, effect string, args json.RawMessage) (json.RawMessage, error) {
	body, err := p.call(ctx, fnApply, map[string]any{"fence": f, "effect": effect, "args": args})
	if err != nil {
		return nil, applyError(err)
	}
	return body, nil
}

// Close closes idle connections.
func (p *PostgREST) Close() error {
	p.transport.base.CloseIdleConnections()
	return nil
}
