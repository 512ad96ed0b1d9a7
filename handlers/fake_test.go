package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

const (
	alice = "aaaaaaaa-0000-4000-8000-000000000001"
	bob   = "bbbbbbbb-0000-4000-8000-000000000002"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// fake keeps tasks in memory. Nothing runs by itself: tests say what happens.
type fake struct {
	mu       sync.Mutex
	journals map[string][]saga.Event
	requests map[string]saga.Request
	watchers map[string][]chan struct{}
	made     int
	starts   int // calls of Start

	fail  error // every call fails with it
	panic string

	refuses map[string]error // what a retry of a task fails with

	query     saga.Query
	page      saga.Page
	list      func(saga.Query) (saga.Page, error) // instead of page
	signals   []saga.SignalRequest
	humans    map[string]saga.HumanTask // by step
	humanErr  error                     // of what is asked about them
	answers   []saga.HumanAnswer
	asked     saga.HumanQuery
	resolved  saga.Resolution
	cancelled string
	deletion  saga.Deletion
	reads     int // calls of Get and Events
	letters   []saga.DeadLetter
	scale     Scale
	pauses    []saga.Pause
	unknown   error // what it fails with to tell what holds a task
	unserved  bool
	flows     flows
	happened  []happened
	hooks     hooks
}

func newFake() *fake {
	return &fake{
		journals: map[string][]saga.Event{}, requests: map[string]saga.Request{}, watchers: map[string][]chan struct{}{},
		scale: Scale{Desired: 1}, humans: map[string]saga.HumanTask{
			"ask": {Human: saga.Human{Roles: []string{"starter"}}, State: saga.HumanOpen},
		},
	}
}

func (f *fake) enter() (func(), error) {
	f.mu.Lock()
	if f.panic != "" {
		defer f.mu.Unlock()
		panic(f.panic)
	}
	return f.mu.Unlock, f.fail
}

func (f *fake) Start(_ context.Context, r saga.Request) (saga.Task, bool, error) {
	leave, err := f.enter()
	defer leave()
	f.starts++
	switch {
	case err != nil:
		return saga.Task{}, false, err
	case r.Type == "broken":
		panic("secret-of-a-panic")
	case r.Type == "away":
		return saga.Task{}, false, fmt.Errorf("start: %w", saga.ErrUnavailable)
	case !f.knows(r.Type):
		return saga.Task{}, false, fmt.Errorf("start: %w: %q", saga.ErrUnknownType, r.Type)
	case string(r.Input) == `{"name":7}`:
		return saga.Task{}, false, saga.Invalid("/input/name", "must be a string")
	}
	if r.ID == "" {
		f.made++
		r.ID = fmt.Sprintf("made%d", f.made)
	}
	if old, ok := f.requests[r.ID]; ok {
		if old.Type != r.Type || string(old.Input) != string(r.Input) || old.Owner != r.Owner {
			return saga.Task{}, false, saga.ErrConflict
		}
		return f.task(r.ID), false, nil
	}
	f.requests[r.ID] = r
	f.append(r.ID, saga.Event{Kind: saga.KindCreated, Created: &saga.Created{
		ID: r.ID, Type: r.Type, Input: r.Input, Owner: r.Owner, Service: r.Service, Queue: "default", By: r.By,
		RetryOf: r.RetryOf, Hash: "not-for-clients",
	}})
	return f.task(r.ID), true, nil
}

// happen appends events to a task's journal, as a runner would.
func (f *fake) happen(id string, events ...saga.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.append(id, events...)
}

func (f *fake) append(id string, events ...saga.Event) {
	for _, e := range events {
		e.Seq, e.At = int64(len(f.journals[id])+1), noon
		f.journals[id] = append(f.journals[id], e)
	}
	for _, w := range f.watchers[id] {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

func (f *fake) task(id string) saga.Task {
	record, err := saga.Fold(f.journals[id])
	if err != nil {
		panic(err)
	}
	return record.Task(int64(len(f.journals[id])))
}

func (f *fake) known(id string) error {
	if _, ok := f.journals[id]; !ok {
		return fmt.Errorf("task %s: %w", id, saga.ErrNotFound)
	}
	return nil
}

func (f *fake) Get(ctx context.Context, id string) (saga.Task, error) {
	_, task, err := f.Events(ctx, id, 0)
	return task, err
}

func (f *fake) Events(_ context.Context, id string, after int64) ([]saga.Event, saga.Task, error) {
	leave, err := f.enter()
	defer leave()
	f.reads++
	if err == nil {
		err = f.known(id)
	}
	if err != nil {
		return nil, saga.Task{}, err
	}
	events := f.journals[id]
	return slices.Clone(events[min(after, int64(len(events))):]), f.task(id), nil
}

func (f *fake) List(_ context.Context, q saga.Query) (saga.Page, error) {
	leave, err := f.enter()
	defer leave()
	f.query = q
	if q.Cursor == "forged" {
		return saga.Page{}, saga.Invalid("/cursor", "is not ours")
	}
	if f.list != nil && err == nil {
		return f.list(q)
	}
	return f.page, err
}

func (f *fake) Counts(_ context.Context, q saga.Query) (saga.TaskCounts, error) {
	leave, err := f.enter()
	defer leave()
	f.query = q
	states := map[saga.State]int{saga.Waiting: 2, saga.Stuck: 1}
	if q.Type == saga.WebhookType {
		delete(states, saga.Waiting)
	}
	return saga.CountsOf(states, true), err
}

func (f *fake) Cancel(_ context.Context, id, by, reason string) (saga.Task, error) {
	leave, err := f.enter()
	defer leave()
	if err == nil {
		err = f.open(id)
	}
	if err != nil {
		return saga.Task{}, err
	}
	f.cancelled = by + ": " + reason
	f.append(id, saga.Event{Kind: saga.KindCancel, By: by, Error: reason})
	return f.task(id), nil
}

func (f *fake) open(id string) error {
	if err := f.known(id); err != nil {
		return err
	}
	if f.task(id).State.Finished() {
		return fmt.Errorf("task %s: %w", id, saga.ErrFinished)
	}
	return nil
}

func (f *fake) Signal(_ context.Context, id string, s saga.SignalRequest) error {
	leave, err := f.enter()
	defer leave()
	if err == nil {
		err = f.open(id)
	}
	if err != nil {
		return err
	}
	f.signals = append(f.signals, s)
	f.append(id, saga.Event{Kind: saga.KindSignal, Name: s.Name, Data: s.Payload, By: s.By})
	return nil
}

// HumanTask knows the steps of humans, of every task. "ask" may be answered by everybody who may steer the task.
func (f *fake) HumanTask(_ context.Context, id, path string) (saga.HumanTask, error) {
	leave, err := f.enter()
	defer leave()
	if err == nil {
		err = f.known(id)
	}
	if err != nil {
		return saga.HumanTask{}, err
	}
	task := f.task(id)
	h := saga.HumanTask{Task: id, Owner: task.UserID, Service: task.Service, Step: path}
	if f.humanErr != nil {
		return h, f.humanErr
	}
	if human, ok := f.humans[path]; ok {
		h.Human, h.State = human.Human, human.State
	}
	return h, nil
}

// HumanTasks returns those of humans that are in the query, as steps of the task "mine".
func (f *fake) HumanTasks(_ context.Context, q saga.HumanQuery) (page saga.HumanPage, err error) {
	leave, err := f.enter()
	defer leave()
	if q.Cursor == "forged" {
		return page, saga.Invalid("/cursor", "is not ours")
	}
	f.asked = q
	for _, step := range slices.Sorted(maps.Keys(f.humans)) {
		h := f.humans[step]
		h.Task, h.Step, h.Since, h.DueAt = "mine", step, noon, &noon
		if slices.ContainsFunc(q.Scopes, func(s saga.HumanScope) bool { return s.Has(h) }) {
			page.Tasks, page.Next = append(page.Tasks, h), "more"
		}
	}
	return page, err
}

func (f *fake) Answer(ctx context.Context, id, path string, a saga.HumanAnswer) (saga.Answered, error) {
	h, err := f.HumanTask(ctx, id, path)
	switch {
	case err != nil:
		return saga.Answered{}, err
	case h.State == saga.HumanAnswered && a.Outcome != saga.HumanCompleted:
		return saga.Answered{}, fmt.Errorf("answer: %w", saga.ErrAnswered)
	case h.State != saga.HumanOpen && h.State != saga.HumanAnswered:
		return saga.Answered{}, &saga.NotAskedError{Step: path, State: h.State}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if h.State == saga.HumanOpen {
		f.answers = append(f.answers, a)
	}
	return saga.Answered{HumanAnswer: a, Step: path, At: noon, New: h.State == saga.HumanOpen}, nil
}

func (f *fake) Retry(ctx context.Context, id, by string) (saga.Task, error) {
	return f.RetryAs(ctx, id, "", by)
}

func (f *fake) RetryAs(ctx context.Context, id, as, by string) (saga.Task, error) {
	f.mu.Lock()
	err := f.known(id)
	if err == nil && !f.task(id).State.Finished() {
		err = fmt.Errorf("retry: %w", saga.ErrUnfinished)
	}
	r := f.requests[id]
	if refused := f.refuses[id]; err == nil && refused != nil {
		err = refused
	}
	f.mu.Unlock()
	if err != nil {
		return saga.Task{}, err
	}
	r.ID, r.By, r.RetryOf = as, by, id
	task, _, err := f.Start(ctx, r)
	return task, err
}

func (f *fake) Resolve(_ context.Context, id string, r saga.Resolution) (saga.Task, error) {
	leave, err := f.enter()
	defer leave()
	if err == nil {
		err = f.known(id)
	}
	if err != nil {
		return saga.Task{}, err
	}
	if f.task(id).State != saga.Stuck {
		return saga.Task{}, fmt.Errorf("resolve: %w", saga.ErrNotStuck)
	}
	f.resolved = r
	f.append(id, saga.Event{Kind: saga.KindResolved, Path: r.Step, Name: string(r.Action), Error: r.Reason, By: r.By})
	return f.task(id), nil
}

// Watch has a goroutine, as the real one has: it must end with ctx.
func (f *fake) Watch(ctx context.Context, id string) (<-chan struct{}, error) {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return nil, err
	}
	told, out := make(chan struct{}, 1), make(chan struct{})
	f.watchers[id] = append(f.watchers[id], told)
	go func() {
		defer close(out)
		for {
			select {
			case <-told:
			case <-ctx.Done():
				return
			}
			select {
			case out <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// DeadLetters takes the last id of a page for its cursor.
func (f *fake) DeadLetters(_ context.Context, cursor string, limit int) (saga.DeadLetters, error) {
	leave, err := f.enter()
	defer leave()
	if cursor == "forged" {
		return saga.DeadLetters{}, saga.Invalid("/cursor", "is not ours")
	}
	from := slices.IndexFunc(f.letters, func(l saga.DeadLetter) bool { return l.ID == cursor }) + 1
	page := saga.DeadLetters{Letters: slices.Clone(f.letters[from:])}
	if len(page.Letters) > limit {
		page.Letters = page.Letters[:limit]
		page.Next = page.Letters[limit-1].ID
	}
	return page, err
}

func (f *fake) Resend(_ context.Context, ids []string) (int, error) {
	leave, err := f.enter()
	defer leave()
	before := len(f.letters)
	f.letters = slices.DeleteFunc(f.letters, func(l saga.DeadLetter) bool { return slices.Contains(ids, l.ID) })
	return before - len(f.letters), err
}

func (f *fake) ResendAll(context.Context) (int, error) {
	leave, err := f.enter()
	defer leave()
	n := len(f.letters)
	f.letters = nil
	return n, err
}

func (f *fake) Types() []saga.TaskType {
	return []saga.TaskType{
		{Name: "demo", Description: "For tests", Access: saga.AccessOpen, Input: json.RawMessage(`{"type":"object"}`)},
		{Name: "found", Description: "Makes a service", Access: saga.AccessUnbound, Input: json.RawMessage(`true`)},
		{Name: "root", Description: "Does anything", Access: saga.AccessPrivileged, Input: json.RawMessage(`true`)},
	}
}

func (f *fake) Type(name string) (saga.TaskType, bool) {
	for _, t := range f.Types() {
		if t.Name == name {
			return t, true
		}
	}
	return saga.TaskType{}, false
}

func (f *fake) knows(name string) bool {
	_, ok := f.Type(name)
	return ok
}

func (f *fake) Delete(_ context.Context, d saga.Deletion) (saga.Deleted, error) {
	f.deletion = d
	return saga.Deleted{ID: "d1", Counts: saga.Counts{Tasks: 2, Rows: 7}, At: time.Unix(1_790_000_000, 0).UTC()}, f.fail
}

func (f *fake) Scale(context.Context) (Scale, error) { return f.scale, f.fail }

func (f *fake) Ready(context.Context) error { return f.fail }
