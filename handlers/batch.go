package handlers

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

const (
	maxItems     = 1000
	batchWorkers = 16 // tasks that one batch starts at the same time
)

// batchAnswer tells what became of each item of a batch, in the order of the request.
type batchAnswer struct {
	Accepted int         `json:"accepted"` // begun by this request
	Existing int         `json:"existing"` // the same request had been accepted before
	Refused  int         `json:"refused"`
	Items    []batchItem `json:"items"`
}

type batchItem struct {
	Status   int          `json:"status"` // what the item alone would have been answered with
	ID       string       `json:"id,omitempty"`
	Location string       `json:"location,omitempty"`
	Problem  *problemBody `json:"problem,omitempty"`
}

// startBatch starts up to 1000 tasks, each on its own: POST /v1/tasks/batch.
func (a *API) startBatch(c *gin.Context) {
	items, err := batchItems(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	ctx := c.Request.Context()
	allowed, err := a.rates.upTo(ctx, len(items))
	if err != nil {
		a.problem(c, err)
		return
	}
	answer, err := a.startAll(ctx, items[:allowed])
	if err != nil {
		a.problem(c, err)
		return
	}
	without, _ := a.describe(ctx, refuse(tooMany))
	answer.leaveOut(len(items)-allowed, without)
	a.json(c, http.StatusMultiStatus, answer)
}

func batchItems(c *gin.Context) ([]item, error) {
	key, err := idempotencyKey(c.Request.Header)
	if err != nil {
		return nil, err
	}
	data, err := body(c, maxBatch)
	if err != nil {
		return nil, err
	}
	if data == nil {
		return nil, refuse(malformed).because("The body is empty.")
	}
	o, err := newObject(data)
	if err != nil {
		return nil, err
	}
	var tasks []json.RawMessage
	if raw := o.raw("tasks"); json.Unmarshal(raw, &tasks) != nil || len(tasks) == 0 || len(tasks) > maxItems {
		o.wrong("tasks", "must be a list of 1 to %d requests", maxItems)
	}
	if err := o.end(); err != nil {
		return nil, err
	}
	items := make([]item, len(tasks))
	for i, raw := range tasks {
		items[i] = item{data: raw, key: key, of: index(i)}
	}
	return items, nil
}

// startAll starts the items with a few workers. Once the journal cannot be reached the rest is not tried; if that was
// so from the beginning, it is the answer to the whole batch.
func (a *API) startAll(ctx context.Context, items []item) (batchAnswer, error) {
	answer := batchAnswer{Items: make([]batchItem, len(items))}
	var (
		next    atomic.Int64
		away    atomic.Pointer[error]
		workers sync.WaitGroup
	)
	for range min(batchWorkers, len(items)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(items); i = int(next.Add(1)) - 1 {
				if away.Load() != nil {
					continue
				}
				task, created, err := a.startSafely(ctx, items[i])
				switch {
				case err == nil:
					answer.Items[i] = batchItem{Status: startStatus(created), ID: task.ID, Location: location(task.ID)}
				case kindOf(err) == unavailable:
					away.CompareAndSwap(nil, &err)
				default:
					answer.Items[i] = a.refused(ctx, i, err)
				}
			}
		})
	}
	workers.Wait()
	if err := away.Load(); err != nil {
		if !slices.ContainsFunc(answer.Items, batchItem.answered) {
			return answer, *err
		}
		without, _ := a.describe(ctx, *err)
		answer.skip(without)
	}
	return answer, nil
}

// refused is an item that was not started.
func (a *API) refused(ctx context.Context, i int, err error) batchItem {
	body, _ := a.describe(ctx, err)
	return refusedWith(i, body)
}

// refusedWith is an item that was not started. Pointers are into the body of the batch; one at least says which item it is.
func refusedWith(i int, body problemBody) batchItem {
	at, said := pointer("tasks", index(i)), false
	faults := make([]fault, len(body.Errors)) // not in place: the error may be shared
	for n, f := range body.Errors {
		if f.Pointer != nil {
			f, said = atPointer(at+*f.Pointer, "%s", f.Detail), true
		}
		faults[n] = f
	}
	if !said {
		faults = append(faults, atPointer(at, "%s", cmp.Or(body.Detail, body.Title)))
	}
	body.Errors = faults
	return batchItem{Status: body.Status, Problem: &body}
}

func (it batchItem) answered() bool { return it.Status != 0 }

// skip answers all that was not tried, or failed, while the journal could not be reached.
func (b *batchAnswer) skip(with problemBody) {
	for i, it := range b.Items {
		if !it.answered() {
			b.Items[i] = refusedWith(i, with)
		}
	}
}

// leaveOut answers the last n items, which were not tried because the caller has started too many, and counts them all.
func (b *batchAnswer) leaveOut(n int, with problemBody) {
	for range n {
		b.Items = append(b.Items, refusedWith(len(b.Items), with))
	}
	b.count()
}

func (b *batchAnswer) count() {
	for _, it := range b.Items {
		switch it.Status {
		case http.StatusAccepted:
			b.Accepted++
		case http.StatusOK:
			b.Existing++
		default:
			b.Refused++
		}
	}
}

// startSafely is startOne for a goroutine of its own, where a panic would end the process.
func (a *API) startSafely(ctx context.Context, it item) (task saga.Task, created bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = a.panicked(ctx, v)
		}
	}()
	return a.startOne(ctx, it, startRequest)
}
