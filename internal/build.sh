#!/bin/sh
# Runs `go build` or `go run` with the flags that osp is built with, here, in the image and in a release alike:
#
#   internal/build.sh build -o bin/osp ./cmd/osp
#
# VERSION, COMMIT and DATE are what `osp version` tells; by default git is asked. DATE is the commit's, not the clock's, and
# no path, build id or state of the working tree gets in: the same source makes the same bytes.
set -eu

version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo dev)}
commit=${COMMIT:-$(git rev-parse HEAD 2>/dev/null || true)}
date=${DATE:-$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null || true)}

# Asynqmon's templates keep the linker from dropping unused methods, and go-redis has thousands. Without inlining in code
# that is never hot here the binary is 3.7 MB smaller; the benchmark is built the same way.
not_hot='code.dny.dev github.com/alicebob github.com/antlr4-go github.com/clipperhouse github.com/dustin github.com/gabriel-vasile github.com/go-playground
	github.com/goccy github.com/hibiken/asynqmon github.com/jackc github.com/leodido github.com/pelletier
	github.com/quic-go github.com/redis github.com/santhosh-tekuri github.com/spf13 github.com/yuin
	go.mongodb.org go.yaml.in golang.org/x google.golang.org'

command=$1
shift
for module in $not_hot; do
	set -- "-gcflags=$module/...=-l" "$@"
done
exec go "$command" -trimpath -buildvcs=false -tags nomsgpack \
	-ldflags "-s -w -buildid= -X main.version=$version -X main.commit=$commit -X main.date=$date" "$@"
