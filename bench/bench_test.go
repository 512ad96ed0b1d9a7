package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEverythingIsMeasured runs the whole benchmark, with few tasks, as far as its files.
func TestEverythingIsMeasured(t *testing.T) {
	s := tiny
	dir := t.TempDir()
	s.out, s.docs = filepath.Join(dir, "results.json"), filepath.Join(dir, "performance.md")
	page := "above\n<!-- figures: from " + s.out + ", by `make bench` -->\nold\n<!-- end of figures -->\nbelow\n"
	if err := os.WriteFile(s.docs, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := do(t.Context(), s, strings.NewReader(""), io.Discard); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(s.out)
	if err != nil {
		t.Fatal(err)
	}
	results := map[string]any{}
	if err := json.Unmarshal(raw, &results); err != nil {
		t.Fatal(err)
	}
	documented, err := os.ReadFile("../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range results {
		if n, ok := value.(float64); ok && n <= 0 {
			t.Errorf("%s is %v", key, n)
		}
		if !tells(string(documented), key) {
			t.Errorf("docs/performance.md does not say what %s is", key)
		}
	}
	for key := range tabled() {
		if results[key] == nil {
			t.Errorf("%s stands in a table, and is not measured", key)
		}
	}
	written, err := os.ReadFile(s.docs)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if strings.HasPrefix(line.prefix, "bullmq_") { // only when it is asked for
			continue
		}
		if !strings.Contains(string(written), "\n| "+line.name+" | ") {
			t.Errorf("the tables have no line for %s:\n%s", line.name, written)
		}
	}
	if strings.Contains(string(written), "\nold\n") || !strings.HasSuffix(string(written), "\n<!-- end of figures -->\nbelow\n") {
		t.Errorf("the page is now\n%s", written)
	}
}

// tells looks for a key, or for what is said of all sides: the key without the side's prefix.
func tells(page, key string) bool {
	if strings.Contains(page, "`"+key+"`") {
		return true
	}
	for _, prefix := range []string{"left_", "many_", "naive_", "commands_", "pipelined_", "floor_", "bullmq_", "bullmq_flow_"} {
		if rest, ok := strings.CutPrefix(key, prefix); ok && strings.Contains(page, "`"+prefix+"`") {
			return strings.Contains(page, "`"+rest+"`")
		}
	}
	return false
}

// tabled are the keys whose figures the tables must have.
func tabled() map[string]bool {
	keys := map[string]bool{}
	for _, row := range rows {
		for _, key := range row.keys {
			keys[key] = true
		}
	}
	for _, c := range columns {
		for _, key := range c.keys {
			keys[key] = true
		}
	}
	return keys
}

func TestASectionAlone(t *testing.T) {
	s := tiny
	s.only = "long"
	r, err := measure(t.Context(), s, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.figures) != 2 || r.of("long_steps_per_s") <= 0 {
		t.Errorf("measured: %v", r.figures)
	}
	s.only = "longer"
	if _, err := measure(t.Context(), s, io.Discard); err == nil || !strings.Contains(err.Error(), "sides, costs") {
		t.Errorf("a section that there is not: %v", err)
	}
}
