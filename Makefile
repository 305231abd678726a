# Two commands do everything on a fresh Debian 12 machine: `make demo` and `make test`.

SHARED ?= ../shared
SECONDS_PER_TARGET ?= 30

.PHONY: help demo test test-all build conformance bench bench-components bench-peers bench-report guard \
	guard-accept fuzz docs dependencies clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 24

demo: dependencies ## Capture live traffic of real clients and servers, and show the logs
	@scripts/demo

test: dependencies ## Check format and lints, run unit, property and integration tests
	@scripts/test

test-all: test ## As test, and what takes longer: fuzzing, conformance on every capture
	@scripts/conformance
	@scripts/fuzz $(SECONDS_PER_TARGET)

build: dependencies ## Build the release binaries
	cargo build --release --workspace

conformance: ## Compare the logs with those of the reference, field by field (needs SHARED)
	@SHARED=$(SHARED) scripts/conformance

bench: ## Packets per CPU-second, beside a loop that only touches every header
	@SHARED=$(SHARED) scripts/bench

bench-components: ## What stages of the packet path, tables, new flows, records and workers cost
	@SHARED=$(SHARED) scripts/bench-components

bench-peers: ## The same captures through Suricata, Zeek and tshark, in turn with the sensor
	@SHARED=$(SHARED) scripts/bench-peers

bench-report: ## Write docs/performance.md and its plots from the results; runs what has none
	@SHARED=$(SHARED) scripts/bench-report

guard: ## Fail when a packet takes over 5 % more instructions than were accepted
	@scripts/guard

guard-accept: ## Accept the instructions that a packet takes
	@scripts/guard --accept

fuzz: ## Fuzz every parser for SECONDS_PER_TARGET seconds each
	@SHARED=$(SHARED) scripts/fuzz $(SECONDS_PER_TARGET)

docs: ## Write the generated pages of docs/reference again
	@scripts/docs

dependencies: ## Install the Debian packages that the build needs
	@scripts/dependencies

clean: ## Remove everything that was built
	cargo clean
