package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// column is one of the first table. Of several keys the figures stand in one cell.
type column struct {
	title, aim string
	keys       []string // after the side's prefix
	between    string
	digits     int
}

var columns = []column{
	{"forward, tasks/s", "", []string{"forward_per_s"}, "", 0},
	{"ratio to raw asynq", "≥ 0.9", []string{"forward_ratio"}, "", 2},
	{"undone, tasks/s", "", []string{"compensated_per_s"}, "", 0},
	{"ratio", "≥ 0.5", []string{"compensated_ratio"}, "", 2},
	{"lone task, p50 / p99 ms", "≤ 4 / ≤ 15", []string{"lone_p50_ms", "lone_p99_ms"}, " / ", 1},
	{"CPU s for 1,000 forward", "≤ 0.5", []string{"cpu_s_per_1000"}, "", 2},
	{"of the process + of Redis", "", []string{"process_cpu_s_per_1000", "redis_cpu_s_per_1000"}, " + ", 3},
}

// lines are the rows of the first table: names by the prefixes of their keys.
var lines = []struct{ name, prefix string }{
	{"raw asynq, 1 task, nothing recorded (the floor)", "floor_"},
	{"**three steps**", ""},
	{"three steps, `GOMAXPROCS` one less", "left_"},
	{"three steps, four times as many in flight", "many_"},
	{"naive chain of 3 asynq tasks, 6 with the undos", "naive_"},
	{"BullMQ, one job that keeps its steps by hand", "bullmq_"},
	{"BullMQ, a flow of three jobs", "bullmq_flow_"},
	{"only the Redis commands, one by one", "commands_"},
	{"only the Redis commands, in pipelines", "pipelined_"},
}

// row is one of the second table: a figure beside its aim. NUMBER in a name is another figure.
type row struct {
	name, number string
	keys         []string
	digits       int
	aim          string
}

var rows = []row{
	{"throughput with `appendonly yes`, `appendfsync everysec`, to that without", "", []string{"appendonly_ratio"}, 2, "≥ 0.85"},
	{"throughput beside NUMBER waiting tasks, to that with none", "waiting_tasks", []string{"waiting_ratio"}, 2, "≥ 0.9"},
	{"throughput with NUMBER pending tasks, to that with none", "pending_tasks", []string{"pending_ratio"}, 2, "≥ 0.9"},
	{"steps/s in workflows of 200 steps, to those of three", "", []string{"long_ratio"}, 2, "≥ 0.9"},
	{"throughput with tasks in ten queues, to one queue", "", []string{"queues_ratio"}, 2, "≥ 0.9"},
	{"two worker processes, to one", "", []string{"two_processes_ratio"}, 2, "≥ 1"},
	{"sixteen worker processes, to one", "", []string{"sixteen_processes_ratio"}, 2, "≥ 0.9"},
	{"with the flusher, to without: CPU, time", "", []string{"flusher_cpu_ratio", "flusher_time_ratio"}, 2, "< 1.1"},
	{"with ten tasks followed at a time, to none: CPU, time", "", []string{"watchers_cpu_ratio", "watchers_time_ratio"}, 2, "< 1.1"},
	{"with metrics, to without: CPU, time", "", []string{"metrics_cpu_ratio", "metrics_time_ratio"}, 2, "< 1.1"},
	{"three steps as data, to the same in Go: CPU, time", "", []string{"data_cpu_ratio", "data_time_ratio"}, 2, "≤ 1.2"},
	{"Redis bytes for a waiting task", "", []string{"redis_bytes_per_waiting"}, 0, "≤ 1,638"},
	{"Redis commands/s of an idle worker", "", []string{"idle_commands_per_s"}, 1, "≤ 10"},
	{"Redis commands/s of an idle worker beside NUMBER waiting tasks", "waiting_tasks", []string{"idle_commands_per_s_with_waiting"}, 1, "≤ 10"},
}

