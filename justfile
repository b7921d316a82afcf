# The menu. Every recipe is a few plain commands, so nothing needs `just`.

# What there is
list:
    @just --list

# Formatting and lints
check:
    cargo fmt --all --check
    cargo clippy --all-targets -- -D warnings

# All tests
test:
    cargo test

# One scenario: its story, and every verdict checked
run FILE *ARGS:
    cargo run --release -- run {{FILE}} {{ARGS}}

# Every scenario, every verdict
all:
    cargo run --release -- run scenarios

# The table of eras of a scenario
eras FILE:
    cargo run --release -- eras {{FILE}}

# Accept new stories; then read the diff
bless:
    TRIAL_BLESS=1 cargo test --test scenarios
    git diff --stat snapshots

# A scenario to begin with
new NAME:
    cargo run --release -- new {{NAME}}

# The schema of scenario files
schema:
    cargo run --release -- schema

# Benchmarks
bench:
    cargo bench

# Documentation
doc:
    cargo doc --no-deps --open

# What CI runs
ci:
    .ci/run
