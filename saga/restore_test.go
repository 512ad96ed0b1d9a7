package saga_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
)

// stored is a journal as a store keeps it: a created event and those that follow, a second apart.
func stored(t *testing.T, created saga.Created, events ...saga.Event) []string {
	t.Helper()
	var list []string
	for i, e := range append([]saga.Event{{Kind: saga.KindCreated, Created: &created}}, events...) {
		body, err := saga.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, saga.Header(int64(i+1), time.Unix(int64(1000+i), 0))+string(body))
	}
	return list
}

// Short words for events and effects.
func begun(path string) saga.Event {
	return saga.Event{Kind: saga.KindStepStarted, Path: path, StepKind: saga.KindActivity}
}

func did(path string) saga.Event { return saga.Event{Kind: saga.KindStepDone, Path: path} }

func broke(path string) saga.Event {
	return saga.Event{Kind: saga.KindAttemptFailed, Path: path, Flags: saga.Final, Error: "broken"}
}

func undid(path string) saga.Event {
	return saga.Event{Kind: saga.KindStepDone, Path: path, Undo: true}
}

func effects(words string) []saga.Effect {
	var list []saga.Effect
	for word := range strings.FieldsSeq(words) {
		path, undo := strings.CutPrefix(word, "-")
		list = append(list, saga.Effect{Path: path, Undo: undo, Result: json.RawMessage(`"of ` + path + `"`)})
	}
	return list
}

// told says in one line what a restoration adds.
func told(events []saga.Event) string {
	var list []string
	for _, e := range events {
		line := string(e.Kind)
		if e.Path != "" {
			line += " " + e.Path
		}
		if e.Undo {
			line += " (undo)"
		}
		list = append(list, line)
	}
	return strings.Join(list, ", ")
}

func TestWhatARestoredJournalSaysMore(t *testing.T) {
	turned := saga.Event{Kind: saga.KindCompensationStarted, Error: "broken"}
	stuck := []saga.Event{
		begun("a"), did("a"), turned,
		{Kind: saga.KindAttemptFailed, Path: "a", Undo: true, Flags: saga.Final},
		{Kind: saga.KindStuck, Path: "a"},
	}
	completed := []saga.Event{begun("a"), did("a"), {Kind: saga.KindCompleted}}
	for _, c := range []struct {
		name    string
		kept    []saga.Event
		effects string
		parent  saga.State
		want    string
	}{
		{"nothing was done", nil, "", "", "recovered"},
		{"an effect was not recorded", nil, "a", "", "recovered, step_started a, step_done a"},
		{"a part of it happened", []saga.Event{begun("a")}, saga.Fence{Path: "a"}.Part("store").Path, "", "recovered"},
		{"it was begun", []saga.Event{begun("a")}, "a", "", "recovered, step_done a"},
		{"it was recorded", []saga.Event{begun("a"), did("a")}, "a", "", "recovered"},
		{"it had failed once", []saga.Event{begun("a"), {Kind: saga.KindAttemptFailed, Path: "a", Flags: saga.Indefinite}}, "a", "", "recovered, step_done a"},
		{"it had failed for good", []saga.Event{begun("a"), broke("a")}, "a", "", "recovered"},
		{"several, in their order", []saga.Event{begun("a"), did("a")}, "a c b", "", "recovered, step_started c, step_done c, step_started b, step_done b"},
		{"it was undone", []saga.Event{begun("a"), did("a")}, "a -a", "", "recovered, step_done a (undo)"},
		{"an undo that came before its do", nil, "-a", "", "recovered, step_started a, step_done a (undo)"},
		{"an undo that was recorded", []saga.Event{begun("a"), did("a"), turned, undid("a")}, "a -a", "", "recovered"},
		{"a stuck step that was undone after all", stuck, "a -a", "", "recovered, resolved a"},
		{"a stuck step that was not", stuck, "a", "", "recovered"},
		{"a child that has ended", completed, "a", "", ""},
		{"a child that was undone after it had ended", completed, "a -a", "", "undo_requested, recovered, step_done a (undo)"},
		{"a child whose parent completed", []saga.Event{begun("a")}, "", saga.Completed, "recovered"},
		{"a child whose parent failed", []saga.Event{begun("a")}, "", saga.Failed, "recovered, cancel"},
		{"a child whose parent was cancelled, as it was", []saga.Event{{Kind: saga.KindCancel}}, "", saga.Cancelled, "recovered"},
	} {
		k := saga.Kept{ID: "t", Version: 7, Journal: stored(t, saga.Created{ID: "t"}, c.kept...), Effects: effects(c.effects), Parent: c.parent}
		m, err := saga.Restore(k)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := told(m.Events); got != c.want {
			t.Errorf("%s: it says %q, want %q", c.name, got, c.want)
		}
		if strings.Join(m.Stored, "\n") != strings.Join(k.Journal, "\n") || m.Version != 7 || m.Created.ID != "t" {
			t.Errorf("%s: what was kept is changed: %+v", c.name, m)
		}
	}
}

