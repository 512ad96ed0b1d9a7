package tasks

import "encoding/json"

// checkHTTPSaga holds an input that keeps the schema to the rules between its parts, and to those that concern what may
// be stored and called. Recorded tasks are not held to them again: their templates are all that must parse.
func checkHTTPSaga(h *HTTP, in json.RawMessage) error {
	s, p := parseScript(in)
	if s == nil {
		return p.err()
	}
	earlier := map[string]int{}
	for i := range s.steps {
		step := &s.steps[i]
		at := pointer("steps", i)
		if first, taken := earlier[step.Name]; taken {
			p.add(at+"/name", "Step %d is called %q too: give each its own name.", first, step.Name)
		}
		checkRequest(h, &p, at+"/do", step.Do, step.do)
		for _, ref := range step.do.refs {
			s.checkReference(&p, ref, earlier, step.Name, false)
		}
		if step.undo != nil {
			checkRequest(h, &p, at+"/undo", step.Undo, step.undo)
			for _, ref := range step.undo.refs {
				s.checkReference(&p, ref, earlier, step.Name, true)
			}
		}
		if _, taken := earlier[step.Name]; !taken {
			earlier[step.Name] = i
		}
	}
	return p.err()
}

func checkRequest(h *HTTP, p *problems, at string, raw *httpRequest, parsed *request) {
	checkCredentials(p, at+"/headers", raw.Headers)
	if parsed.url == nil {
		return
	}
	if err := h.checkHost(parsed.url.origin.Hostname()); err != nil {
		p.add(at+"/url", "%s", asSentence(err))
	}
}

// checkReference makes sure that there will be something where a reference points.
func (s *script) checkReference(p *problems, ref placed, earlier map[string]int, own string, undo bool) {
	_, known := earlier[ref.step]
	switch {
	case ref.root == rootDo && !undo:
		p.add(ref.at, "%s is for an undo, which sees its own do's answer; a do names an earlier step: ${steps.<name>.…}.", ref)
	case ref.root == rootSteps && ref.step == own && undo:
		p.add(ref.at, "%s is this step itself: an undo names its own do's answer as ${do.…}.", ref)
	case ref.root == rootSteps && !known:
		p.add(ref.at, "%s: there is no step %q before this one. Mend the name, or put that step first.", ref, ref.step)
	case ref.root == rootInput:
		if _, err := descend(s.data, ref.path[1:], ref.reference); err != nil {
			p.add(ref.at, "%v in the input's data: add it, or mend the name.", err)
		} else if s.data == nil {
			p.add(ref.at, "%s: the input has no data: add it beside steps.", ref)
		}
	}
}
