package dialect

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Kind says what was decided.
type Kind string

// The kinds of notes.
const (
	Mapped    Kind = "mapped"    // it says the same in other words
	Ambiguous Kind = "ambiguous" // the source leaves it open: look at what was chosen
	Refused   Kind = "refused"   // it is not in the definition
)

// Note is one decision.
type Note struct {
	Kind    Kind   `json:"kind"`
	Pointer string `json:"pointer"` // JSON pointer into the source
	Detail  string `json:"detail"`
}

// String gives the note as `kind: pointer: detail`.
func (n Note) String() string { return fmt.Sprintf("%s: %s: %s", n.Kind, n.Pointer, n.Detail) }

// part is an object of the source. Its members are taken one by one; left tells of those that nobody took.
type part struct {
	at      string
	members map[string]any
	notes   *[]Note
	taken   []string
}

// note tells of a decision about a member, or about a pointer from here on; empty: about all of it.
func (p *part) note(kind Kind, member, detail string) {
	at := p.at
	if member != "" {
		at += "/" + member
	}
	if at == "" {
		at = "/"
	}
	*p.notes = append(*p.notes, Note{kind, at, detail})
}

func (p *part) mapped(member, format string, args ...any) {
	p.note(Mapped, member, fmt.Sprintf(format, args...))
}

func (p *part) ambiguous(member, format string, args ...any) {
	p.note(Ambiguous, member, fmt.Sprintf(format, args...))
}

func (p *part) refuse(member, detail string) { p.note(Refused, member, detail) }

// take returns a member; nil if it is not there.
func (p *part) take(name string) any {
	p.taken = append(p.taken, name)
	return p.members[name]
}

// text returns a member that should be a string.
func (p *part) text(name string) string {
	switch v := p.take(name).(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		p.refuse(name, fmt.Sprintf("It should be a string, not %v.", v))
		return ""
	}
}

// texts returns a member that should be a list of strings; one string is a list, too.
func (p *part) texts(name string) []string {
	value := p.take(name)
	if one, ok := value.(string); ok {
		return []string{one}
	}
	list, ok := value.([]any)
	if !ok && value != nil {
		p.refuse(name, "It should be a list of strings.")
	}
	var all []string
	for i, item := range list {
		if s, ok := item.(string); ok {
			all = append(all, s)
			continue
		}
		p.refuse(name+"/"+strconv.Itoa(i), "It should be a string.")
	}
	return all
}

// inner is an object of this one.
func (p *part) inner(pointer string, members map[string]any) *part {
	return &part{at: p.at + "/" + pointer, members: members, notes: p.notes}
}

// parts returns the objects of a member that should be a list of them.
func (p *part) parts(name string) []*part {
	value := p.take(name)
	list, ok := value.([]any)
	if !ok && value != nil {
		p.refuse(name, "It should be a list of objects.")
	}
	var all []*part
	for i, item := range list {
		at := name + "/" + strconv.Itoa(i)
		members, ok := item.(map[string]any)
		if !ok {
			p.refuse(at, "It should be an object.")
			continue
		}
		all = append(all, p.inner(at, members))
	}
	return all
}

// drawn are members that say how an editor shows something.
var drawn = []string{"position", "x", "y", "width", "height", "color", "icon", "ui"}

// left tells of the members that were not taken.
func (p *part) left() {
	for _, name := range slices.Sorted(maps.Keys(p.members)) {
		switch {
		case slices.Contains(p.taken, name):
		case slices.Contains(drawn, name):
			p.mapped(name, "How it is drawn is not kept.")
		default:
			p.refuse(escape(name), "A definition has no such member: it was left out.")
		}
	}
}

func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

var noName = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// name makes an id that a definition takes.
func name(s string, most int) string {
	s = strings.Trim(noName.ReplaceAllString(s, "_"), "_")
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		s = "_" + s
	}
	return s[:min(len(s), most)]
}

const (
	longestWorkflow = 64
	longestStep     = 48
)

var isWorkflowID = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`).MatchString

// workflowID is the id of a workflow, by whichever name it goes.
func workflowID(p *part) string {
	id, title := p.text("id"), p.text("name")
	given := id
	if given == "" {
		given = title
	}
	if isWorkflowID(given) {
		return given
	}
	made := name(given, longestWorkflow)
	p.mapped("id", "%q cannot be an id: it is %q now.", given, made)
	return made
}