func TestWhatARestorationKnowsBesideTheEvents(t *testing.T) {
	due := time.Unix(5000, 0)
	signal := saga.Event{Kind: saga.KindSignal, Name: "go", Dedupe: "signal/go/1"}
	waits := saga.Event{Kind: saga.KindWaiting, Due: saga.MicrosOf(due)}
	child := saga.Event{Kind: saga.KindStepStarted, Path: "c", StepKind: saga.KindChild, Name: "kid"}
	restore := func(c saga.Created, effects []saga.Effect, events ...saga.Event) saga.Restoration {
		t.Helper()
		m, err := saga.Restore(saga.Kept{ID: "t", Journal: stored(t, c, events...), Effects: effects})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	plain := saga.Created{ID: "t"}
	if m := restore(plain, nil, begun("a"), signal, signal, waits); !m.Due.Equal(due) || m.Posted["signal/go/1"] != 3 || m.Children {
		t.Errorf("a task that waits: %+v", m)
	}
	if m := restore(plain, effects("a"), begun("a"), waits); !m.Due.IsZero() {
		t.Errorf("with news it waits until %v", m.Due)
	}
	if m := restore(plain, nil, child, saga.Event{Kind: saga.KindChildStarted, Path: "c"}, waits); !m.Due.IsZero() || !m.Children {
		t.Errorf("for a child it waits until %v, children: %t", m.Due, m.Children)
	}
	if m := restore(saga.Created{ID: "t", ProcessAt: saga.MicrosOf(due)}, nil); !m.Due.Equal(due) {
		t.Errorf("a task that is due later is due at %v", m.Due)
	}
	done := []saga.Event{begun("a"), did("a"), {Kind: saga.KindCompleted}}
	if m := restore(plain, nil, done...); m.Finished != saga.KindCompleted || m.Reopened != 0 {
		t.Errorf("a task that has ended: %+v", m)
	}
	if m := restore(plain, nil, append(done, saga.Event{Kind: saga.KindUndoRequested, Dedupe: "undo"})...); m.Finished != "" || m.Reopened != 5 || m.Posted["undo"] != 5 {
		t.Errorf("one that was opened again: %+v", m)
	}
}

func TestAJournalThatIsNotUnderstoodIsNotRestored(t *testing.T) {
	good := stored(t, saga.Created{ID: "t"})
	for name, journal := range map[string][]string{
		"an unknown event": append(stored(t, saga.Created{ID: "t"}), saga.Header(2, time.Unix(0, 0))+`{"k":"unheard_of"}`),
		"a newer format":   {"2" + good[0][1:]},
		"a gap":            append(stored(t, saga.Created{ID: "t"}), saga.Header(3, time.Unix(0, 0))+`{"k":"signal"}`),
		"of another task":  stored(t, saga.Created{ID: "u"}),
		"none at all":      nil,
	} {
		if _, err := saga.Restore(saga.Kept{ID: "t", Journal: journal}); !errors.Is(err, saga.ErrUnknownEvent) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEveryPrefixWithEveryFence restores a task of three steps from whatever was kept of it, with whatever fences tell,
// and goes on: either everything is done, once, or everything is undone.
func TestEveryPrefixWithEveryFence(t *testing.T) {
	history := []saga.Event{begun("a"), did("a"), begun("b"), did("b"), begun("c"), did("c")}
	for n := range len(history) + 1 {
		for _, fences := range []string{"", "a", "a b", "a b c", "a b c -c", "a b c -c -b", "a b c -c -b -a", "a -b", "-a"} {
			t.Run(fmt.Sprintf("%d events, fences %s", n, fences), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					f := w.flow("flow", saga.Sequence(w.steps("a b c")...))
					c := saga.Created{ID: "t", Type: "flow", TreeHash: f.TreeHash()}
					m, err := saga.Restore(saga.Kept{ID: "t", Journal: stored(t, c, history[:n]...), Effects: effects(fences)})
					if err != nil {
						t.Fatal(err)
					}
					if _, err := w.journal.Restore(t.Context(), m); err != nil {
						t.Fatal(err)
					}
					w.settle("t")
					want, undone := saga.Completed, strings.Contains(fences, "-")
					if undone {
						want = saga.Failed
					}
					r := w.wantState("t", want)
					for _, s := range r.Steps {
						if undone != (s.Undo.State == saga.AttemptDone) {
							t.Errorf("step %s: undo %q", s.Path, s.Undo.State)
						}
					}
					for _, line := range w.trail {
						if undone && strings.HasPrefix(line, "do ") {
							t.Errorf("it goes forward: %s", line)
						}
					}
				})
			})
		}
	}
}

