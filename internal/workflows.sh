#!/usr/bin/env bash
# Lists every test of workflows that are data, for tests.sh: all of some packages, and elsewhere those in files that are called
# after them.
set -euo pipefail
cd "$(dirname "$0")/.."

printf '%s\t\n' ./tasks/definition/... ./tasks/activities/... ./tasks/smtp/...
find . -name '*workflow*_test.go' -o -name '*definition*_test.go' -o -name '*execution*_test.go' -o -name '*human*_test.go' \
	-o -name 'client_test.go' -o -name '*trigger*_test.go' -o -name '*schedule*_test.go' -o -name '*hook*_test.go' |
	grep -vE '^\./(tasks/(definition|activities|smtp)|internal)/' | xargs awk '
	/^func Test/ {
		package = FILENAME; sub(/\/[^\/]*$/, "", package)
		name = $2; sub(/[\[(].*/, "", name)
		if (name != "TestMain") print package "\t" name
	}'