// tables are the figures for docs/performance.md. What was not measured is left out, or a dash.
func (r *report) tables() string {
	var b strings.Builder
	versions := r.texts["go"]
	if r.texts["others"] != "" {
		versions += ", " + r.texts["others"]
	}
	b.WriteString(wrap(fmt.Sprintf("%s (engine, load and redis-server share the cores); %s, %s %s. %s. PostgREST and HTTP are not involved.",
		r.texts["machine"], versions, r.texts["redis"], r.texts["durability"], r.texts["load"]), 125))
	b.WriteString("\n")
	r.beside(&b)
	r.others(&b)
	return b.String()
}

func (r *report) beside(b *strings.Builder) {
	titles, aims := []string{""}, []string{"aim"}
	for _, c := range columns {
		titles, aims = append(titles, c.title), append(aims, c.aim)
	}
	written := false
	for _, line := range lines {
		cells, known := []string{line.name}, false
		for _, c := range columns {
			cell := r.cell(line.prefix, c.keys, c.between, c.digits)
			known = known || cell != "–"
			cells = append(cells, cell)
		}
		if !known {
			continue
		}
		if !written {
			write(b, titles)
			b.WriteString(strings.Repeat("|---", len(titles)) + "|\n")
			written = true
		}
		write(b, cells)
	}
	if written {
		write(b, aims)
		b.WriteString("\n")
	}
}

func (r *report) others(b *strings.Builder) {
	written := false
	for _, row := range rows {
		if r.figures[row.keys[0]] == nil {
			continue
		}
		if !written {
			b.WriteString("| | | aim |\n|---|---|---|\n")
			written = true
		}
		name := strings.Replace(row.name, "NUMBER", number(r.of(row.number), 0), 1)
		write(b, []string{name, r.cell("", row.keys, ", ", row.digits), row.aim})
	}
}

func write(b *strings.Builder, cells []string) {
	for _, cell := range cells {
		b.WriteString("| " + cell)
		if cell != "" {
			b.WriteByte(' ')
		}
	}
	b.WriteString("|\n")
}

func (r *report) cell(prefix string, keys []string, between string, digits int) string {
	if prefix+keys[0] == "floor_forward_ratio" && r.figures["floor_per_s"] != nil {
		return "1"
	}
	var list []string
	known := false
	for _, key := range keys {
		text := "–"
		if list := r.figures[r.key(prefix, key)]; list != nil {
			text, known = number(median(list), digits), true
		}
		list = append(list, text)
	}
	if !known {
		return "–"
	}
	return strings.Join(list, between)
}

// key is that of a figure of a side. The floor's throughput has a shorter name, for it has one only.
func (r *report) key(prefix, key string) string {
	if prefix == "floor_" && key == "forward_per_s" {
		return "floor_per_s"
	}
	return prefix + key
}

// number writes 12345.678 as 12,346 or 12,345.68.
func number(x float64, digits int) string {
	text := strconv.FormatFloat(x, 'f', digits, 64)
	whole, rest, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		whole += "." + rest
	}
	return whole
}

// wrap breaks a text into lines.
func wrap(text string, width int) string {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		switch n := len([]rune(word)); {
		case column == 0:
			column = n
		case column+1+n > width:
			b.WriteByte('\n')
			column = n
		default:
			b.WriteByte(' ')
			column += 1 + n
		}
		b.WriteString(word)
	}
	return b.String() + "\n"
}

// insert writes tables into a document, between the mark that names the file with their figures and the next that ends some.
func insert(file, of, tables string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok1 := strings.Cut(string(raw), "figures: from "+of)
	mark, rest, ok2 := strings.Cut(rest, "-->\n")
	_, after, ok3 := strings.Cut(rest, "<!-- end of")
	if !ok1 || !ok2 || !ok3 {
		return fmt.Errorf("%s: no place for the figures of %s: it needs a comment with `figures: from %s`, and one that begins with `end of`", file, of, of)
	}
	text := before + "figures: from " + of + mark + "-->\n" + tables + "<!-- end of" + after
	return os.WriteFile(file, []byte(text), 0o644) //nolint:gosec // a document is for everybody
}
