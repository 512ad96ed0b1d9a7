package cli

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// What is not where it was looked for is told to be elsewhere, as far as the caller sees it.
func TestAWorkflowOfAServiceIsFound(t *testing.T) {
	flows := func(list ...string) *api {
		a := newAPI()
		list = slices.Clone(list)
		for i, l := range list {
			service, name, _ := strings.Cut(l, "/")
			list[i] = `{"service":"` + service + `","workflow":"` + name + `","version":1}`
		}
		a.says("GET /v1/workflows", 200, `{"versions":[`+strings.Join(list, ",")+`]}`)
		a.says("GET /v1/workflows/book", 404, `{"type":"/problems/no-such-workflow","title":"There is no such workflow","status":404}`)
		return a.says("POST /v1/tasks", 422, `{"type":"/problems/unknown-type","title":"Unknown task type","status":422}`)
	}
	for _, c := range []struct {
		what    string
		list    []string
		service string
		says    string
	}{
		{"one service's", []string{"bistro/book", "bistro/cancel"}, "", "It is a workflow of the service bistro: add --service bistro."},
		{"several", []string{"/book", "bistro/book", "inn/book"}, "x", "It is one of several: of the platform, the service bistro, the service inn. --service says which."},
		{"another's", []string{"bistro/book", "inn/book"}, "inn", "It is a workflow of the service bistro: add --service bistro."},
		{"the platform's", []string{"/book"}, "inn", "It is a workflow of the platform: leave --service away."},
		{"misspelt", []string{"bistro/cook"}, "inn", "Is cook meant? osp workflow list lists workflows.\n"},
		{"nowhere to be seen", nil, "", "osp workflow list lists workflows. One of a service is named with --service.\n"},
	} {
		for _, args := range []string{"workflow get book", "workflow versions book", "task start book"} {
			line := strings.Fields(args)
			if c.service != "" {
				line = append(line, "--service", c.service)
			}
			if r := at(t, flows(c.list...), line...); r.code != exitFailed || !strings.Contains(r.err+"\n", c.says) {
				t.Errorf("%s, %s: code %d: %s\nwant: %s", args, c.what, r.code, r.err, c.says)
			}
		}
	}
	a := flows("inn/cook").says("GET /v1/types", 200, `{"types":[{"name":"service.create"},{"name":"http.saga"}]}`)
	at(t, a, "task", "start", "servce.create").is(t, exitFailed, "", "Is service.create meant? osp workflow list lists workflows.")
	a = newAPI().says("POST /v1/tasks", 422, `{"type":"/problems/unknown-type","title":"Unknown task type","status":422}`)
	a.on("GET /v1/workflows", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	at(t, a, "task", "start", "book").is(t, exitFailed, "", "Unknown task type (422)\nosp workflow list lists workflows. One of a service")
	a = newAPI().says("POST /v1/tasks", 409, `{"type":"/problems/conflict","title":"Taken","status":409}`)
	if at(t, a, "task", "start", "book"); a.requests() != "POST /v1/tasks" {
		t.Errorf("nothing else is to be asked: %s", a.requests())
	}
}
