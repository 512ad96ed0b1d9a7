#!/usr/bin/env bash
# Lists every test of the pages, for tests.sh.
set -euo pipefail
printf '%s\t\n' ./handlers/ui/... ./internal/uitest/...
