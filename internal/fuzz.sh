#!/usr/bin/env bash
# Runs every fuzz target of the repository in turn, each for the time given, and stops at the first that fails.
#   internal/fuzz.sh 20s
set -euo pipefail
time=${1:?usage: internal/fuzz.sh TIME, such as 20s or 1000x}
cd "$(dirname "$0")/.."

targets=$(grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*\(f \*testing\.F\)' . | sed -E 's/^(.*)\/[^/]+:func (Fuzz[A-Za-z0-9_]*)\(.*/\1 \2/' | sort -u)
if [ -z "$targets" ]; then
	echo 'internal/fuzz.sh: there is no fuzz target' >&2
	exit 1
fi
while read -r package target; do
	echo "== $package $target"
	go test -tags nomsgpack -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package" </dev/null
done <<<"$targets"
