# Two commands do everything: `make demo` shows the product, `make test` checks everything.

# One target folder outside the checkout, so that a fresh clone rebuilds only our own crates.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/castellan/target
# Incremental state is larger than the artifacts themselves, and a clean clone never uses it.
export CARGO_INCREMENTAL ?= 0
CARGO ?= cargo
CASTELLAN = $(CARGO_TARGET_DIR)/release/castellan
DEMO = examples/harbour-mutual
OUT ?= target/demo

.PHONY: help demo demo-scan build test fmt lint tidy generate docs-check bench fuzz clean-demo

help: ## Show this list.
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build the release binary.
	$(CARGO) build --release --locked --package castellan-cli
	@echo "built $(CASTELLAN)"

demo: build ## Show everything: an example estate, a week of events with attacks, a gate with live traffic, the console.
	MIMALLOC_PURGE_DELAY=0 $(CASTELLAN) up --demo

demo-scan: build ## Scan the bundled example estate and write its reports to target/demo.
	@mkdir -p $(OUT)
	$(CASTELLAN) scan $(DEMO) --format terminal --exemptions $(DEMO)/exemptions.yaml \
	  --report html=$(OUT)/report.html --report sarif=$(OUT)/report.sarif --report json=$(OUT)/report.json \
	  --fix-out $(OUT)/fixes
	$(CASTELLAN) bom $(DEMO) --format cyclonedx --output $(OUT)/bom.cdx.json
	@echo
	@echo "open $(OUT)/report.html"

# `tidy` runs as one of the tests: alone, `cargo xtask tidy` would build every library again with fewer features.
test: ## Formatting, lints, tidy, documentation and all tests.
	@tools/prepare
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked --quiet
	$(CARGO) test --workspace --locked --no-fail-fast

lint: ## Formatting and lints alone.
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

generate: ## Rewrite the documentation that is derived from code.
	$(CARGO) xtask generate

bench: ## Run the benchmarks behind docs/performance.md.
	$(CARGO) bench --package castellan-policy --package castellan-arm --package castellan-posture --locked

fuzz: ## Fuzz every reader for a minute each (needs nightly and cargo-fuzz).
	@for target in $$(cd fuzz && cargo +nightly fuzz list); do \
	  (cd fuzz && cargo +nightly fuzz run $$target -- -max_total_time=60) || exit 1; done

clean-demo: ## Remove what the demo wrote.
	rm -rf $(OUT)
