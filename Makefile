# The two that do all the set-up: `make run` and `make test`. `make help` lists the rest.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

CACHE         := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/osp
GOLANGCI      := v2.15.0
LINTER        := $(CACHE)/golangci-lint-$(GOLANGCI)/golangci-lint
TAGS          := nomsgpack
VERSION       ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS       := -s -w -X main.version=$(VERSION)
# Asynqmon's templates keep the linker from dropping unused methods, and go-redis has thousands. Without inlining in code
# that is never hot here the binary is 3.7 MB smaller; the benchmark is built the same way.
NOT_HOT       := code.dny.dev github.com/alicebob github.com/dustin github.com/gabriel-vasile github.com/go-playground \
                 github.com/goccy github.com/hibiken/asynqmon github.com/jackc github.com/leodido github.com/pelletier \
                 github.com/quic-go github.com/redis github.com/santhosh-tekuri github.com/spf13 github.com/yuin \
                 go.mongodb.org golang.org/x google.golang.org
GOFLAGS_BUILD := -trimpath -tags $(TAGS) -ldflags '$(LDFLAGS)' $(foreach p,$(NOT_HOT),-gcflags=$(p)/...=-l)
PACKAGES      ?= ./...

.PHONY: help run build test test-env test-supabase race lint fmt bench fuzz docs ci-long clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## start `osp dev`: everything in one process, nothing to install
	@bin/osp dev

build: ## build bin/osp, a static binary
	@[ -x bin/osp ] || echo 'building osp: a few minutes the first time …'
	@CGO_ENABLED=0 go build $(GOFLAGS_BUILD) -o bin/osp ./cmd/osp

test-env: ## install what the tests need: redis-server, PostgreSQL, PostgREST, a C compiler for -race
	@internal/testenv/install.sh

test: test-env ## run all tests with -race against real servers on free ports
	@CGO_ENABLED=1 go test -race -tags $(TAGS) -timeout 9m $(PACKAGES)

test-supabase: test-env ## run the tests of the result store against PostgreSQL with PostgREST
	@CGO_ENABLED=1 go test -race -tags $(TAGS) -timeout 9m ./results/... ./internal/testenv/...

lint: $(LINTER) ## run the linters
	@$(LINTER) run --build-tags $(TAGS) $(PACKAGES)

$(LINTER):
	@echo 'building golangci-lint $(GOLANGCI) once (a few minutes) …'
	@mkdir -p $(@D)
	@GOFLAGS= GOBIN=$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI)

fmt: $(LINTER) ## format the code
	@$(LINTER) fmt ./...

bench: ## measure the engine beside raw asynq; writes bench/results.json
	@internal/testenv/install.sh
	@CGO_ENABLED=0 go run $(GOFLAGS_BUILD) ./bench -out bench/results.json

fuzz: ## fuzz everything that parses, FUZZTIME each (default 20s)
	@internal/fuzz.sh $(or $(FUZZTIME),20s)

docs: ## write the generated parts of the docs anew
	@go generate ./...

ci-long: ## what takes longer than ten minutes: long fuzzing and the benchmark
	@$(MAKE) fuzz FUZZTIME=60s
	@$(MAKE) bench

clean: ## remove what was built
	@rm -rf bin dist
