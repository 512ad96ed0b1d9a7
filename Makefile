# The two that do all the set-up: `make run` and `make test`. `make help` lists the rest.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

CACHE         := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/osp
GOLANGCI      := v2.15.0
LINTER        := $(CACHE)/golangci-lint-$(GOLANGCI)/golangci-lint
CLIENT        := clients/typescript
TAGS          := nomsgpack
PACKAGES      ?= ./...

.PHONY: help run build test test-env test-supabase test-ui test-workflows test-long race deploy-test lint fmt \
        bench bench-long bench-others bench-go bench-supabase fuzz crashpoints chaos docs ci-long image-test release clean measure

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## start `osp dev`: everything in one process, nothing to install
	@bin/osp dev

build: ## build bin/osp, a static binary
	@[ -x bin/osp ] || echo 'building osp: a few minutes the first time …'
	@CGO_ENABLED=0 internal/build.sh build -o bin/osp ./cmd/osp

test-env: ## install what the tests need: redis-server, PostgreSQL, PostgREST, Node, Chromium, a C compiler for -race
	@internal/testenv/install.sh

test: test-env ## run all tests with -race against real servers on free ports
	@CGO_ENABLED=1 internal/test.sh -race -tags $(TAGS) -timeout 20m $(PACKAGES)

test-supabase: test-env ## run only the tests that need PostgreSQL with PostgREST, and count them
	@internal/supabase.sh | CGO_ENABLED=1 internal/tests.sh supabase -race -tags $(TAGS) -timeout 20m

test-ui: test-env ## run only the tests of the pages, in a browser, and count them; pictures go to build/ui-screenshots
	@internal/ui.sh | CGO_ENABLED=1 internal/tests.sh ui -race -tags $(TAGS) -timeout 20m

test-workflows: test-env ## run only the tests of workflows that are data, and count them
	@internal/workflows.sh | CGO_ENABLED=1 internal/tests.sh workflows -race -tags $(TAGS) -timeout 20m

test-long: test-env ## run the tests of the result store that take minutes: outages of 1 and 5
	@CGO_ENABLED=0 go test -tags $(TAGS),long -timeout 20m -v -run '^TestTheStoreIsAwayFor' ./results

deploy-test: test-env ## check every manifest in deploy by its platform's own parser, types or keys
	@command -v systemd-analyze >/dev/null || { apt-get update -qq && apt-get install -y -qq systemd; } >/dev/null
	@CGO_ENABLED=0 go test -tags $(TAGS) ./deploy
	@cd deploy/check && go test -timeout 20m ./...

lint: $(LINTER) $(CLIENT)/node_modules/.package-lock.json ## run the linters, and TypeScript's compiler over its client and the pages
	@$(LINTER) run --allow-parallel-runners --build-tags $(TAGS),long,image $(PACKAGES)
	@cd $(CLIENT) && PATH="$(CACHE)/node:$$PATH" npm run --silent check && npx tsc -p ../../handlers/ui

$(CLIENT)/node_modules/.package-lock.json: $(CLIENT)/package-lock.json
	@command -v npm >/dev/null || $(MAKE) test-env
	@cd $(CLIENT) && PATH="$(CACHE)/node:$$PATH" npm ci --silent --ignore-scripts --no-audit --no-fund

$(LINTER):
	@echo 'building golangci-lint $(GOLANGCI) once (a few minutes) …'
	@mkdir -p $(@D)
	@GOFLAGS= GOBIN=$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI)

fmt: $(LINTER) ## format the code
	@$(LINTER) fmt ./...

bench: ## measure the engine beside raw asynq (8 minutes); writes bench/results.json and the tables in docs/performance.md
	@internal/testenv/install.sh
	@CGO_ENABLED=0 internal/build.sh run ./bench -out bench/results.json -docs docs/performance.md $(BENCH)

bench-long: ## measure beside 1,000,000 waiting tasks, and longer (half an hour); writes bench/long.json
	@internal/testenv/install.sh
	@CGO_ENABLED=0 internal/build.sh run ./bench -out bench/long.json -docs docs/performance.md -only waiting,pending,long,processes \
		-waiting 1000000 -tasks 20000 -rounds 5 $(BENCH)

bench-others: test-env bench/others/node_modules/.package-lock.json ## measure BullMQ beside raw asynq; writes bench/others.json
	@PATH="$(CACHE)/node:$$PATH" CGO_ENABLED=0 internal/build.sh run ./bench -out bench/others.json -docs docs/performance.md -only others $(BENCH)

bench/others/node_modules/.package-lock.json: bench/others/package-lock.json
	@cd bench/others && PATH="$(CACHE)/node:$$PATH" npm ci --silent --ignore-scripts --no-audit --no-fund

bench-go: ## run the benchmarks of single functions COUNT times (default 6), for benchstat
	@go test -tags $(TAGS) -run '^$$' -bench '^Benchmark(Fold|Decide|Encode|Decode|Walk|Batch)$$' -count $(or $(COUNT),6) ./saga ./journal

bench-supabase: test-env ## measure how rows get to Supabase; writes bench/supabase.json
	@CGO_ENABLED=0 go test -tags $(TAGS),long -count 1 -v -run '^TestMeasure' ./results -out ../bench/supabase.json

measure: test-env ## measure take-over, stampedes, restarts, and what FINISHED tasks (default 1000000) leave in Redis
	@CGO_ENABLED=0 go test -tags $(TAGS),long -timeout 10m -count 1 -v -run '^TestMeasure' ./cmd/osp
	@CGO_ENABLED=0 go test -tags $(TAGS),long -timeout 3h -count 1 -v -run '^TestMeasure' ./tasks -finished $(or $(FINISHED),1000000)

fuzz: ## fuzz everything that parses, FUZZTIME each (default 20s)
	@internal/fuzz.sh $(or $(FUZZTIME),20s)

crashpoints: ## crash at every point, one at a time and in pairs; writes the table in docs/guarantees.md
	@go test -tags $(TAGS) -timeout 60m -run '^TestCrashPoints$$' ./internal/crashpoints -all
	@sed -n '/^| workflow/,/^crash points:/{/^```/d;p}' docs/guarantees.md

chaos: build test-env ## kill, stop and cut off everything for DURATION (default 2m) by SEED (default any), and check what is left
	@CGO_ENABLED=0 go run -tags $(TAGS) ./internal/chaos -osp bin/osp -duration $(or $(DURATION),2m) -seed $(or $(SEED),0) -only '$(ONLY)'

docs: ## write the generated parts of the docs anew
	@go generate ./...

image-test: test-env ## build the image with a real container engine, offline, and run it as strict platforms do
	@internal/imagetest/engine.sh go test -tags $(TAGS),image -count 1 -v ./internal/imagetest

release: ## make all that a release consists of, in dist/
	@internal/release.sh

ci-long: ## what takes longer than ten minutes: fuzzing, all crash points, large models, long outages, measurements, the benchmarks
	@$(MAKE) fuzz FUZZTIME=60s
	@$(MAKE) crashpoints
	@go test -tags $(TAGS) ./internal/model -all
	@$(MAKE) test-long
	@$(MAKE) measure FINISHED=100000
	@$(MAKE) bench bench-supabase

clean: ## remove what was built
	@rm -rf bin build dist
