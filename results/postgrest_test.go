package results_test

import (
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/results/resultstest"
)

func postgREST(t *testing.T, key string) *results.PostgREST {
	t.Helper()
	s := testenv.Supabase(t)
	if key == "" {
		key = s.ServiceKey
	}
	p, err := results.NewPostgREST(results.Supabase{URL: s.URL, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func TestPostgREST(t *testing.T) {
	resultstest.Run(t, func(t *testing.T) results.Store { return postgREST(t, "") })
}
