#!/usr/bin/env bash
# Runs go test and, when it fails, ends with what failed: the output of one test can be longer than what a CI keeps.
#
#   internal/test.sh [arguments of go test]
set -euo pipefail
cd "$(dirname "$0")/.."

printed=$(mktemp)
trap 'rm -f "$printed"' EXIT
go test "$@" 2>&1 | tee "$printed" && exit
code=$?
printf '\nWhat failed:\n'
grep -E '^ *--- FAIL|^FAIL|^panic: |DATA RACE|^# |^ +[a-z_]+_test\.go:[0-9]+: ' "$printed" | cut -c -400 | tail -n 100
exit $code
