package results_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// BenchmarkSave compares batches with one row per request, on the real PostgREST.
func BenchmarkSave(b *testing.B) {
	s := testenv.Supabase(b)
	p, err := results.NewPostgREST(results.Supabase{URL: s.URL, Key: s.ServiceKey})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = p.Close() })
	for _, rows := range []int{1, 200} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			tasks := make([]saga.Task, rows)
			version := int64(0)
			for b.Loop() {
				version++
				for i := range tasks {
					tasks[i] = row(fmt.Sprintf("bench-%d-%d", rows, i), ann)
					tasks[i].Version = time.Now().UnixMicro() + version
				}
				if _, err := p.Save(b.Context(), tasks); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
