package saga

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Diagram draws the table of transitions for Mermaid. Events that leave a state as it is are left out.
func Diagram() string {
	edges := map[string][]string{}
	for _, from := range States {
		for _, kind := range slices.Sorted(maps.Keys(transitions[from])) {
			for _, phase := range []Phase{Forward, Undo} {
				to, _ := next(from, phase, kind)
				if to == from || from == Running && phase == Undo || from == Compensating && phase == Forward {
					continue
				}
				edge := fmt.Sprintf("%s --> %s", from, to)
				if !slices.Contains(edges[edge], string(kind)) {
					edges[edge] = append(edges[edge], string(kind))
				}
			}
		}
	}
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n    [*] --> pending: created\n")
	for _, edge := range slices.Sorted(maps.Keys(edges)) {
		fmt.Fprintf(&b, "    %s: %s\n", edge, strings.Join(edges[edge], ", "))
	}
	for _, s := range States {
		if s.Finished() {
			fmt.Fprintf(&b, "    %s --> [*]\n", s)
		}
	}
	return b.String()
}
