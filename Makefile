# s3ish. `make` shows what there is.
#
# Everything needs Node 20.15 or later, npm, make and git; `test-clients` installs the rest itself.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

INSTALLED := node_modules/.installed
CONFIG ?= s3ish.toml
# Two at a time: tests start servers of several processes each. Memory that is given back for reuse
# is overwritten, so that a late look at it shows as wrong bytes.
NODE_TEST := S3ISH_POISON_BUFFERS=1 node --test --test-reporter=spec --test-concurrency=2
# Suites that need nothing but npm packages.
SUITES := unit contract operations model consistency crash fault abuse tidy
test_files = $$(find $(1) -name '*.test.js' 2>/dev/null | sort)

.PHONY: help run build install test test-clients check format docs bench bench-list crash fault consistency model mutations fuzz clean

help: ## Show this list
	@echo 's3ish: a durable, S3-compatible object server'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## Install, build and serve on 127.0.0.1:9000 with data in ./s3ish-data
	@exec node dist/main.js serve --config $(CONFIG)

build: install ## Compile the server into dist/
	@npx --no-install tsc -p tsconfig.json
	@npx --no-install tsc -p workers/tsconfig.json
	@chmod +x dist/main.js

install: $(INSTALLED)

$(INSTALLED): package.json package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: build-test build-bench
build-test: build
	@npx --no-install tsc -p test/tsconfig.json

build-bench: build
	@npx --no-install tsc -p bench/tsconfig.json

# Ends with how many behaviours hold, and the totals.
test: NODE_TEST := $(subst =spec,=./build/test/tidy/behaviour-reporter.js,$(NODE_TEST))
test: build-test ## Run every test that needs nothing but npm packages
	@$(NODE_TEST) $(call test_files,$(addprefix build/test/,$(SUITES)))

test-clients: build-test ## Run clients of others, from the AWS CLI to restic, against a live server (installs them as root)
	@bash test/clients/install.sh
	@rm -f build/clients-report
	@status=0; \
	S3ISH_CLIENTS_REPORT=build/clients-report $(NODE_TEST) --test-concurrency=1 $(call test_files,build/test/clients) || status=$$?; \
	echo; cat build/clients-report; exit $$status

check: build-test ## Check format, lint, types and tidiness
	@npx --no-install prettier --check --log-level warn .
	@npx --no-install eslint --max-warnings 0 .
	@$(NODE_TEST) $(call test_files,build/test/tidy)

format: install ## Rewrite the sources in the one format
	@npx --no-install prettier --write --log-level warn .

docs: build-test ## Generate the pages of docs/ that come from tables in the code
	@node build/test/tidy/write-docs.js

bench: build-bench ## Measure servers side by side: throughput, latency, CPU, flushes (ARGS='--only S1')
	@node build/bench/compare.js $(ARGS)

bench-list: build-bench ## Compare list pages of a bucket of 1,000 keys and of 1,000,000
	@node build/bench/list-scale.js $(ARGS)

crash: build-test ## Kill processes, and cut the power, 1,000 times each under load (ROUNDS=n)
	@S3ISH_CRASH_ROUNDS=$(or $(ROUNDS),1000) S3ISH_POWER_CUTS=$(or $(ROUNDS),1000) S3ISH_RELIABILITY=record \
	  S3ISH_KILL_POINTS=all S3ISH_COMPLETE_KILLS=500 S3ISH_COMPLETE_PARTS=10000,1000,10 S3ISH_HANGS=20 \
	  S3ISH_PROCESS_KILLS=1000 S3ISH_RECOVERY_OBJECTS=1000000 S3ISH_RECOVERY_KILLS=10 \
	  S3ISH_CRASH_STATES_DEPTH=3 S3ISH_CRASH_STATES_SAMPLES=100000 \
	  $(NODE_TEST) $(call test_files,build/test/crash)

fault: build-test ## Failing disks, damaged files and abuse in full size, as root
	@S3ISH_FAILING_CALLS=full S3ISH_ABUSE=full S3ISH_FAULT_SWEEP=full S3ISH_RELIABILITY=record \
	  $(NODE_TEST) --test-concurrency=1 $(call test_files,build/test/fault build/test/abuse)

consistency: build-test ## A million operations whose order is checked, and 10,000 races (OPERATIONS=n)
	@S3ISH_LINEAR_OPERATIONS=$(or $(OPERATIONS),1000000) S3ISH_CONSISTENCY_RACES=$(or $(RACES),10000) \
	  S3ISH_CONSISTENCY_TRIES=20000 S3ISH_RELIABILITY=record \
	  $(NODE_TEST) --test-concurrency=1 $(call test_files,build/test/consistency)

model: build-test ## Compare 20,000 random runs with the reference model (RUNS=n)
	@S3ISH_MODEL_RUNS=$(or $(RUNS),20000) S3ISH_RELIABILITY=record \
	  $(NODE_TEST) $(call test_files,build/test/model) build/test/operations/clock.test.js

mutations: build-test ## Take out one safeguard after the other: a test must notice (ONLY=P-03)
	@node build/test/reliability/mutate.js --only '$(ONLY)'

fuzz: build-test ## Fuzz every parser and codec for ten minutes each (SECONDS=n, TARGET=xml-reader)
	@S3ISH_FUZZ_SECONDS=$(or $(SECONDS),600) $(NODE_TEST) \
	  $$(find build/test/unit -name '$(or $(TARGET),*).fuzz.test.js' | sort)

clean: ## Remove what was built and installed, never data
	rm -rf dist build node_modules
