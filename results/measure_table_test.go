package results_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// figures is bench/supabase.json. Every figure is the median of the rounds, but for the load, of which there is one.
type figures struct {
	BulkPerS   float64 `json:"bulk_rows_per_s"`   // 200 rows a request
	SinglePerS float64 `json:"single_rows_per_s"` // one row a request
	Ratio      float64 `json:"bulk_ratio"`
	FreshP50   float64 `json:"fresh_p50_ms"`
	FreshP99   float64 `json:"fresh_p99_ms"`
	Rate       int     `json:"fresh_tasks_per_s"`
	Load       load    `json:"load"`
	Rounds     int     `json:"rounds"`
	Database   string  `json:"postgresql"`
	REST       string  `json:"postgrest"`
	Go         string  `json:"go"`
}

// load is what came of tasks that were started at a rate, whatever became of them.
type load struct {
	Asked     int                `json:"asked_tasks_per_s"`
	Seconds   int                `json:"seconds"`
	TasksPerS float64            `json:"tasks_per_s"` // to the end of the last
	RowsPerS  float64            `json:"rows_per_s"`  // to the last row that tells an end
	AgeP50    float64            `json:"age_p50_ms"`
	AgeP99    float64            `json:"age_p99_ms"`
	CPU       map[string]float64 `json:"cores"` // in use, by program; osp is worker, load, flusher and a proxy before PostgREST
}

func tenths(x float64) float64 { return math.Round(x*10) / 10 }

// table is what stands in docs/performance.md.
func (f figures) table() string {
	var cores []string
	for _, name := range []string{"osp", "redis-server", "postgrest", "postgres"} {
		cores = append(cores, fmt.Sprintf("%s %.2f", name, f.Load.CPU[name]))
	}
	return fmt.Sprintf(`| | |
|---|---|
| rows/s, 200 a request | %.0f |
| rows/s, one a request | %.0f |
| ratio | **%.0f** |
| age of the newest state at %d tasks/s, p50 / p99 | %.0f ms / **%.0f ms** |
| asked for %d tasks/s, over %d s: tasks/s, rows/s | **%.0f**, %.0f |
| … age of the newest state, p50 / p99 | %.0f ms / %.0f ms |
| … cores in use | %s |

%s, %s, %s, all on one machine; fsync and synchronous_commit off, Redis without
persistence.
`, f.BulkPerS, f.SinglePerS, f.Ratio, f.Rate, f.FreshP50, f.FreshP99, f.Load.Asked, f.Load.Seconds, f.Load.TasksPerS, f.Load.RowsPerS,
		f.Load.AgeP50, f.Load.AgeP99, strings.Join(cores, ", "), f.Go, f.Database, f.REST)
}

// writeTable puts a table between the marks that a page has for it.
func writeTable(t *testing.T, page, table string) {
	t.Helper()
	const begin, end = "<!-- supabase figures: from bench/supabase.json, by `make bench-supabase` -->\n", "<!-- end of supabase figures -->"
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(raw), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table: it needs\n%s%s", page, begin, end)
	}
	if err := os.WriteFile(page, []byte(before+begin+table+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTheTableOfFigures(t *testing.T) {
	f := figures{
		BulkPerS: 1695.4, SinglePerS: 23, Ratio: 73.7, FreshP50: 206, FreshP99: 456, Rate: 300, Database: "PostgreSQL 15", REST: "postgrest/12",
		Go: "go1.2 linux/amd64, 2 cores", Load: load{
			Asked: 1000, Seconds: 30, TasksPerS: 998.6, RowsPerS: 951, AgeP50: 300, AgeP99: 1500,
			CPU: map[string]float64{"osp": 0.5, "redis-server": 0.25, "postgrest": 0.125, "postgres": 1},
		},
	}
	page := filepath.Join(t.TempDir(), "performance.md")
	raw, err := os.ReadFile("../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(page, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	writeTable(t, page, f.table())
	got, _ := os.ReadFile(page)
	const want = "by `make bench-supabase` -->\n" + `| | |
|---|---|
| rows/s, 200 a request | 1695 |
| rows/s, one a request | 23 |
| ratio | **74** |
| age of the newest state at 300 tasks/s, p50 / p99 | 206 ms / **456 ms** |
| asked for 1000 tasks/s, over 30 s: tasks/s, rows/s | **999**, 951 |
| … age of the newest state, p50 / p99 | 300 ms / 1500 ms |
| … cores in use | osp 0.50, redis-server 0.25, postgrest 0.12, postgres 1.00 |

go1.2 linux/amd64, 2 cores, PostgreSQL 15, postgrest/12, all on one machine; fsync and synchronous_commit off, Redis without
persistence.
<!-- end of supabase figures -->
`
	if !strings.Contains(string(got), want) {
		t.Errorf("the page has\n%s", got)
	}
}
