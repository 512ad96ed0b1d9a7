package tasks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks/definition"
)

// HumanTask tells how the human task at a step's path stands, and who may answer it. Of a task whose journal has expired
// it is only told that it is over. Errors: [saga.ErrNotFound], [saga.ErrUnavailable], [saga.ErrLost]. Whose the task is is
// told with an error, too, if it is known.
func (d *Dispatcher) HumanTask(ctx context.Context, id, path string) (saga.HumanTask, error) {
	events, task, err := d.known(ctx, id)
	if err != nil || len(events) == 0 {
		return saga.HumanTask{Task: task.ID, Service: task.Service, Owner: task.UserID, Step: path, State: saga.HumanOver}, err
	}
	return d.stand(ctx, events, path, events[len(events)-1].At)
}

// stand is how a human task stands after some events, at a moment by the journal's clock. Who may answer is in the definition
// that the task began with.
func (d *Dispatcher) stand(ctx context.Context, events []saga.Event, path string, at time.Time) (saga.HumanTask, error) {
	record, err := saga.Fold(events)
	if err != nil {
		return saga.HumanTask{}, fmt.Errorf("task %s: %w", events[0].Created.ID, err)
	}
	c := record.Created
	h := saga.HumanTask{Task: c.ID, Service: c.Service, Owner: c.Owner, Step: path}
	if c.Definition == "" || d.Catalogue.Definitions == nil {
		return h, nil
	}
	f, err := d.Catalogue.Definitions.find(ctx, c.Definition)
	if err != nil {
		return h, fmt.Errorf("task %s: %w: %w", c.ID, saga.ErrUnavailable, err)
	}
	return f.parsed.HumanTask(record, path, at), nil
}

// HumanTasks returns a page of the human tasks that are open, from the result store: a step that waits again after its
// escalation is the step that was escalated.
func (d *Dispatcher) HumanTasks(ctx context.Context, q saga.HumanQuery) (saga.HumanPage, error) {
	page, err := d.Rows.HumanTasks(ctx, q)
	for i := range page.Tasks {
		page.Tasks[i].Step = definition.HumanStep(page.Tasks[i].Step)
	}
	return page, err
}

// Answer takes a person's answer to the human task at a step's path. The first one stands: the same again is told as it
// was, another is [saga.ErrAnswered]. Errors: *[saga.NotAskedError], [saga.ErrTooLarge], and those of
// [Dispatcher.HumanTask].
func (d *Dispatcher) Answer(ctx context.Context, id, path string, a saga.HumanAnswer) (saga.Answered, error) {
	payload, err := encodeJSON(a)
	if err != nil {
		return saga.Answered{}, saga.Invalid("/output", "%v", err)
	}
	h, err := d.HumanTask(ctx, id, path)
	if err != nil {
		return saga.Answered{}, err
	}
	m := saga.Message{
		Event:  saga.Event{Kind: saga.KindSignal, Name: definition.AnswerSignal(path), Data: payload, By: a.By},
		Dedupe: "human/" + path,
	}
	posted := saga.Posted{Duplicate: true}
	if h.State == saga.HumanOpen {
		posted, err = d.send(ctx, id, m)
		if err != nil && !errors.Is(err, saga.ErrFinished) {
			return saga.Answered{}, err
		}
	}
	given, err := d.given(ctx, h, m)
	given.New = !posted.Duplicate
	return given, err
}

// given is the answer that stands. One that came when the wait had just ended is in the journal, and nobody takes it.
func (d *Dispatcher) given(ctx context.Context, h saga.HumanTask, m saga.Message) (saga.Answered, error) {
	events, _, err := d.known(ctx, h.Task)
	if err != nil {
		return saga.Answered{}, err
	}
	i := slices.IndexFunc(events, func(e saga.Event) bool { return e.Kind == saga.KindSignal && e.Dedupe == m.Dedupe })
	if i < 0 {
		if h.State == saga.HumanOpen {
			h.State = saga.HumanOver
		}
		return saga.Answered{}, &saga.NotAskedError{Step: h.Step, State: h.State}
	}
	switch then, err := d.stand(ctx, events[:i], h.Step, events[i].At); {
	case err != nil:
		return saga.Answered{}, err
	case then.State != saga.HumanOpen:
		return saga.Answered{}, &saga.NotAskedError{Step: h.Step, State: saga.HumanOver}
	case !sameJSON(events[i].Data, m.Event.Data):
		return saga.Answered{}, fmt.Errorf("step %s of task %s: %w", h.Step, h.Task, saga.ErrAnswered)
	}
	given := saga.Answered{Step: h.Step, At: events[i].At}
	return given, json.Unmarshal(events[i].Data, &given.HumanAnswer)
}

// sameJSON tells whether two documents say the same.
func sameJSON(a, b json.RawMessage) bool {
	one, err1 := plainJSON(a)
	other, err2 := plainJSON(b)
	return err1 == nil && err2 == nil && bytes.Equal(one, other)
}

// plainJSON writes a document without white space, the members of objects in order.
func plainJSON(raw json.RawMessage) ([]byte, error) {
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return encodeJSON(v)
}
