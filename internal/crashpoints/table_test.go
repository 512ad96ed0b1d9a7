package crashpoints

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// row is what was tried of a scenario, as docs/guarantees.md shows it.
type row struct {
	name                  string
	places                int
	singles, pairs, redis int
	wrongs                map[kind]int
}

func (r *row) inMemory(t tally) {
	r.places, r.singles, r.pairs = t.places, t.singles, t.pairs
	r.count(t)
}

func (r *row) inRedis(t tally) {
	r.redis = t.tried()
	r.count(t)
}

func (r *row) count(t tally) {
	for k, n := range t.wrongs {
		r.wrongs[k] += n
	}
}

func (r *row) tried() int { return r.singles + r.pairs + r.redis }

func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| workflow | places | one fault | two faults | in Redis | lost | doubled |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|\n")
	for _, r := range append(rows, sum(rows)) {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d |\n",
			r.name, r.places, r.singles, r.pairs, r.redis, r.wrongs[forgotten], r.wrongs[doubled])
	}
	return b.String()
}

func sum(rows []row) row {
	all := row{name: "**in all**", wrongs: map[kind]int{}}
	for _, r := range rows {
		all.places += r.places
		all.singles += r.singles
		all.pairs += r.pairs
		all.redis += r.redis
		all.count(tally{wrongs: r.wrongs})
	}
	return all
}

func summary(rows []row) string {
	all := sum(rows)
	return fmt.Sprintf("crash points: %d tried, %d lost, %d doubled", all.tried(), all.wrongs[forgotten], all.wrongs[doubled])
}

// whole tells whether all of the corpus was tried, and not what -run has picked.
func whole(rows []row) bool {
	return !slices.ContainsFunc(rows, func(r row) bool { return r.places == 0 || r.redis == 0 })
}

const (
	guarantees = "../../docs/guarantees.md"
	begin      = "<!-- crash points: written by make crashpoints -->\n"
	end        = "<!-- end of crash points -->"
)

func read(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(guarantees)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// cut finds the table in the document.
func cut(t *testing.T) (before, inside, after string) {
	t.Helper()
	before, rest, ok1 := strings.Cut(read(t), begin)
	inside, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table", guarantees)
	}
	return before, inside, after
}

func writeTable(t *testing.T, rows []row) {
	t.Helper()
	before, _, after := cut(t)
	text := before + begin + table(rows) + "\n```\n" + summary(rows) + "\n```\n" + end + after
	if err := os.WriteFile(guarantees, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTableNamesTheCorpus holds the document to the corpus. Its numbers are those of the last `make crashpoints`.
func TestTableNamesTheCorpus(t *testing.T) {
	_, inside, _ := cut(t)
	var names []string
	for line := range strings.Lines(inside) {
		if cells := strings.Split(line, " | "); len(cells) == 7 && cells[1] != "places" {
			names = append(names, strings.TrimPrefix(cells[0], "| "))
		}
	}
	var want []string
	for _, s := range corpus {
		want = append(want, s.name)
	}
	want = append(want, "**in all**")
	if got := strings.Join(names, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("%s is stale: run make crashpoints\ngot\n%s", guarantees, got)
	}
}
