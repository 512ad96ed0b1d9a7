package definition

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/osp-platform/osp/internal/sentence"
	"github.com/osp-platform/osp/saga"
)

// Title tells in one line what was simulated, and how it ends.
func (s *Simulation) Title() string {
	when := "when nothing fails"
	if id, rejected := strings.CutSuffix(s.FailAt, rejectedMark); rejected {
		when = "when " + id + " is rejected"
	} else if id, escalated := strings.CutSuffix(s.FailAt, escalatedMark); escalated {
		when = "when " + id + " is escalated"
	} else if s.FailAt != "" {
		when = "when " + s.FailAt + " fails"
	}
	end := string(s.State)
	switch {
	case s.State == saga.Failed && len(s.NotUndone) > 0:
		end += ", not undone: " + strings.Join(s.NotUndone, ", ")
	case s.State == saga.Failed:
		end += ", all undone"
	}
	return fmt.Sprintf("%s, %s: %s", s.Workflow, when, end)
}

// Table writes the moves as an aligned table, under their title.
func (s *Simulation) Table(out io.Writer) error {
	_, _ = fmt.Fprintf(out, "%s\n", s.Title())
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "#\tAFTER\tMOVE\tSTEP\tWHAT\tRESULT")
	for _, m := range s.Moves {
		result := m.Result
		if m.Detail != "" {
			result = strings.TrimPrefix(result+": "+sentence.Shorten(m.Detail, 120), ": ")
		}
		line := fmt.Sprintf("%d\t%v\t%s\t%s\t%s\t%s", m.N, Seconds(m.After).Duration(), m.Kind, m.Step, m.What, result)
		_, _ = fmt.Fprintln(w, strings.ReplaceAll(strings.TrimRight(line, "\t"), "\n", " "))
	}
	return w.Flush()
}

// Diagram draws the moves for Mermaid: what is done from left to right, and what is undone back again.
func (s *Simulation) Diagram() string {
	var b strings.Builder
	b.WriteString("flowchart TD\n    start([" + quote(s.Title()) + "])\n")
	before := "start"
	for _, m := range s.Moves {
		name := fmt.Sprintf("m%d", m.N)
		fmt.Fprintf(&b, "    %s --> %s[%s]:::%s\n", before, name, quote(m.label()), m.class())
		before = name
	}
	fmt.Fprintf(&b, "    %s --> fin([%s])\n", before, quote(string(s.State)))
	b.WriteString("    classDef done fill:#e6f4ea,stroke:#137333\n    classDef undone fill:#fef7e0,stroke:#b06000\n" +
		"    classDef failed fill:#fce8e6,stroke:#c5221f\n    classDef other fill:#f1f3f4,stroke:#5f6368\n")
	return b.String()
}

func (m *Move) label() string {
	parts := []string{strings.TrimSpace(m.Kind + " " + m.Step)}
	if m.What != "" {
		parts = append(parts, m.What)
	}
	if m.Result != resultDone {
		parts = append(parts, strings.TrimPrefix(m.Result+": "+sentence.Shorten(m.Detail, 80), ": "))
	}
	if m.After > 0 {
		parts = append(parts, "after "+Seconds(m.After).Duration().String())
	}
	return strings.Join(parts, "\n")
}

// class is how a move is drawn.
func (m *Move) class() string {
	switch {
	case m.Result == resultFails || m.Result == resultNone:
		return "failed"
	case m.Kind == moveUndo:
		return "undone"
	case m.Kind == moveDo:
		return "done"
	}
	return "other"
}

// quote writes a text as Mermaid takes it.
func quote(s string) string {
	return `"` + strings.NewReplacer(`"`, "#quot;", "<", "#lt;", ">", "#gt;", "\n", "<br/>").Replace(s) + `"`
}
