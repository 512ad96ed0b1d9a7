#!/usr/bin/env bash
# Runs every test that needs PostgreSQL with PostgREST, and ends with one line: supabase: N passed, M failed.
# Elsewhere than in results/ and internal/testenv/ these are the tests in which testenv.Supabase is called; a package in
# which a helper calls it is run as a whole. Arguments are passed on to go test.
set -euo pipefail
cd "$(dirname "$0")/.."

whole=(./results/... ./internal/testenv/...)
some=() names=()
while IFS=$'\t' read -r package name; do
	case $name in
	Test*) some+=("$package") names+=("$name") ;;
	*) whole+=("$package") ;;
	esac
done < <(find . -name '*_test.go' -not -path './results/*' -not -path './internal/testenv/*' -print0 | xargs -0 awk '
	/^func /               { name = $2; if (name ~ /^\(/) name = $4; sub(/[\[(].*/, "", name) }
	/testenv\.Supabase\(/  { package = FILENAME; sub(/\/[^\/]*$/, "", package); print package "\t" name }' | sort -u)

{
	go test -json "$@" "${whole[@]}" || true
	if [ ${#names[@]} -gt 0 ]; then
		go test -json "$@" -run "^($(IFS='|' && echo "${names[*]}"))\$" $(printf '%s\n' "${some[@]}" | sort -u) || true
	fi
} | go run ./internal/tally supabase
