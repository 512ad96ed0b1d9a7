package uitest

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// A compensation that is stuck waits for an operator's word, who must say why.
func TestAnOperatorResolvesAStuckCompensation(t *testing.T) {
	st := newStage()
	st.fails("ship", "the lorry is broken")
	st.fails("undo charge", "the bank says no")
	s, p := serve(t, st, ""), browse(t)
	id := s.start("order.place", dict{"amount": 80})
	p.open(s.url + "/ui/tasks/" + id)
	p.step("Undone steps", "charge", "stuck")
	p.says("waits for an operator")
	p.says("the bank says no")
	p.looks("task-stuck")

	p.press("Resolve …")
	p.press("Resolve")
	p.says("Choose what to do.")
	p.press("It has been undone by hand")
	p.press("Resolve")
	p.says("Say why")
	p.looks("resolve")
	if task := s.task(id); task.State != saga.Stuck {
		t.Fatalf("without a reason it became %s", task.State)
	}
	p.fill("reason", "refunded at the counter")
	p.press("Resolve")
	p.step("Undone steps", "reserve", "compensated")
	p.says("Undone by hand by anonymous")
	p.says("refunded at the counter")
	if task := s.reaches(id, saga.Failed); len(task.NotUndone) != 0 {
		t.Errorf("not undone: %v", task.NotUndone)
	}
	p.wait(`!document.querySelector('dialog')`)
	s.agrees(p, id)
}

// A task that waits is cancelled with a reason, and run again as a new one.
func TestATaskIsCancelledAndRunAgain(t *testing.T) {
	st := newStage()
	s, p := serve(t, st, ""), browse(t)
	id := s.start("order.ask", dict{"amount": 80})
	p.open(s.url + "/ui/tasks/" + id)
	p.step("Steps", "paid", "waiting")
	p.press("Cancel …")
	p.wait(`document.activeElement.name === 'reason'`)
	p.press("Back")
	p.wait(`!document.querySelector('dialog') && document.activeElement.textContent === 'Cancel …'`) // focus is where it was
	p.press("Cancel …")
	p.press("Cancel the task")
	p.says("Say why")
	p.looks("cancel")
	p.fill("reason", "the guests have gone")
	p.press("Cancel the task")
	p.wait(`document.querySelector('.live-state').innerText.includes('Cancelled')`)
	p.says("the guests have gone")
	if task := s.task(id); task.State != saga.Cancelled || !strings.Contains(task.Error, "the guests have gone") {
		t.Errorf("it is %s: %s", task.State, task.Error)
	}
	s.agrees(p, id)

	p.press("Run again …")
	p.press("Run again")
	p.wait(`location.pathname.startsWith('/ui/tasks/') && !location.pathname.endsWith(` + quote(id) + `)`)
	p.step("Steps", "paid", "waiting")
	again := strings.TrimPrefix(read[string](p, `location.pathname`), "/ui/tasks/")
	if task := s.task(again); task.RetryOf != id || string(task.Input) != `{"amount":80}` {
		t.Errorf("the new one is of %q, with the input %s", task.RetryOf, task.Input)
	}
}

// A signal goes to the task whose page it is, and a payload that is not JSON goes nowhere.
func TestASignalIsSent(t *testing.T) {
	st := newStage()
	s, p := serve(t, st, ""), browse(t)
	id := s.start("order.ask", dict{})
	p.open(s.url + "/ui/tasks/" + id)
	p.step("Steps", "paid", "waiting")
	p.press("Send a signal …")
	p.wait(`document.querySelector('[name=name]').value === 'paid'`)
	p.fill("name", "half a na") // stays, whatever happens meanwhile
	s.ask(http.StatusAccepted, "POST", "/v1/tasks/"+id+"/signals/noise", nil, nil)
	p.says("sent the signal noise")
	p.wait(`document.querySelector('[name=name]').value === 'half a na'`)
	p.fill("name", "paid")
	p.fill("payload", `{"amount": 12345678901234567890`)
	p.press("Send")
	p.says("This is not right")
	p.looks("signal")
	p.fill("payload", `{"amount": 12345678901234567890}`)
	p.press("Send")
	p.step("Steps", "ship", "completed")
	task := s.reaches(id, saga.Completed)
	if got := string(task.Steps[1].Output); got != `{"amount": 12345678901234567890}` && got != `{"amount":12345678901234567890}` {
		t.Errorf("the task has got %s", got)
	}
	p.expand("Steps", "paid")
	read[any](p, `document.querySelector(".step.open summary").click()`)
	p.says("12345678901234567890") // with the digits that it came with
	s.agrees(p, id)
}

// A person finds what waits for them, and answers it.
func TestAPersonAnswersAHumanTask(t *testing.T) {
	s, p := serve(t, newStage(), ""), browse(t)
	note := dict{"type": "activity", "activity": dict{"type": "transform_data", "params": dict{"message": "hello"}}}
	s.deploy(dict{"id": "orderApprove", "steps": []dict{
		merged(note, dict{"id": "reserve"}),
		{"id": "approve", "type": "human_task", "description": "It is a large one.", "human_task": dict{"title": "Approve the order", "timeout_seconds": 3600}},
		merged(note, dict{"id": "ship"}),
	}})
	id := s.start("orderApprove", dict{})
	s.reaches(id, saga.Waiting)
	s.listed(id, saga.Waiting)
	p.open(s.url + "/ui/human")
	p.says("Approve the order")
	p.says("It is a large one.")
	p.looks("human")
	p.press("its task")
	p.step("Steps", "approve", "waiting")
	p.says("Waits for a person (owner)")
	p.press("Answer …")
	p.press("Reject")
	p.press("Send the answer")
	p.says("Say why it is rejected.")
	p.press("Complete")
	p.fill("output", `["no object"]`)
	p.press("Send the answer")
	p.says("It must be an object")
	p.looks("answer")
	p.fill("output", `{"note": "fine"}`)
	p.press("Send the answer")
	p.step("Steps", "ship", "completed")
	if task := s.reaches(id, saga.Completed); !strings.Contains(string(task.Steps[1].Output), `"note"`) {
		t.Errorf("the answer is %s", task.Steps[1].Output)
	}
	s.listed(id, saga.Completed)
	p.open(s.url + "/ui/human")
	p.says("Nothing waits for you.")
}

// What the API refuses is told in its own words.
func TestAProblemIsTold(t *testing.T) {
	st := newStage()
	st.hold("reserve")
	s, p := serve(t, st, ""), browse(t)
	p.requestsMayFail()
	id := s.start("order.place", dict{})
	p.open(s.url + "/ui/tasks/" + id)
	p.step("Steps", "reserve", "running")
	p.press("Send a signal …")
	p.fill("name", "human.reserve")
	p.press("Send")
	p.says("human tasks are answered by POST")
	p.wait(`document.querySelector('dialog[open] [role=alert]')`)

	st.play("reserve", func(int) (any, error) { return nil, errors.New("not now") })
	p.open(s.url + "/ui/tasks/no-such-task")
	p.says("There is no such task.")
	p.looks("no-such-task")
}
