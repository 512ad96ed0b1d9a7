package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
	"github.com/osp-platform/osp/tasks/definition"
)

// library is a result store's part in memory: the versions that were deployed. Like the real one it can be away.
type library struct {
	mu    sync.Mutex
	list  []saga.WorkflowVersion
	since map[string]time.Time // by hash: when it was made active
	away  bool
	asked int // for the current version
}

func (l *library) Workflow(_ context.Context, of saga.WorkflowKey) (current saga.WorkflowVersion, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	if l.away {
		return current, fmt.Errorf("library: %w", saga.ErrUnavailable)
	}
	for _, service := range []string{of.Service, ""} { // all that is deployed here was active
		err = saga.ErrNotFound
		for _, v := range l.list {
			if v.Key() == (saga.WorkflowKey{Service: service, ID: of.ID}) && current.State != saga.VersionActive {
				v.Definition = nil
				current, err = v, nil
			}
		}
		if err == nil {
			break
		}
	}
	return current, err
}

func (l *library) Definition(_ context.Context, hash string) (saga.WorkflowVersion, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return saga.WorkflowVersion{}, fmt.Errorf("library: %w", saga.ErrUnavailable)
	}
	for _, v := range l.list {
		if v.Hash == hash {
			return v, nil
		}
	}
	return saga.WorkflowVersion{}, saga.ErrNotFound
}

// add deploys a definition, and makes it the active version.
func (l *library) add(t *testing.T, text string) saga.WorkflowVersion {
	t.Helper()
	return l.addTo(t, "", text)
}

// addTo is add for a service.
func (l *library) addTo(t *testing.T, service, text string) saga.WorkflowVersion {
	t.Helper()
	d, problems := definition.Parse([]byte(text))
	if d == nil {
		t.Fatal(problems)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.list {
		if l.list[i].Key() == (saga.WorkflowKey{Service: service, ID: d.ID}) {
			l.list[i].State = saga.VersionDeprecated
		}
	}
	if l.since == nil {
		l.since = map[string]time.Time{}
	}
	l.since[d.Hash] = time.Now()
	l.list = append(l.list, saga.WorkflowVersion{
		Service: service, Workflow: d.ID, Version: len(l.list) + 1, Hash: d.Hash, State: saga.VersionActive, Definition: d.Content,
	})
	return l.list[len(l.list)-1]
}

// Triggered implements [tasks.TriggerSource].
func (l *library) Triggered(_ context.Context, q saga.TriggerQuery) (found []saga.Triggered, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return nil, fmt.Errorf("library: %w", saga.ErrUnavailable)
	}
	for _, v := range l.list {
		d, _ := definition.Parse(v.Definition)
		trigger, subject := d.StartsBy()
		wanted := q.Services == nil || slices.Contains(q.Services, v.Service)
		if wanted && v.State == saga.VersionActive && trigger == q.Trigger && subject == q.Subject {
			v.Definition = nil
			found = append(found, saga.Triggered{WorkflowVersion: v, Owner: owners[v.Service], ActivatedAt: l.since[v.Hash]})
		}
	}
	return found, nil
}

// owners are the users whose services are.
var owners = map[string]string{"shop": "11111111-1111-4111-8111-111111111111"}

// become brings the active version of a workflow into another state.
func (l *library) become(state saga.VersionState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list[len(l.list)-1].State = state
	l.since[l.list[len(l.list)-1].Hash] = time.Now()
}

func (l *library) leave(away bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = away
}

// Action implements [definition.Activities]: the rig notes what log_event is asked to say, and knows nothing else.
func (r *rig) Action(activityType string) (definition.Action, error) {
	if activityType != "log_event" {
		return definition.Action{}, fmt.Errorf("activities of the type %s are not known here", activityType)
	}
	return definition.Action{Do: func(_ context.Context, _ saga.Call, params json.RawMessage) (json.RawMessage, error) {
		var said struct{ Say string }
		err := json.Unmarshal(params, &said)
		r.trail.add(said.Say)
		return params, err
	}}, nil
}

// withDefinitions gives a rig workflows that are data.
func withDefinitions(r *rig) (*library, *tasks.Definitions) {
	l := &library{}
	d := r.process(l)
	r.dispatcher.Catalogue.Definitions = d
	return l, d
}

