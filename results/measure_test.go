//go:build long

package results_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

var out = flag.String("out", "", "file for the figures of TestMeasure")

// TestMeasure needs a machine that has nothing else to do: `make bench-supabase`.
func TestMeasure(t *testing.T) {
	f := figures{Rate: 300, Rounds: 5, Load: load{Asked: 1000, Seconds: 30}, Go: fmt.Sprintf("%s %s/%s, %d cores", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())}
	var bulk, single, ratio, p50, p99 []float64
	for i := range f.Rounds {
		b, s := rowsPerS(t, 200, i), rowsPerS(t, 1, i)
		bulk, single, ratio = append(bulk, b), append(single, s), append(ratio, b/s)
		t.Logf("round %d: %.0f rows/s by 200, %.0f one by one, %.1f times as many", i+1, b, s, b/s)
	}
	plant := newPlant(t)
	plant.load(f.Rate, time.Second)
	for range f.Rounds {
		half, most := plant.fresh(f.Rate)
		p50, p99 = append(p50, half), append(p99, most)
		t.Logf("at %d tasks/s the newest state is in the table after %.0f ms (p50), %.0f ms (p99)", f.Rate, half, most)
	}
	plant.sustain(&f.Load)
	f.BulkPerS, f.SinglePerS, f.Ratio, f.FreshP50, f.FreshP99 = middle(bulk), middle(single), middle(ratio), middle(p50), middle(p99)
	f.Database, f.REST = versionsOf(t)
	if f.Ratio < 10 {
		t.Errorf("batches are only %.1f times as fast as single rows", f.Ratio)
	}
	if f.FreshP99 > 1000 {
		t.Errorf("1 %% of the rows are later than %.0f ms", f.FreshP99)
	}
	raw, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", raw)
	if *out != "" && !t.Failed() {
		if err := os.WriteFile(*out, append(raw, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		writeTable(t, "../docs/performance.md", f.table())
	}
}

// rowsPerS saves batches of so many rows for two seconds, from one goroutine.
func rowsPerS(t *testing.T, rows, round int) float64 {
	t.Helper()
	p := postgREST(t, "")
	written, begun := 0, time.Now()
	for ; time.Since(begun) < 2*time.Second; written += rows {
		tasks := make([]saga.Task, rows)
		for i := range tasks {
			tasks[i] = row(fmt.Sprintf("rows-%d-%d-%d", rows, round, written+i), crowd)
		}
		if _, err := p.Save(t.Context(), results.Rows(tasks...)); err != nil {
			t.Fatal(err)
		}
	}
	return float64(written) / time.Since(begun).Seconds()
}

// fresh runs tasks for five seconds, and returns how old the rows were.
func (p *plant) fresh(perSecond int) (p50, p99 float64) {
	p.Helper()
	before := p.started
	p.load(perSecond, 5*time.Second)
	p.eventually(20*time.Second, "all rows are written", func() bool { return p.rows() == p.started })
	return p.age(p.started - before)
}

// age is how long after an append the row was there, in milliseconds, of so many tasks that were started last. A version is
// the moment of the append; both clocks are this machine's. The commit comes some milliseconds after updated_at.
func (p *plant) age(tasks int) (p50, p99 float64) {
	p.Helper()
	p.scan(fmt.Sprintf(`
		select percentile_disc(0.5) within group (order by lag), percentile_disc(0.99) within group (order by lag)
		from (select extract(epoch from updated_at) * 1000 - version / 1000.0 as lag from public.workflow_executions
			where execution_id like $1 order by execution_id desc limit %d) l`, tasks), &p50, &p99)
	return p50, p99
}

func middle(list []float64) float64 {
	return float64(int(slices.Sorted(slices.Values(list))[len(list)/2]*10)) / 10
}

// versionsOf tells what was measured.
func versionsOf(t *testing.T) (database, rest string) {
	t.Helper()
	s := testenv.Supabase(t)
	if err := s.DB(t).QueryRow(t.Context(), `select 'PostgreSQL ' || current_setting('server_version')`).Scan(&database); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, s.URL+"/rest/v1/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return database, resp.Header.Get("Server")
}
