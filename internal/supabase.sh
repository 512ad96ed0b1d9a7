#!/usr/bin/env bash
# Lists every test that needs PostgreSQL with PostgREST, for tests.sh. Elsewhere than in results/ and internal/testenv/ these are
# the tests in which testenv.Supabase is called; a package in which a helper calls it is taken as a whole.
set -euo pipefail
cd "$(dirname "$0")/.."

printf '%s\t\n' ./results/... ./internal/testenv/...
find . -name '*_test.go' -not -path './results/*' -not -path './internal/testenv/*' -print0 | xargs -0 awk '
	/^func /               { name = $2; if (name ~ /^\(/) name = $4; sub(/[\[(].*/, "", name) }
	/testenv\.Supabase\(/  {
		package = FILENAME; sub(/\/[^\/]*$/, "", package)
		print package "\t" (name ~ /^Test/ ? name : "")
	}'