// process is what another process of the program knows: nothing yet.
func (r *rig) process(l *library) *tasks.Definitions {
	return &tasks.Definitions{Source: l, Shelf: r.journal, Activities: r, Log: slog.New(slog.DiscardHandler), Now: time.Now}
}

func saying(word string) string {
	return `{"id": "talk", "input_schema": {"type": "object", "required": ["to"], "properties": {"to": {"type": "string"}}}, "steps": [
		{"id": "a", "type": "activity", "activity": {"type": "log_event", "params": {"say": "` + word + ` ${to}"}}},
		{"id": "w", "type": "wait_signal", "wait": {"signal_name": "go"}},
		{"id": "b", "type": "activity", "activity": {"type": "log_event", "params": {"say": "` + word + ` again"}}}]}`
}

var talk = saga.Request{Type: "talk", Input: json.RawMessage(`{"to": "Ada"}`)}

func TestATaskGoesOnWithTheContentThatItBeganWith(t *testing.T) {
	r := newRig(t)
	l, _ := withDefinitions(r)
	first := l.add(t, saying("hello"))
	task := r.start(talk)
	s, err := r.journal.Read(t.Context(), task.ID)
	if err != nil {
		t.Fatal(err)
	}
	if c := s.Events[0].Created; c.Definition != first.Hash || c.Version != 1 || c.Workflow != "talk" {
		t.Errorf("recorded %+v", c)
	}
	var parked *saga.ParkedError
	if err := r.deliver(task.ID); !errors.As(err, &parked) {
		t.Fatal(err)
	}
	l.add(t, saying("bye"))
	r.dispatcher.Catalogue.Definitions = r.process(l) // another process
	if err := r.dispatcher.Signal(t.Context(), task.ID, saga.SignalRequest{Name: "go"}); err != nil {
		t.Fatal(err)
	}
	r.finishes(task.ID, saga.Completed)
	if got := r.trail.told(); got != "hello Ada, hello again" {
		t.Errorf("it said %s", got)
	}
}

func TestADefinitionThatIsNotToBeHadParksItsTasks(t *testing.T) {
	r := newRig(t)
	l, _ := withDefinitions(r)
	v := l.add(t, saying("hello"))
	task := r.start(talk)
	gone := r.client.Del(t.Context(), "osp:definition:"+v.Hash)
	if gone.Val() != 1 {
		t.Fatalf("the copy was not where workers look: %v", gone.Err())
	}
	l.leave(true)
	r.dispatcher.Catalogue.Definitions = r.process(l)
	for range 2 {
		var parked *saga.ParkedError
		if err := r.deliver(task.ID); !errors.As(err, &parked) || !errors.Is(err, saga.ErrUnknownWorkflow) {
			t.Fatalf("without the definition: %v", err)
		}
	}
	if n := r.count(task.ID, saga.KindCreated); n != 1 || r.state(task.ID) != saga.Pending || r.trail.told() != "" {
		t.Fatalf("it is %s and did %q", r.state(task.ID), r.trail.told())
	}
	l.leave(false)
	var parked *saga.ParkedError
	if err := r.deliver(task.ID); !errors.As(err, &parked) || r.trail.told() != "hello Ada" {
		t.Fatalf("with it: %v, it did %q", err, r.trail.told())
	}
	if r.client.Exists(t.Context(), "osp:definition:"+v.Hash).Val() != 1 {
		t.Error("the copy was not put back")
	}
}

// What is stored is what was checked, or it does not run.
func TestAContentThatIsNotItsHashsDoesNotRun(t *testing.T) {
	r := newRig(t)
	l, _ := withDefinitions(r)
	v := l.add(t, saying("hello"))
	task := r.start(talk)
	other, _ := definition.Parse([]byte(saying("something else")))
	if err := r.client.Set(t.Context(), "osp:definition:"+v.Hash, []byte(other.Content), 0).Err(); err != nil {
		t.Fatal(err)
	}
	r.dispatcher.Catalogue.Definitions = r.process(l)
	if err := r.deliver(task.ID); !errors.Is(err, saga.ErrUnknownWorkflow) || r.trail.told() != "" {
		t.Errorf("%v; it did %q", err, r.trail.told())
	}
}

