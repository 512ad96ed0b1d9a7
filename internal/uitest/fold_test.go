package uitest

import (
	"errors"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// The page folds a task's events as the server does, whatever becomes of the task.
func TestThePageFoldsAsTheServerDoes(t *testing.T) {
	for _, c := range []struct {
		name, taskType string
		input          any
		set            func(*stage)
		ends           saga.State
	}{
		{"all is well", "order.split", dict{}, func(*stage) {}, saga.Completed},
		{"one branch fails", "order.split", dict{}, func(st *stage) { st.fails("right", "no") }, saga.Failed},
		{"a failure that is passed over", "order.split", dict{}, func(st *stage) { st.fails("careless", "no") }, saga.Completed},
		{"the child fails", "order.split", dict{}, func(st *stage) { st.fails("ship", "no") }, saga.Failed},
		{"the child is undone after its end", "order.split", dict{}, func(st *stage) { st.fails("end", "no") }, saga.Failed},
		{"an attempt of several fails", "order.split", dict{}, func(st *stage) {
			st.play("left", func(attempt int) (any, error) {
				if attempt < 3 {
					return nil, errors.New("not yet")
				}
				return attempt, nil
			})
		}, saga.Completed},
		{"a loop fails half-way", "order.many", dict{"items": 30}, func(st *stage) { st.fails("lines[17]/pack", "it is heavy") }, saga.Failed},
		{"a loop over nothing", "order.many", dict{"items": 0}, func(*stage) {}, saga.Completed},
		{"an undo fails for good", "order.place", dict{}, func(st *stage) { st.fails("ship", "no"); st.fails("undo charge", "no") }, saga.Stuck},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := newStage()
			c.set(st)
			s, p := serve(t, st, ""), browse(t)
			id := s.start(c.taskType, c.input)
			s.reaches(id, c.ends)
			if c.ends == saga.Stuck {
				s.ask(202, "POST", "/v1/tasks/"+id+"/resolve", dict{"step": "charge", "action": "retry", "reason": "again"}, nil)
				until(t, func() bool { task := s.task(id); return task.State == saga.Stuck }, func() any { return s.task(id) })
				s.ask(202, "POST", "/v1/tasks/"+id+"/resolve", dict{"step": "charge", "action": "skip", "reason": "let it be"}, nil)
				s.reaches(id, saga.Failed)
			}
			p.open(s.url + "/ui/tasks/" + id)
			p.says("Timeline")
			s.agrees(p, id)
		})
	}
}
