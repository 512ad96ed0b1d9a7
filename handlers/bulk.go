package handlers

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

const (
	maxBulk      = 1000             // tasks that one request does something to
	bulkPage     = 64               // tasks read at once
	bulkWorkers  = 16               // tasks that something is done to at the same time
	bulkPatience = 20 * time.Second // after that it answers with what is done: see [patience]
	maxRefused   = 100              // told of those that were refused
)

// bulkKind is what may be done to many tasks at once.
type bulkKind struct {
	// statuses are those of the tasks that are meant where the filter names neither status nor state, one after the other.
	statuses []saga.Status
	do       func(ctx context.Context, b bulk, t saga.Task) error
	starts   bool // it counts against the caller's rate
}

// bulk is what a request wants done to which tasks.
type bulk struct {
	kind   bulkKind
	query  saga.Query // without cursor and limit
	reason string
	key    string // Idempotency-Key
	dryRun bool
	limit  int
	pass   int    // the place in statuses where it goes on
	cursor string // and in that list
}

// bulkAnswer tells what was done.
type bulkAnswer struct {
	Matched int           `json:"matched"`
	Done    int           `json:"done"`
	Refused []refusedTask `json:"refused"` // the first 100
	Next    *string       `json:"next"`    // where the same request goes on; null: there are no more
	Capped  bool          `json:"capped"`  // of a dry run: there are more than it has counted
}

type refusedTask struct {
	ID     string `json:"id"`
	Detail string `json:"detail"`
}

// bulkCancel asks for many tasks to be undone: POST /v1/tasks/bulk/cancel.
func (a *API) bulkCancel(c *gin.Context) {
	a.bulk(c, bulkKind{
		statuses: []saga.Status{saga.StatusPending, saga.StatusRunning},
		do: func(ctx context.Context, b bulk, t saga.Task) error {
			err := PrincipalOf(ctx).cancels(t)
			if err == nil {
				_, err = a.tasks.Cancel(ctx, t.ID, PrincipalOf(ctx).Name, b.reason)
			}
			return err
		},
	})
}

// bulkRetry starts a new task like each of many that have ended: POST /v1/tasks/bulk/retry.
func (a *API) bulkRetry(c *gin.Context) {
	a.bulk(c, bulkKind{statuses: []saga.Status{saga.StatusFailed, saga.StatusCancelled}, do: a.retryOne, starts: true})
}

// errOwn is about a task that the request itself has started, when it was sent before.
var errOwn = errors.New("a task of this very request")

// retryOne retries a task of a bulk. Under a key, the same request again is the same new tasks.
func (a *API) retryOne(ctx context.Context, b bulk, t saga.Task) error {
	as := ""
	if b.key != "" {
		as = retryID(b.key, t.UserID, t.ID)
		if t.RetryOf != "" && t.ID == retryID(b.key, t.UserID, t.RetryOf) {
			return errOwn
		}
	}
	if err := a.permitStart(ctx, t.Type, t.Service); err != nil {
		return err
	}
	leave, err := a.gate.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	_, err = a.tasks.RetryAs(ctx, t.ID, as, PrincipalOf(ctx).Name)
	return err
}

// retryID is the id of the task like another that a request with a key starts.
func retryID(key, owner, of string) string { return keyedID(owner, key, "retry\x00"+of) }

func (a *API) bulk(c *gin.Context, kind bulkKind) {
	answer, err := a.doBulk(c, kind)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.json(c, http.StatusOK, answer)
}

func (a *API) doBulk(c *gin.Context, kind bulkKind) (bulkAnswer, error) {
	ctx := c.Request.Context()
	who := PrincipalOf(ctx)
	if !who.bound() { // what others' tasks are is not for starters to say
		if err := who.holds(RoleOperator); err != nil {
			return bulkAnswer{}, err
		}
	}
	b, err := bulkRequest(c, kind)
	if err != nil {
		return bulkAnswer{}, err
	}
	if err := who.narrow(&b.query); err != nil {
		return bulkAnswer{}, inFilter(err)
	}
	if b.dryRun {
		return a.countBulk(ctx, b)
	}
	return a.runBulk(ctx, b)
}

// queries are the lists that a bulk goes through, one after the other.
func (b bulk) queries() []saga.Query {
	if b.query.Status != "" || b.query.State != "" {
		return []saga.Query{b.query}
	}
	list := make([]saga.Query, len(b.kind.statuses))
	for i, status := range b.kind.statuses {
		list[i] = b.query
		list[i].Status = status
	}
	return list
}

// meant leaves deliveries to webhooks out where the filter does not name their type: they tell of the tasks that are meant.
func (b bulk) meant(list []saga.Task) []saga.Task {
	return slices.DeleteFunc(slices.Clone(list), func(t saga.Task) bool { return t.Type == saga.WebhookType && b.query.Type == "" })
}

// countBulk tells of how many tasks something would be done to.
func (a *API) countBulk(ctx context.Context, b bulk) (bulkAnswer, error) {
	answer := bulkAnswer{Refused: []refusedTask{}}
	for _, q := range b.queries() {
		all, capped, err := a.countOf(ctx, q)
		if err != nil {
			return answer, err
		}
		if q.Type == "" {
			q.Type = saga.WebhookType
			deliveries, _, err := a.countOf(ctx, q)
			if err != nil {
				return answer, err
			}
			all = max(all-deliveries, 0)
		}
		answer.Matched, answer.Capped = answer.Matched+all, answer.Capped || capped
	}
	return answer, nil
}

// countOf counts the tasks of a list.
func (a *API) countOf(ctx context.Context, q saga.Query) (all int, capped bool, err error) {
	counts, err := a.tasks.Counts(ctx, q)
	for _, n := range counts.Status {
		all += n
	}
	return all, counts.Capped, err
}

// runBulk goes through the tasks page by page, until it has seen enough or the time is over.
func (a *API) runBulk(ctx context.Context, b bulk) (bulkAnswer, error) {
	answer, end := bulkAnswer{Refused: []refusedTask{}}, a.now().Add(bulkPatience)
	queries := b.queries()
	for b.pass < len(queries) {
		q := queries[b.pass]
		q.Cursor, q.Limit = b.cursor, min(bulkPage, b.limit-answer.Matched)
		if q.Limit == 0 || !a.now().Before(end) {
			break
		}
		page, err := a.tasks.List(ctx, q)
		meant, n := b.meant(page.Tasks), 0
		if err == nil {
			n, err = a.eachOf(ctx, b, meant, end, &answer)
		}
		switch last := len(page.Tasks) - 1; {
		case n == len(meant) && last >= 0:
			b.cursor = saga.CursorAfter(page.Tasks[last])
		case n > 0:
			b.cursor = saga.CursorAfter(meant[n-1])
		}
		if err != nil {
			if answer.Matched == 0 {
				return answer, err
			}
			break // what is done is worth an answer
		}
		if n == len(meant) && page.Next == "" {
			b.pass, b.cursor = b.pass+1, ""
		}
	}
	if b.pass < len(queries) {
		next := b.place()
		answer.Next = &next
	}
	return answer, nil
}

// place is the cursor of a bulk.
func (b bulk) place() string { return strconv.Itoa(b.pass) + "." + b.cursor }
