package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

// entries are those of the audit that match a query, once there are so many.
func (r *running) entries(query, cookie string, many int) (list []saga.Action) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		res, said := r.browse("GET /v1/audit?"+query, cookie, "")
		var page struct{ Entries []saga.Action }
		if err := json.Unmarshal([]byte(said), &page); err != nil || res.StatusCode != http.StatusOK {
			r.t.Fatalf("the audit: %d %s", res.StatusCode, said)
		}
		if len(page.Entries) >= many || time.Now().After(deadline) {
			return page.Entries
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-r.t.Context().Done():
		}
	}
}

func TestWhatPeopleDoIsInTheAudit(t *testing.T) {
	c := guardedRole(t, RoleAll, nil)
	r := run(t, c)
	cookie := r.signIn(operatorPassword)
	res, said := r.browse("POST /v1/tasks", cookie, `{"type":"http.saga","id":"t1","process_at":"2099-01-01T00:00:00Z","input":{"steps":[{"name":"a","do":{"method":"POST","url":"https://example.com"}}]}}`)
	if res.StatusCode != http.StatusAccepted {
		t.Fatalf("a start: %d %s", res.StatusCode, said)
	}
	if res, said := r.browse("POST /v1/tasks/t1/cancel", cookie, `{"reason":"not wanted any longer"}`); res.StatusCode >= 300 {
		t.Errorf("a cancel: %d %s", res.StatusCode, said)
	}
	r.browse("POST /monitor/api/queues/default:pause", cookie, "")
	r.browse("DELETE /ui/session", cookie, "")
	cookie = r.signIn("osp_operator")
	got := r.entries("limit=10", cookie, 5)
	var lines []string
	for _, a := range got {
		lines = append(lines, strings.Join([]string{string(a.Outcome), a.Name, a.Kind, a.Subject, a.By, a.Reason}, "|"))
		if a.RequestID == "" || time.Since(a.At) > time.Hour {
			t.Errorf("got %+v", a)
		}
	}
	want := strings.Join([]string{
		"done|sign-in|session||ops|", "done|sign-out|session||password:operator|",
		"done|monitor|queue|/monitor/api/queues/default:pause|password:operator|",
		"done|cancel|task|t1|password:operator|not wanted any longer", "done|sign-in|session||password:operator|",
	}, "\n")
	if strings.Join(lines, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), want)
	}
	if got := r.entries("action=cancel&subject=t1&by=password:operator", cookie, 1); len(got) != 1 {
		t.Errorf("got %+v", got)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	// Another process has the same sessions and the same audit.
	again := run(t, c)
	if got := again.entries("action=cancel", cookie, 1); len(got) != 1 {
		t.Errorf("after another start: %+v", got)
	}
	if err := again.stop(); err != nil {
		t.Error(err)
	}
}
