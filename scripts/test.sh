#!/usr/bin/env bash
# Every test, and one closing line that counts them.
set -uo pipefail
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0

run() { "$@" 2>&1 | tee -a "$log" | grep --line-buffered -vE '^(test .* \.\.\. ok|running [0-9]+ tests?|test result: ok\. 0 passed.*)?$'; local s=${PIPESTATUS[0]}; [ "$s" -eq 0 ] || status=$s; }

# One selection of packages for building and running: another one would unify features anew and build the broker again.
# One test at a time: real processes and real time measure something, and it must not be their neighbour.
run cargo test --workspace --no-fail-fast --quiet -- --test-threads=1

passed=$(grep -oE '^test result: .* [0-9]+ passed' "$log" | grep -oE '[0-9]+ passed' | awk '{n+=$1} END {print n+0}')
failed=$(grep -oE '[0-9]+ passed; [0-9]+ failed' "$log" | awk '{n+=$3} END {print n+0}')
echo
echo "$passed passed, $failed failed"
exit "$status"
