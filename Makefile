# What people guess. `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: help demo test unit lint fmt generate shapes bench mutants clean

CARGO ?= cargo
# More than cores: what runs in a cluster mostly waits, and some of it for its turn.
TEST_THREADS ?= 6

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## the tour: Security Hub Local, a policy, an exception; no AWS, no cluster
	$(CARGO) run --release --locked -- demo

test: ## all tests; installs what they need into .cache/ the first time
	tests/setup.sh moto controlplane tools
	$(CARGO) test --locked -- --test-threads $(TEST_THREADS)

unit: ## the tests beside the code only
	$(CARGO) test --locked --lib

lint: ## formatting, clippy, documentation and the dependency policy
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --lib
	tests/setup.sh cargo-deny
	.cache/tools/bin/cargo-deny --locked check bans licenses sources

fmt: ## format the code
	$(CARGO) fmt

generate: ## write crds/ and the chart's copy of it anew from src/api
	$(CARGO) run --locked --quiet -- crds --dir crds
	$(CARGO) run --locked --quiet -- crds --dir charts/hubkeeper/files/crds

shapes: ## write the table of a finding's shapes anew from botocore's model
	tests/setup.sh moto
	.cache/venv/bin/python3 tests/it/real/finding_shapes.py > src/wire/finding_shapes.txt

bench: ## the figures of CONTRIBUTING.md
	$(CARGO) bench --locked

mutants: ## seed one bug after the other, and show which tests catch it
	tests/setup.sh moto controlplane tools
	CARGO=$(CARGO) tests/mutants/run.py

clean: ## remove everything that was built or installed
	$(CARGO) clean
	rm -rf .cache