func TestWhatIsActiveIsAskedForNowAndThen(t *testing.T) {
	r := newRig(t)
	l, d := withDefinitions(r)
	now := time.Now()
	d.Now = func() time.Time { return now }
	l.add(t, saying("hello"))
	for range 3 {
		r.start(talk)
	}
	if l.asked != 1 {
		t.Errorf("asked %d times for three tasks", l.asked)
	}
	now = now.Add(2 * time.Second)
	second := l.add(t, saying("bye"))
	task := r.start(talk)
	if s, _ := r.journal.Read(t.Context(), task.ID); s.Events[0].Created.Definition != second.Hash || l.asked != 2 {
		t.Errorf("two seconds later: %+v, asked %d times", s.Events[0].Created, l.asked)
	}
	now = now.Add(time.Hour)
	l.leave(true)
	r.client.Del(t.Context(), "osp:definition:"+second.Hash)
	task = r.start(talk)
	if r.client.Exists(t.Context(), "osp:definition:"+second.Hash).Val() != 1 {
		t.Error("a task was accepted whose definition workers cannot find")
	}
	if s, _ := r.journal.Read(t.Context(), task.ID); s.Events[0].Created.Version != 2 {
		t.Errorf("while the store is away: %+v", s.Events[0].Created)
	}
	r.dispatcher.Catalogue.Definitions = r.process(l) // it has heard nothing itself
	task = r.start(talk)
	if s, _ := r.journal.Read(t.Context(), task.ID); s.Events[0].Created.Version != 2 {
		t.Errorf("in another process: %+v", s.Events[0].Created)
	}
	if _, _, err := r.dispatcher.Start(t.Context(), saga.Request{Type: "talks"}); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("what nobody has heard of, while the store is away: %v", err)
	}
	if _, _, err := r.dispatcher.Start(t.Context(), saga.Request{Type: "no.workflow"}); !errors.Is(err, saga.ErrUnknownType) {
		t.Errorf("what cannot be the id of a workflow: %v", err)
	}
}

func TestAGoTypeIsNeverADefinitions(t *testing.T) {
	r := newRig(t)
	l, _ := withDefinitions(r)
	l.add(t, `{"id": "one", "steps": [{"id": "a", "type": "activity", "activity": {"type": "log_event", "params": {"say": "data"}}}]}`)
	task := r.start(saga.Request{Type: "one"})
	r.finishes(task.ID, saga.Completed)
	if got := r.trail.told(); got != "only" || l.asked != 0 {
		t.Errorf("it did %s, and the store was asked %d times", got, l.asked)
	}
}

func TestAChildWaitsUntilItIsKnownWhatIsActive(t *testing.T) {
	r := newRig(t)
	l, _ := withDefinitions(r)
	l.add(t, saying("hello"))
	l.leave(true)
	child := saga.ChildTask{Type: "talk", Input: talk.Input}
	if err := r.startChild(child); !errors.Is(err, saga.ErrUnavailable) || saga.IsPermanent(err) {
		t.Errorf("while the store is away: %v", err)
	}
	l.leave(false)
	if err := r.startChild(child); err != nil {
		t.Error(err)
	}
}

func TestWhatDoesNotRunHereIsNotDeployed(t *testing.T) {
	r := newRig(t)
	_, _ = withDefinitions(r)
	d := &tasks.Deployer{Catalogue: r.dispatcher.Catalogue}
	const step = `, "steps": [{"id": "a", "type": "activity", "activity": {"type": "log_event"}}]}`
	for text, want := range map[string]saga.Problem{
		`{"id": "one"` + step: {Pointer: "/id", Detail: `"one" is the name of a built-in task type: take another id.`},
		`{"id": "w", "steps": [{"id": "a", "type": "activity", "activity": {"type": "query_entity", "params": {"entity": "a"}}}]}`: {
			Detail: "Workflow w: step a: activities of the type query_entity are not known here.",
		},
		"id: w\nsteps: []": {Pointer: "/steps", Line: 2, Column: 8},
	} {
		_, _, err := d.Check([]byte(text))
		wrong, ok := errors.AsType[*saga.InvalidError](err)
		if !ok {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := wrong.Problems[0]
		if want.Detail == "" {
			want.Detail = got.Detail
		}
		if got != want || got.Detail == "" {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
	if checked, _, err := d.Check([]byte(`{"id": "w"` + step)); err != nil || checked.Workflow != "w" || checked.Definition == "" {
		t.Errorf("what runs: %+v, %v", checked, err)
	}
}
