package definition

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/osp-platform/osp/internal/sentence"
	"github.com/osp-platform/osp/saga"
)

// defaultHuman is how long a human task waits where it says nothing.
const defaultHuman = 24 * time.Hour

// The lists of a human task, among [node.lists]. The last is there if it has an escalation.
const (
	listTimeout = iota
	listRejected
	listEscalation
)

func (n *node) humanLists() []idList {
	h, at := n.HumanTask, n.at+"/human_task"
	lists := []idList{{h.TimeoutSteps, at + "/timeout_steps"}, {h.RejectedSteps, at + "/rejected_steps"}}
	if h.Escalation != nil {
		lists = append(lists, idList{h.Escalation.Steps, at + "/escalation/steps"})
	}
	return lists
}

// escalates tells whether a step is a human task with an escalation.
func (n *node) escalates() bool { return n.HumanTask != nil && n.HumanTask.Escalation != nil }

// due is how long a human task waits for its answer.
func (h *HumanTask) due() time.Duration {
	if h.TimeoutSeconds > 0 {
		return h.TimeoutSeconds.wait()
	}
	return defaultHuman
}

// first is how long it waits before others may answer too.
func (h *HumanTask) first() time.Duration {
	switch e := h.Escalation; {
	case e == nil:
		return h.due()
	case e.AfterSeconds > 0:
		return e.AfterSeconds.Duration()
	}
	return h.due() / 2
}

// roles are who may answer.
func (h *HumanTask) roles(escalated bool) []string {
	roles := []string{h.AssigneeRole}
	if h.AssigneeRole == "" {
		roles[0] = saga.HumanOwner
	}
	if escalated && h.Escalation.AssigneeRole != roles[0] {
		roles = append(roles, h.Escalation.AssigneeRole)
	}
	return roles
}

func (n *node) human(escalated bool) saga.Human {
	title := n.HumanTask.Title
	if title == "" {
		title = n.Name
	}
	return saga.Human{Title: title, Description: n.Description, Roles: n.HumanTask.roles(escalated)}
}

// humanSignal is the name of the signal that answers the human task of a step.
func humanSignal(step string) string { return saga.HumanSignals + step }

// AnswerSignal is the name of the signal that answers the human task at a path: that iteration's, of one in a loop.
func AnswerSignal(path string) string { return saga.SignalTo(path, humanSignal(stepOf(path))) }

// HumanStep is the path of the human task whose wait is at a path.
func HumanStep(wait string) string { return strings.TrimSuffix(wait, secondSuffix) }

// human waits for somebody's answer: a signal that is named after the step. With an escalation it waits twice, the second
// time beside the escalation's steps, so that they do not put off the end of the wait.
func (b *builder) human(n *node, inner []saga.Step) []saga.Step {
	h := n.HumanTask
	first := n.waitForAnswer(n.ID, h.first(), false)
	if h.Escalation == nil {
		return []saga.Step{first, b.answered(n, inner)}
	}
	first.OnError = saga.ContinueOnError
	second := n.waitForAnswer(n.ID+secondSuffix, h.due()-h.first(), true)
	if len(h.Escalation.Steps) > 0 {
		second = saga.Parallel(n.ID+besideSuffix, second, inner[listEscalation])
	}
	late := choice(n.ID+lateSuffix, func(s saga.Scope) (int, error) {
		if _, came := s.Output(n.ID); came {
			return -1, nil
		}
		return 0, nil
	}, second)
	return []saga.Step{first, late, b.answered(n, inner)}
}

func (n *node) waitForAnswer(name string, within time.Duration, escalated bool) saga.Step {
	wait, human := saga.Signal(name, humanSignal(n.ID), max(within, shortest)), n.human(escalated)
	wait.Human = &human
	if n.HumanTask.TimeoutSteps != nil {
		wait.OnError = saga.ContinueOnError
	}
	return wait
}

// answered goes on from the answer, or from there being none. Its branches: 0 nobody answered, 1 it was rejected.
func (b *builder) answered(n *node, inner []saga.Step) saga.Step {
	return choice(n.ID+answerSuffix, func(s saga.Scope) (int, error) {
		raw, came := b.d.output(s, n.ID)
		if !came {
			return listTimeout, nil
		}
		var given saga.HumanAnswer
		err := json.Unmarshal(raw, &given)
		switch {
		case err != nil:
			return 0, fmt.Errorf("the answer cannot be read: %w", err)
		case given.Outcome == saga.HumanCompleted:
			return -1, nil
		case given.Outcome != saga.HumanRejected:
			return 0, fmt.Errorf("the answer's outcome is %q: it must be completed or rejected", sentence.Shorten(given.Outcome, 40))
		case n.HumanTask.RejectedSteps == nil:
			return 0, errors.New("it was rejected: " + sentence.Shorten(given.Reason, 200))
		}
		return listRejected, nil
	}, inner[listTimeout], inner[listRejected])
}

// output is a step's output: of a human task the answer, before its escalation or after.
func (d *Definition) output(s saga.Scope, id string) (json.RawMessage, bool) {
	if raw, ok := s.Output(id); ok {
		return raw, true
	}
	if n := d.steps[id]; n == nil || !n.escalates() {
		return nil, false
	}
	return s.Output(id + secondSuffix)
}
