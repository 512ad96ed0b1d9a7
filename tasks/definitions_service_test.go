package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// talkIn is a request for talk in a service.
func talkIn(service string) saga.Request {
	return saga.Request{Type: "talk", Service: service, Input: json.RawMessage(`{"to": "Ada"}`)}
}

// begins starts talk in a service, and tells which definition the task is of.
func (r *rig) begins(service string) string {
	r.t.Helper()
	s, err := r.journal.Read(r.t.Context(), r.start(talkIn(service)).ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return s.Events[0].Created.Definition
}

func TestEachServiceRunsItsOwnWorkflow(t *testing.T) {
	r := newRig(t)
	l, _ := withDefinitions(r)
	l.add(t, saying("hello"))
	l.addTo(t, "shop", saying("welcome"))
	l.addTo(t, "bar", saying("cheers"))
	for service, want := range map[string]string{
		"shop": "welcome Ada, welcome again", "bar": "cheers Ada, cheers again",
		"inn": "hello Ada, hello again", "": "hello Ada, hello again",
	} {
		task := r.start(talkIn(service))
		var parked *saga.ParkedError
		if err := r.deliver(task.ID); !errors.As(err, &parked) {
			t.Fatal(err)
		}
		if err := r.dispatcher.Signal(t.Context(), task.ID, saga.SignalRequest{Name: "go"}); err != nil {
			t.Fatal(err)
		}
		r.finishes(task.ID, saga.Completed)
		if got := r.trail.told(); !strings.HasSuffix(got, want) {
			t.Errorf("in %q it said %s, want %s at last", service, got, want)
		}
	}
}

func TestAChildIsOfItsParentsService(t *testing.T) {
	r := newRig(t)
	l, _ := withDefinitions(r)
	l.add(t, saying("hello"))
	own := l.addTo(t, parent.Service, saying("welcome"))
	if err := r.startChild(saga.ChildTask{Type: "talk", Input: talk.Input}); err != nil {
		t.Fatal(err)
	}
	s, err := r.journal.Read(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	if c := s.Events[0].Created; c.Definition != own.Hash || c.Service != parent.Service {
		t.Errorf("recorded %+v", c)
	}
}

// A process that has heard nothing, and a store that is away: what each service has begun with is on the shelf.
func TestEachServiceStartsItsOwnWhileTheStoreIsAway(t *testing.T) {
	r := newRig(t)
	l, _ := withDefinitions(r)
	platforms, shops := l.add(t, saying("hello")), l.addTo(t, "shop", saying("welcome"))
	want := map[string]string{"shop": shops.Hash, "inn": platforms.Hash, "": platforms.Hash}
	for service, hash := range want {
		if got := r.begins(service); got != hash {
			t.Errorf("in %q: %s, want %s", service, got, hash)
		}
	}
	if left := r.client.TTL(t.Context(), "osp:workflow:inn:talk").Val(); left < 29*24*time.Hour {
		t.Errorf("what the inn begins with is noted for %v", left)
	}
	l.leave(true)
	r.dispatcher.Catalogue.Definitions = r.process(l)
	for service, hash := range want {
		if got := r.begins(service); got != hash {
			t.Errorf("in %q, the store being away: %s, want %s", service, got, hash)
		}
	}
	// It may have its own: nobody can tell.
	if _, _, err := r.dispatcher.Start(t.Context(), talkIn("bar")); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("in a service that has never begun one: %v", err)
	}
}

func TestATypeIsToldAsAStartWouldFindIt(t *testing.T) {
	r := newRig(t)
	l, _ := withDefinitions(r)
	d := tasks.Deployer{Catalogue: r.dispatcher.Catalogue}
	l.add(t, saying("hello"))
	l.addTo(t, "shop", `{"id": "talk", "description": "Talks.", "steps": [{"id": "w", "type": "wait_signal", "wait": {"signal_name": "go"}}]}`)
	l.addTo(t, "bar", saying("cheers"))
	l.list[2].State = saga.VersionLocked
	for service, want := range map[string]string{
		"shop": `Talks. true`, "inn": ` {"properties":{"to":{"type":"string"}},"required":["to"],"type":"object"}`, "bar": "not found",
	} {
		got, err := d.Startable(t.Context(), saga.WorkflowKey{Service: service, ID: "talk"})
		told := got.Description + " " + string(got.Input)
		if errors.Is(err, saga.ErrNotFound) {
			told = "not found"
		}
		if told != want || err == nil && (got.Name != "talk" || got.Access != saga.AccessOpen) {
			t.Errorf("in %s: %+v, %v", service, got, err)
		}
	}
	if _, err := d.Startable(t.Context(), saga.WorkflowKey{ID: "walk"}); !errors.Is(err, saga.ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
	l.leave(true)
	if _, err := d.Startable(t.Context(), saga.WorkflowKey{ID: "run"}); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("what cannot be known: %v", err)
	}
}

// shelves is a version store that changes what it is told to.
type shelves struct {
	tasks.VersionStore

	change func(c saga.VersionChange) saga.VersionChanged
}

func (s shelves) ChangeVersion(_ context.Context, c saga.VersionChange) (saga.VersionChanged, error) {
	return s.change(c), nil
}

func TestAChangeConcernsThoseWhoBeginWithIt(t *testing.T) {
	for _, c := range []struct {
		changed string
		asked   int // again, for the shop, the inn and the platform
	}{{"", 3}, {"shop", 1}, {"bar", 0}} {
		r := newRig(t)
		l, d := withDefinitions(r)
		d.Now = func() time.Time { return time.Unix(1, 0) }
		l.add(t, saying("hello"))
		l.addTo(t, "shop", saying("welcome"))
		begin := func() {
			for _, service := range []string{"shop", "inn", ""} {
				r.start(talkIn(service))
			}
		}
		begin()
		before := l.asked
		deployer := tasks.Deployer{Catalogue: r.dispatcher.Catalogue, VersionStore: shelves{change: func(c saga.VersionChange) saga.VersionChanged {
			return saga.VersionChanged{WorkflowVersion: saga.WorkflowVersion{Service: c.Service, State: c.State}}
		}}}
		change := saga.VersionChange{Service: c.changed, Workflow: "talk", Version: 1, State: saga.VersionActive}
		if _, err := deployer.ChangeVersion(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		begin()
		if got := l.asked - before; got != c.asked {
			t.Errorf("after a change in %q the store was asked %d times, want %d", c.changed, got, c.asked)
		}
	}
}

// outdated is a source whose answers arrive late.
type outdated struct {
	*library
	meanwhile func()
}

func (s outdated) Workflow(ctx context.Context, of saga.WorkflowKey) (saga.WorkflowVersion, error) {
	v, err := s.library.Workflow(ctx, of)
	s.meanwhile()
	return v, err
}

// TestAnAnswerFromBeforeAChangeIsNotRemembered has this process activate a version while it waits for an answer.
func TestAnAnswerFromBeforeAChangeIsNotRemembered(t *testing.T) {
	r := newRig(t)
	l, d := withDefinitions(r)
	d.Now = func() time.Time { return time.Unix(1, 0) }
	l.add(t, saying("hello"))
	var second saga.WorkflowVersion
	activate := func(saga.VersionChange) saga.VersionChanged {
		second = l.add(t, saying("bye"))
		return saga.VersionChanged{WorkflowVersion: second}
	}
	deployer := tasks.Deployer{Catalogue: r.dispatcher.Catalogue, VersionStore: shelves{change: activate}}
	d.Source = outdated{l, func() {
		d.Source = l
		if _, err := deployer.ChangeVersion(t.Context(), saga.VersionChange{Workflow: "talk", Version: 2, State: saga.VersionActive}); err != nil {
			t.Error(err)
		}
	}}
	r.start(talk) // before the change, or after: both were under way
	if got := r.begins(""); got != second.Hash || l.asked != 2 {
		t.Errorf("the next start began with %.12s, want %.12s; the store was asked %d times", got, second.Hash, l.asked)
	}
	if r.begins(""); l.asked != 2 {
		t.Errorf("the newer answer is not remembered: the store was asked %d times", l.asked)
	}
}

func TestWhatIsNotActiveInAServiceSaysWhatToDo(t *testing.T) {
	r := newRig(t)
	l, _ := withDefinitions(r)
	l.add(t, saying("hello"))
	l.addTo(t, "shop", saying("welcome"))
	l.list[1].State = saga.VersionLocked
	_, _, err := r.dispatcher.Start(t.Context(), talkIn("shop"))
	wrong, ok := errors.AsType[*saga.InvalidError](err)
	if !ok || !strings.Contains(wrong.Problems[0].Detail, "workflow talk of the service shop is active: the newest, 2, is locked") ||
		!strings.Contains(wrong.Problems[0].Detail, "POST /v1/workflows/talk/state?service=shop.") {
		t.Errorf("%v", err)
	}
}