// TestWhatMayHaveBegunIsUndone cancels a restored task of which nothing but its start was kept.
func TestWhatMayHaveBegunIsUndone(t *testing.T) {
	needs := func(w *world, spec, other string) saga.Step {
		s := w.step(spec)
		s.Input = func(sc saga.Scope) (json.RawMessage, error) {
			_, err := saga.OutputOf[string](sc, other)
			return nil, err
		}
		return s
	}
	yes := func(saga.Scope) (bool, error) { return true, nil }
	two := func(saga.Scope) ([]int, error) { return []int{1, 2}, nil }
	for _, c := range []struct {
		name  string
		tree  func(w *world) saga.Step
		kept  []saga.Event
		trail string
		left  string
	}{
		{"a sequence, backwards", func(w *world) saga.Step { return saga.Sequence(w.steps("a b c")...) }, nil, "undo c, undo b, undo a", ""},
		{"from where the record stands", func(w *world) saga.Step { return saga.Sequence(w.steps("a b c")...) }, []saga.Event{begun("a"), did("a")}, "undo c, undo b, undo a", ""},
		{"not past what had failed for good", func(w *world) saga.Step { return saga.Sequence(w.steps("a b c")...) }, []saga.Event{begun("a"), broke("a")}, "", ""},
		{"past what may fail", func(w *world) saga.Step { return saga.Sequence(w.steps("a* b")...) }, []saga.Event{begun("a"), broke("a")}, "undo b", ""},
		{"not past what needs a lost output", func(w *world) saga.Step { return saga.Sequence(w.step("a"), needs(w, "b", "a"), w.step("c")) }, nil, "undo a", ""},
		{"past what needs it and may fail", func(w *world) saga.Step { return saga.Sequence(w.step("a"), needs(w, "b*", "a"), w.step("c")) }, nil, "undo c, undo a", ""},
		{"past waits", func(w *world) saga.Step {
			return saga.Sequence(saga.Timer("t", time.Hour), w.step("a"), saga.Signal("s", "go", 0), w.step("b"))
		}, nil, "undo b, undo a", ""},
		{"in every branch", func(w *world) saga.Step {
			return saga.Sequence(saga.Parallel("p", needs(w, "y", "none"), w.step("a"), w.step("b")), w.step("c"))
		}, nil, "undo b, undo a", ""},
		{"through conditions and loops", func(w *world) saga.Step {
			return saga.Sequence(saga.Condition("if", yes, w.step("a"), w.step("b")), saga.Loop("l", two, w.step("c")))
		}, nil, "undo l[1]/c, undo l[0]/c, undo a", ""},
		{"what has no effect is left out", func(w *world) saga.Step { return saga.Sequence(w.steps("a= b")...) }, nil, "undo b", ""},
		{"what cannot be undone is listed", func(w *world) saga.Step { return saga.Sequence(w.steps("a b~")...) }, nil, "undo a", "b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				f := w.flow("flow", c.tree(w))
				created := saga.Created{ID: "t", Type: "flow", TreeHash: f.TreeHash()}
				m, err := saga.Restore(saga.Kept{ID: "t", Journal: stored(t, created, c.kept...)})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.journal.Restore(t.Context(), m); err != nil {
					t.Fatal(err)
				}
				if _, err := w.journal.Post(t.Context(), "t", saga.Message{Event: saga.Event{Kind: saga.KindCancel}}); err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				w.settle("t")
				w.wantTrail(c.trail)
				r := w.record("t")
				if !r.State.Finished() || strings.Join(r.NotUndone, " ") != c.left {
					t.Errorf("it is %s, not undone %v", r.State, r.NotUndone)
				}
				// A call that nobody knows of may have been made just before: it is waited for.
				if waited := time.Since(begun) >= saga.DefaultTimeout+saga.Grace; c.trail != "" && !waited {
					t.Errorf("undone after %v", time.Since(begun))
				}
			})
		})
	}
}

