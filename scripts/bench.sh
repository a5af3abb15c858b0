#!/usr/bin/env bash
# Measures the figures with release builds, in about a quarter of an hour. scripts/bench.sh start now … measures some.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "building ..."
cargo build --release --quiet -p loa-agent -p loa-controller -p loa-tests --bins
cargo build --release --quiet -p loa-audio --example decode
exec target/release/bench "${@:-all}"
