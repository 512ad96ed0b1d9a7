#!/usr/bin/env bash
# Runs some of the tests and ends with one line, NAME: N passed, M failed. The standard input lists them: a package and, after a
# tab, a test of it; or a package alone, for all of its tests.
#
#   internal/tests.sh NAME [arguments of go test]
set -euo pipefail
cd "$(dirname "$0")/.."

name=$1
shift
whole=() some=() names=()
while IFS=$'\t' read -r package test; do
	if [ -n "$test" ]; then
		some+=("$package") names+=("$test")
	else
		whole+=("$package")
	fi
done < <(sort -u)

{
	[ ${#whole[@]} -eq 0 ] || go test -json "$@" "${whole[@]}" || true
	if [ ${#names[@]} -gt 0 ]; then
		go test -json "$@" -run "^($(IFS='|' && echo "${names[*]}"))\$" $(printf '%s\n' "${some[@]}" | sort -u) || true
	fi
} | go run ./internal/tally "$name"