func TestARestoredTaskThatGoesOnRecordsNothingOfTheKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f := w.flow("flow", saga.Sequence(w.steps("a b")...))
		m, err := saga.Restore(saga.Kept{ID: "t", Journal: stored(t, saga.Created{ID: "t", Type: "flow", TreeHash: f.TreeHash()})})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.journal.Restore(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		w.settle("t")
		w.wantState("t", saga.Completed)
		s, err := w.journal.Read(t.Context(), "t")
		if err != nil {
			t.Fatal(err)
		}
		if got, want := told(s.Events), "created, recovered, step_started a, step_done a, step_started b, step_done b, completed"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestAnUndoWaitsForACallOfWhichOnlyTheLostJournalKnew(t *testing.T) {
	retry := saga.Event{Kind: saga.KindAttemptFailed, Path: "a", Flags: saga.Indefinite, Due: 1}
	for _, c := range []struct {
		name  string
		kept  []saga.Event
		fence string
		waits bool
	}{
		{"it was to be tried again, and may have been", []saga.Event{begun("a"), retry}, "", true},
		{"it was begun, and may have been tried again", []saga.Event{begun("a")}, "", true},
		{"it was not begun, and may have been", nil, "", true},
		{"it was done", []saga.Event{begun("a"), did("a")}, "", false},
		{"its fence tells that it was done", []saga.Event{begun("a")}, "a", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				f := w.flow("flow", saga.Sequence(w.step("a"), saga.Signal("s", "go", 0)))
				created := saga.Created{ID: "t", Type: "flow", TreeHash: f.TreeHash()}
				m, err := saga.Restore(saga.Kept{ID: "t", Journal: stored(t, created, c.kept...), Effects: effects(c.fence)})
				if err != nil {
					t.Fatal(err)
				}
				lost := time.Now()
				if _, err := w.journal.Restore(t.Context(), m); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second) // virtual: until it is delivered
				w.settle("t")           // it is done by now, and waits for the signal
				if s := w.record("t").Step("a"); s.Do.State != saga.AttemptDone {
					t.Fatalf("step a is %s", s.Do.State)
				}
				if _, err := w.journal.Post(t.Context(), "t", saga.Message{Event: saga.Event{Kind: saga.KindCancel}}); err != nil {
					t.Fatal(err)
				}
				w.settle("t")
				w.wantState("t", saga.Cancelled)
				if waited := time.Since(lost) >= saga.DefaultTimeout+saga.Grace; waited != c.waits {
					t.Errorf("undone %v after the loss", time.Since(lost))
				}
			})
		})
	}
}
