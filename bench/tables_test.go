package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is a report with a figure for everything in the tables: of three rounds, the middle one is to be seen.
func sample() *report {
	r := &report{figures: map[string][]float64{}, texts: map[string]string{
		"machine": "linux, a processor, 2 cores", "go": "go1.2", "redis": "redis-server 7", "durability": "without persistence",
		"load": "6000 tasks in each run",
	}}
	n := 1.0
	for _, line := range lines {
		for _, c := range columns {
			for _, key := range c.keys {
				r.figures[r.key(line.prefix, key)] = []float64{n * 1000.125, 0, 1e9}
				n++
			}
		}
	}
	for _, row := range rows {
		for _, key := range row.keys {
			r.figures[key] = []float64{1e9, n / 64, 0}
			n++
		}
	}
	r.figures["waiting_tasks"], r.figures["pending_tasks"] = []float64{1e6}, []float64{1e5}
	delete(r.figures, "floor_lone_p99_ms")
	delete(r.figures, "queues_ratio")
	return r
}

func TestTables(t *testing.T) {
	golden(t, "tables.md", sample().tables())
	r := sample()
	for key := range r.figures {
		if !strings.HasPrefix(key, "waiting_") {
			delete(r.figures, key)
		}
	}
	golden(t, "tables_of_one.md", r.tables())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("not as in %s:\n%s", file, got)
	}
}

func TestInsert(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	const page = "a\n<!-- figures: from x.json -->\nold\n<!-- end of figures -->\nb\n<!-- long figures: from y.json, by z -->\n<!-- end of long figures -->\n"
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what was inserted is replaced
		for of, text := range map[string]string{"x.json": "new\n", "y.json": "newer\n"} {
			if err := insert(file, of, text); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, _ := os.ReadFile(file)
	want := strings.NewReplacer("old\n", "new\n", "by z -->\n", "by z -->\nnewer\n").Replace(page)
	if string(got) != want {
		t.Errorf("the page is\n%s", got)
	}
	if err := insert(file, "z.json", "new\n"); err == nil || !strings.Contains(err.Error(), "`figures: from z.json`") {
		t.Errorf("without a place: %v", err)
	}
}

func TestWrap(t *testing.T) {
	if got, want := wrap("ab ≥ cd efg  h", 7), "ab ≥ cd\nefg h\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNumber(t *testing.T) {
	for _, test := range []struct {
		x      float64
		digits int
		want   string
	}{{0, 0, "0"}, {999.4, 0, "999"}, {1000, 0, "1,000"}, {1234567.891, 2, "1,234,567.89"}, {12345, 1, "12,345.0"}} {
		if got := number(test.x, test.digits); got != test.want {
			t.Errorf("%v with %d digits: %s, want %s", test.x, test.digits, got, test.want)
		}
	}
}
