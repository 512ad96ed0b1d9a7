package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// story is a run that somebody tells, with what is there in the end.
type story struct {
	events []event
	end    ending
	calls  int64
}

func (s *story) see(e event) { s.events = append(s.events, e) }

// task has a client send a task that is accepted and ends so.
func (s *story) task(id string, k kind, state saga.State) {
	s.see(event{What: seenSent, Task: id, Kind: k})
	s.see(event{What: seenAccepted, Task: id, Status: 202})
	s.end.Tasks[id] = taskEnd{State: state, Journal: "{}", Row: "{}"}
}

// call has a step call the bank, which says that this came of it.
func (s *story) call(task, step string, undo bool, came eventKind, amount int64) {
	s.begin(task, step, undo)
	s.finish(task, step, undo, s.calls, came, amount)
}

func (s *story) begin(task, step string, undo bool) int64 {
	s.calls++
	s.see(event{What: seenArrived, Task: task, Step: step, Undo: undo, Call: s.calls, Target: "worker-1"})
	return s.calls
}

func (s *story) finish(task, step string, undo bool, call int64, came eventKind, amount int64) {
	e := event{What: came, Task: task, Step: step, Undo: undo, Call: call}
	if came == seenEffect {
		e.Account, e.Amount = 1, amount
		s.end.Balances[1] += amount
	}
	s.see(e)
	s.see(event{What: seenLeft, Task: task, Step: step, Undo: undo, Call: call})
}

// sound is a run in which all is well, with a task of each kind.
func sound() *story {
	s := &story{end: ending{Tasks: map[string]taskEnd{}, Balances: map[int]int64{}, Receipts: map[string]int{}}}
	for account := 1; account <= accounts; account++ {
		s.end.Balances[account] = initialBalance
	}
	for _, k := range []kind{kindPlain, kindLater} {
		s.task(string(k), k, saga.Completed)
		s.call(string(k), "withdraw", false, seenEffect, -5)
		s.call(string(k), "withdraw", false, seenReplayed, 0)
		s.call(string(k), "deposit", false, seenEffect, 5)
	}
	s.task("declined", kindDeclined, saga.Failed)
	s.call("declined", "withdraw", false, seenEffect, -7)
	s.call("declined", "deposit", false, seenDeclined, 0)
	s.call("declined", "withdraw", true, seenEffect, 7)
	s.task("undone", kindUndone, saga.Failed)
	s.call("undone", "withdraw", false, seenEffect, -3)
	s.call("undone", "deposit", false, seenEffect, 3)
	s.call("undone", "receipt", false, seenDeclined, 0)
	s.call("undone", "deposit", true, seenEffect, -3)
	s.call("undone", "withdraw", true, seenEffect, 3)
	s.task("cancelled", kindCancelled, saga.Cancelled)
	s.see(event{What: seenCancelled, Task: "cancelled", Status: 202})
	s.call("cancelled", "withdraw", true, seenEffect, 0)
	s.call("cancelled", "withdraw", false, seenTooLate, 0)
	given := s.begin("cancelled", "deposit", false) // its worker gave it up, which the bank does not notice
	s.call("cancelled", "deposit", true, seenEffect, 0)
	s.see(event{What: seenFault, Step: string(faultKill), Target: "worker-1"}) // and died after that
	s.call("cancelled", "deposit", true, seenReplayed, 0)
	s.finish("cancelled", "deposit", false, given, seenTooLate, 0)
	s.task("given up", kindCancelled, saga.Cancelled)
	given = s.begin("given up", "withdraw", false)
	s.see(event{What: seenHungUp, Task: "given up", Step: "withdraw", Call: given}) // its worker gave it up
	s.see(event{What: seenFault, Step: string(faultKill), Target: "worker-1"})      // and died before the undo
	s.call("given up", "withdraw", true, seenEffect, 0)
	s.finish("given up", "withdraw", false, given, seenTooLate, 0)
	s.task("receipt", kindReceipt, saga.Completed)
	s.end.Receipts["receipt"] = 1
	s.task("checked", kindChecked, saga.Failed)
	return s
}

func TestASoundRunIsFoundSound(t *testing.T) {
	s := sound()
	if found := check(s.events, s.end); len(found) > 0 {
		t.Error(found)
	}
}

// change gives a task another end.
func (s *story) change(id string, how func(*taskEnd)) {
	end := s.end.Tasks[id]
	how(&end)
	s.end.Tasks[id] = end
}

// drop takes out the events that match.
func (s *story) drop(matches func(event) bool) { s.events = slices.DeleteFunc(s.events, matches) }

