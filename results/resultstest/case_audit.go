package resultstest

import (
	"fmt"
	"time"

	"github.com/osp-platform/osp/saga"
)

// action is an entry of this test's own.
func (b *bench) action(n int, outcome saga.Outcome) saga.Action {
	return saga.Action{
		ID: fmt.Sprintf("%s-%03d", b.id("action"), n), At: time.Date(2026, 11, 30, 12, 0, n, 123_000, time.UTC), Name: "cancel", Kind: "task",
		Subject: b.id("task"), By: "ops", Reason: "the guests have gone", RequestID: "r", Outcome: outcome,
	}
}

func (b *bench) actions(q saga.ActionQuery) []saga.Action {
	b.Helper()
	if q.Subject == "" {
		q.Subject = b.id("task")
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	list, err := b.Actions(b.Context(), q)
	b.no(err)
	return list
}

const stranger = "dddddddd-0000-4000-8000-000000000009"

var auditCases = []testCase{
	{"an entry comes back as it was written, the newest first", func(b *bench) {
		one, two := b.action(1, saga.OutcomeDone), b.action(2, saga.OutcomeRefused)
		two.UserID, two.By, two.Reason = b.user, "user:"+b.user, "\"quoted\" \\u0000 ' é\n"
		two.Details = map[string]string{"step": "lines[3]/a", "q": `{"a":"\u0000"}`}
		b.no(b.SaveActions(b.Context(), []saga.Action{one, two}))
		got := b.actions(saga.ActionQuery{})
		if len(got) == 2 && len(got[1].Details) == 0 {
			got[1].Details = nil
		}
		same(b, "the audit", got, []saga.Action{two, one})
	}},
	{"an entry stays as it is, unless it had only begun", func(b *bench) {
		begun, done, other := b.action(1, saga.OutcomeBegun), b.action(1, saga.OutcomeDone), b.action(1, saga.OutcomeFailed)
		begun.Reason, other.By = "", "eve"
		for _, c := range []struct {
			save []saga.Action
			want saga.Outcome
		}{
			{[]saga.Action{begun}, saga.OutcomeBegun},
			{[]saga.Action{begun}, saga.OutcomeBegun},
			{[]saga.Action{done}, saga.OutcomeDone},
			{[]saga.Action{begun}, saga.OutcomeDone},
			{[]saga.Action{other}, saga.OutcomeDone},
			{nil, saga.OutcomeDone},
		} {
			b.no(b.SaveActions(b.Context(), c.save))
			got := b.actions(saga.ActionQuery{})
			if len(got) != 1 || got[0].Outcome != c.want || got[0].By != "ops" || got[0].Reason != "" != (c.want == saga.OutcomeDone) {
				b.Errorf("after %v: %+v", c.save, got)
			}
		}
	}},
	{"an end that comes before its beginning stays", func(b *bench) {
		b.no(b.SaveActions(b.Context(), []saga.Action{b.action(1, saga.OutcomeDone)}))
		b.no(b.SaveActions(b.Context(), []saga.Action{b.action(1, saga.OutcomeBegun)}))
		same(b, "the outcome", b.actions(saga.ActionQuery{})[0].Outcome, saga.OutcomeDone)
	}},
	{"a user who is deleted is named no longer, and what was done stays", func(b *bench) {
		mine, about, other := b.action(1, saga.OutcomeDone), b.action(2, saga.OutcomeDone), b.action(3, saga.OutcomeDone)
		mine.By, mine.UserID = "user:"+b.user, b.user
		about.Details = map[string]string{"filter": `{"user_id":"` + b.user + `"}`}
		other.By, other.UserID = "user:"+stranger, stranger
		b.no(b.SaveActions(b.Context(), []saga.Action{mine, about, other}))
		_, err := b.Delete(b.Context(), saga.Deletion{ID: b.id("deletion"), Kind: saga.SubjectUser, Subject: b.user, Reason: "r", By: "ops"})
		b.no(err)
		mine.By, mine.UserID, mine.Reason, about.Details = "", "", "", nil
		got := b.actions(saga.ActionQuery{})
		for i := range got {
			if len(got[i].Details) == 0 {
				got[i].Details = nil
			}
		}
		same(b, "the audit", got, []saga.Action{other, about, mine})
	}},
	{"what comes in of a user who is deleted names the user no more than what was there", func(b *bench) {
		begun, mine, about, other := b.action(1, saga.OutcomeBegun), b.action(2, saga.OutcomeDone), b.action(3, saga.OutcomeDone), b.action(4, saga.OutcomeDone)
		for _, a := range []*saga.Action{&begun, &mine} {
			a.By, a.UserID, a.Details = "user:"+b.user, b.user, map[string]string{"step": "a"}
		}
		about.Details = map[string]string{"filter": `{"user_id":"` + b.user + `"}`}
		other.By, other.UserID, other.Details = "user:"+stranger, stranger, map[string]string{"ids": stranger}
		b.no(b.SaveActions(b.Context(), []saga.Action{begun}))
		_, err := b.Delete(b.Context(), saga.Deletion{ID: b.id("deletion"), Kind: saga.SubjectUser, Subject: b.user, Reason: "r", By: "ops"})
		b.no(err)
		done := begun
		done.Outcome = saga.OutcomeDone
		b.no(b.SaveActions(b.Context(), []saga.Action{done, mine, about, other}))
		for _, a := range []*saga.Action{&done, &mine} {
			a.By, a.UserID, a.Reason, a.Details = "", "", "", nil
		}
		about.Details = nil
		got := b.actions(saga.ActionQuery{})
		for i := range got {
			if len(got[i].Details) == 0 {
				got[i].Details = nil
			}
		}
		same(b, "the audit", got, []saga.Action{other, about, mine, done})
	}},
	{"the audit is asked by action, subject and who, in pages", func(b *bench) {
		var list []saga.Action
		for n := range 5 {
			a := b.action(n, saga.OutcomeDone)
			if n%2 == 1 {
				a.Name, a.By = "retry", "ada"
			}
			list = append(list, a)
		}
		b.no(b.SaveActions(b.Context(), list))
		for _, c := range []struct {
			q    saga.ActionQuery
			want []int
		}{
			{saga.ActionQuery{}, []int{4, 3, 2, 1, 0}},
			{saga.ActionQuery{Limit: 2}, []int{4, 3}},
			{saga.ActionQuery{Limit: 2, Before: list[3].ID}, []int{2, 1}},
			{saga.ActionQuery{Before: list[0].ID}, nil},
			{saga.ActionQuery{Name: "retry"}, []int{3, 1}},
			{saga.ActionQuery{By: "ops"}, []int{4, 2, 0}},
			{saga.ActionQuery{By: "ops", Name: "retry"}, nil},
			{saga.ActionQuery{Subject: "' or 1=1 --"}, nil},
		} {
			var got []int
			for _, a := range b.actions(c.q) {
				got = append(got, a.At.Second())
			}
			same(b, fmt.Sprintf("%+v", c.q), got, c.want)
		}
	}},
}
