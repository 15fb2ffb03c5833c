# Everything a person types. `make demo` and `make test` share one build: same profile, features and folder.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Where cargo builds, and where tools that the machine lacks are kept.
TARGET := $(or $(CARGO_TARGET_DIR),target)
TOOLS := $(or $(ANDON_TOOLS),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/andon-tools)
export PATH := $(TOOLS)/bin:$(PATH)

# Property tests make the same cases each time, so that what fails has come with the change. SEED=$RANDOM makes others.
SEED ?= 1
export PROPTEST_RNG_SEED := $(SEED)

# `--examples` builds no example, since there is none; it makes cargo choose the features that the tests
# choose, so that what `make demo` has compiled is not compiled again for `make test`.
BUILD := cargo build --workspace --bins --examples --locked

.PHONY: help demo build test lint fmt bench install setup

help:
	@echo "make demo      build, then play the scenarios against the SAP simulator  (ARGS='--once')"
	@echo "make test      every test                         (ARGS='-p andon-act', SEED=\$$RANDOM)"
	@echo "make lint      formatting, clippy, documentation, licences and bans"
	@echo "make bench     measure a release build, beside mosquitto and DuckDB too; a fault storm, kills, a full disk  (ARGS=…)"
	@echo "make install   install andon for this user"
	@echo "make fmt       format the code"
	@echo "make setup     install what the above need and this machine lacks"

setup:
	@.ci/setup build test "$(TOOLS)"

build:
	@.ci/setup build "$(TOOLS)"
	@$(BUILD)

demo: build
	@$(TARGET)/debug/andon demo $(ARGS)

test:
	@.ci/setup build test "$(TOOLS)"
	@$(BUILD)
	cargo test --doc --workspace --locked --quiet
	ANDON_TOOLS="$(abspath $(TOOLS))" cargo nextest run --workspace --locked $(ARGS)

lint:
	@.ci/setup build lint "$(TOOLS)"
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --document-private-items --locked --quiet
	cargo deny --locked check bans licenses sources
	@.ci/advisories

fmt:
	cargo fmt --all

bench:
	@.ci/setup build bench "$(TOOLS)"
	cargo build --release --workspace --bins --example lake_rate --locked
	$(TARGET)/release/bench $(ARGS)
	$(TARGET)/release/bench mqtt
	ANDON_TOOLS="$(abspath $(TOOLS))" $(TARGET)/release/bench lake
	ANDON_TOOLS="$(abspath $(TOOLS))" $(TARGET)/release/bench lake-kept
	ANDON_TOOLS="$(abspath $(TOOLS))" $(TARGET)/release/bench dashboard
	$(TARGET)/release/bench pipeline
	$(TARGET)/release/bench fan-out
	$(TARGET)/release/bench slow
	$(TARGET)/release/bench slow-disk
	ANDON_STORM_EVENTS=10000 cargo nextest run --workspace --locked --no-capture -E 'test(/^fault_storm::/)'
	ANDON_CROWD=1000 ANDON_ATTEMPTS=15 cargo nextest run --workspace --locked --no-capture -E 'binary(door) & test(/^(crowd|strangers)::/)'
	ANDON_KEPT_ROUNDS=200 cargo nextest run --workspace --locked --no-capture -E 'binary(kept)'

install:
	@.ci/setup build "$(TOOLS)"
	cargo install --path crates/andon --locked
