package uitest

import (
	"net/http"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// parcel is a definition with every kind of step.
func parcel(title string) dict {
	call := func(id string) dict {
		return dict{"id": id, "type": "activity", "activity": dict{"type": "call_api", "params": dict{"url": "https://a.example/" + id, "method": "POST"}}}
	}
	note := func(id string) dict {
		return dict{"id": id, "type": "activity", "activity": dict{"type": "log_event", "params": dict{"event": id}}}
	}
	undone := dict{"compensate": dict{"type": "call_api", "params": dict{"url": "https://a.example/undo", "method": "POST"}}}
	return dict{
		"id": "parcel", "name": "Send a parcel", "compensation_steps": []string{"tell"},
		"input_schema": dict{"type": "object", "properties": dict{"lines": dict{"type": "array", "items": dict{"type": "string"}}, "large": dict{"type": "boolean"}}},
		"steps": []dict{
			{"id": "both", "type": "parallel", "parallel_steps": []any{[]string{"pack", "weigh"}, "label"}},
			merged(call("pack"), undone), note("weigh"), note("label"),
			{"id": "heavy", "type": "condition", "condition": dict{"expression": "large == true", "true_steps": []string{"ask"}, "false_steps": []string{}}},
			{"id": "ask", "type": "human_task", "human_task": dict{"title": title, "assignee_role": "manager"}},
			{"id": "each", "type": "loop", "loop": dict{"collection": "${lines}", "item_variable": "line", "steps": []string{"count"}}},
			note("count"),
			{"id": "paid", "type": "wait_signal", "wait": dict{"signal_name": "paid", "timeout_seconds": 60, "timeout_steps": []string{"stop"}}},
			{"id": "stop", "type": "terminate", "terminate": dict{"outcome": "failed", "reason": "nobody paid"}},
			{"id": "rest", "type": "wait_timer", "wait_timer": dict{"seconds": 5}},
			merged(call("ship"), dict{"irreversible": "acknowledged"}),
			note("tell"),
		},
	}
}

// A workflow's page has a diagram of its steps, and lets an operator choose which version new tasks begin with.
func TestAWorkflowIsDrawnAndItsVersionsChanged(t *testing.T) {
	s, p := serve(t, newStage(), ""), browse(t)
	s.deploy(parcel("Ask first"))
	s.ask(http.StatusCreated, "POST", "/v1/workflows?reason=shorter", parcel(script), nil)

	p.open(s.url + "/ui/workflows")
	p.says("parcel")
	p.says("http.saga")
	p.looks("workflows-some")
	p.press("parcel")
	p.wait(`location.pathname === '/ui/workflows/parcel'`)
	p.says("Steps of version 1")
	for _, inside := range []string{
		`.flow > [data-step=both] > .ways > li:nth-child(1) [data-step=pack] + [data-step=weigh]`, `[data-step=both] > .ways > li:nth-child(2) [data-step=label]`,
		`[data-step=heavy] > .ways > li:nth-child(1) [data-step=ask].t-human_task`, `[data-step=each] [data-step=count]`, `[data-step=paid] [data-step=stop]`,
		`.diagram > .flow > [data-step=each] + [data-step=paid] + [data-step=rest] + [data-step=ship]:last-child`, `.undo-head + .flow > [data-step=tell]`,
	} {
		p.wait(`document.querySelectorAll(` + quote(inside) + `).length === 1`)
	}
	p.wait(`document.querySelector('[data-step=pack] .undone-by')?.innerText.includes('undone by call_api')`)
	p.wait(`document.querySelector('[data-step=ship]')?.innerText.includes('cannot be undone')`)
	p.wait(`document.querySelector('.t-human_task')?.innerText.includes('Ask first by manager, for 1 d')`)
	p.looks("workflow")

	p.press("Version 2")
	p.says("Steps of version 2")
	p.wait(`document.querySelector('.t-human_task')?.innerText.includes(` + quote(script) + `)`)
	p.wait(section("diff") + `.includes('/steps/5/human_task/title')`)
	p.wait(`document.querySelector('.diff .was')?.innerText.includes('Ask first') && document.querySelector('.diff .is')?.innerText.includes(` + quote(script) + `)`)
	p.click(`button[aria-label="Activate version 2"]`)
	p.press("Activate")
	p.says("Say why")
	p.looks("activate")
	p.fill("reason", script)
	p.press("Activate")
	p.says("Version 2 is active.")
	p.wait(section("notes") + `.includes(` + quote(script) + `)`)
	p.wait(section("versions") + `.includes('deprecated')`)
	var list struct{ Versions []saga.WorkflowVersion }
	s.ask(http.StatusOK, "GET", "/v1/workflows/parcel", nil, &list)
	if list.Versions[0].State != saga.VersionActive || list.Versions[1].State != saga.VersionDeprecated {
		t.Errorf("versions: %+v", list.Versions)
	}
	p.shot("workflow-script")
	if read[bool](p, `'pwned' in window`) {
		t.Error("script was run")
	}
}