func TestWhatIsWrongIsFound(t *testing.T) {
	plain := string(kindPlain)
	for _, test := range []struct {
		name   string
		broken func(*story)
		wrong  wrong
		says   string
	}{
		{"a task that nobody knows", func(s *story) { delete(s.end.Tasks, "receipt") }, wrongLost, "nobody knows it"},
		{"a task that runs for ever", func(s *story) { s.change(plain, func(e *taskEnd) { e.State = saga.Running }) }, wrongLost, "it is running for ever"},
		{"a task that is stuck", func(s *story) { s.change("undone", func(e *taskEnd) { e.State = saga.Stuck }) }, wrongLost, "it is stuck for ever"},
		{"a transfer that failed", func(s *story) { s.change(plain, func(e *taskEnd) { e.State = saga.Failed }) }, wrongElse, "ended failed"},
		{"a step that is given up and not undone", func(s *story) {
			s.change(plain, func(e *taskEnd) {
				e.State, e.Error = saga.Failed, "step withdraw: its worker died 10 times while it ran"
			})
		}, wrongLost, "was not moved back"},
		{"a task that was refused", func(s *story) { s.see(event{What: seenRefused, Task: plain, Status: 409}) }, wrongElse, "refused with 409"},
		{"a cancel that was not heeded", func(s *story) {
			s.see(event{What: seenCancelled, Task: plain, Status: 202})
		}, wrongLost, "its cancel was accepted"},
		{"a step that is not undone", func(s *story) {
			s.change("undone", func(e *taskEnd) { e.NotUndone = []string{"deposit"} })
		}, wrongLost, "not undone: [deposit]"},
		{"a row behind its journal", func(s *story) { s.change(plain, func(e *taskEnd) { e.Row = `{"version":1}` }) }, wrongLost, `the journal says …{}… and the row …{"version":1}…`},
		{"a row that is not there", func(s *story) { s.change(plain, func(e *taskEnd) { e.Row = "nothing" }) }, wrongLost, "and the row …nothing…"},
		{"an effect that happened twice", func(s *story) { s.call(plain, "deposit", false, seenEffect, 5) }, wrongDoubled, "deposit was done 2 times"},
		{"an undo that happened twice", func(s *story) { s.call("undone", "deposit", true, seenEffect, -3) }, wrongDoubled, "deposit was undone 2 times"},
		{"an effect that is missing", func(s *story) {
			s.drop(func(e event) bool { return e.Task == plain && e.Step == "deposit" })
		}, wrongLost, "completed without its deposit"},
		{"an effect that is left over", func(s *story) {
			s.drop(func(e event) bool { return e.Task == "undone" && e.Step == "withdraw" && e.Undo })
		}, wrongLost, "withdraw moved -3 that was not moved back"},
		{"an effect of a task that nobody accepted", func(s *story) { s.call("other", "withdraw", false, seenEffect, -1) }, wrongLost, "withdraw moved -1"},
		{"an undo in a task that completed", func(s *story) { s.call(plain, "deposit", true, seenEffect, -5) }, wrongLost, "deposit was undone, and the task completed"},
		{"a do that has its effect after its undo", func(s *story) {
			s.call("cancelled", "withdraw", false, seenEffect, -2)
		}, wrongDoubled, "withdraw was done after it was undone"},
		{"an undo while its do is under way", func(s *story) {
			s.task("dead", kindCancelled, saga.Cancelled)
			late := s.begin("dead", "deposit", false)
			s.see(event{What: seenFault, Step: string(faultKill), Target: "worker-1"})
			s.see(event{What: seenHungUp, Task: "dead", Step: "deposit", Call: late}) // which its death did
			s.call("dead", "deposit", true, seenEffect, 0)
			s.finish("dead", "deposit", false, late, seenTooLate, 0)
		}, wrongDoubled, "the undo of deposit came while its do was under way"},
		{"undos in the order of the dos", func(s *story) {
			at := func(step string) int {
				return slices.IndexFunc(s.events, func(e event) bool {
					return e.Task == "undone" && e.Step == step && e.Undo && e.What == seenEffect
				})
			}
			a, b := at("deposit"), at("withdraw")
			s.events[a], s.events[b] = s.events[b], s.events[a]
		}, wrongElse, "and undone [withdraw deposit]"},
		{"money that nobody moved", func(s *story) { s.end.Balances[2]++ }, wrongElse, "account 2 has 1001"},
		{"a total that does not hold", func(s *story) { s.end.Balances[2]-- }, wrongElse, "the accounts have 39999 in all"},
		{"two rows of one task", func(s *story) { s.end.Receipts["receipt"] = 2 }, wrongDoubled, "it made 2 rows"},
		{"a row that is missing", func(s *story) { delete(s.end.Receipts, "receipt") }, wrongLost, "it is completed and has 0 rows"},
		{"a row of a task that failed", func(s *story) { s.end.Receipts["checked"] = 1 }, wrongLost, "it is failed and has 1 rows"},
		{"a key that is left", func(s *story) { s.end.Keys = []string{"osp:{00}:open"} }, wrongElse, "Redis still has osp:{00}:open"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := sound()
			test.broken(s)
			found := check(s.events, s.end)
			if !slices.ContainsFunc(found, func(f finding) bool { return f.Wrong == test.wrong && strings.Contains(f.Says, test.says) }) {
				t.Errorf("found %v, want %s: …%s…", found, test.wrong, test.says)
			}
		})
	}
}

func TestTheVerdictCountsWhatIsWrong(t *testing.T) {
	r := report{Kills: 7}
	if got := r.verdict(); got != "chaos: 7 kills, 0 lost, 0 doubled" {
		t.Error(got)
	}
	r.Found.add(wrongLost, "a", "")
	r.Found.add(wrongDoubled, "b", "")
	r.Found.add(wrongDoubled, "b", "")
	r.Found.add(wrongElse, "", "")
	if got := r.verdict(); got != "chaos: 7 kills, 1 lost, 2 doubled, 1 wrong" {
		t.Error(got)
	}
}
