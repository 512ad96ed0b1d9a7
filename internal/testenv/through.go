package testenv

import "testing"

// SupabaseThrough is [SupabaseAfter] with something between PostgREST and PostgreSQL: through is given PostgreSQL's host and
// port, and returns those that PostgREST is to use.
func SupabaseThrough(t testing.TB, script string, through func(address string) string) *SupabaseServer {
	t.Helper()
	s, err := startSupabase(script, through)
	must(t, s, err)
	t.Cleanup(s.close)
	return s
}

// direct leads to PostgreSQL itself.
func direct(address string) string { return address }
