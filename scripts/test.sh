#!/usr/bin/env bash
# Every test, and one closing line that counts them.
#
# Two lanes beside each other: what starts real processes and measures real time, one test after the other; and what only
# computes, which gives way to it, with the browser at its end.
set -uo pipefail
cd "$(dirname "$0")/.."
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

quiet() { grep --line-buffered -vE '^(test .* \.\.\. ok|running [0-9]+ tests?|test result: ok\. 0 passed.*|\.*)?$'; }

# One selection of packages for building and running: another one would unify features anew and build the broker again.
workspace=(--workspace --no-fail-fast --quiet)
cargo test "${workspace[@]}" --no-run || exit 1

timed=(--test process --test office --test pulse --test ear --test wav_output)
browser=(--test browser)
computed=(--lib --bins)
for file in */tests/*.rs */tests/*/main.rs; do
  name=${file#*/tests/}; name=${name%/main.rs}; name=${name%.rs}
  [[ " ${timed[*]} ${browser[*]} " == *" $name "* ]] || computed+=(--test "$name")
done

in_turn() { nice -n -5 true 2>/dev/null && first=(nice -n -5) || first=(); "${first[@]}" cargo test "${workspace[@]}" "${timed[@]}" -- --test-threads=1; }
beside() {
  local failed=0
  (cd controller/web && npm run --silent test) || failed=1
  nice -n 10 cargo test "${workspace[@]}" "${computed[@]}" || failed=1
  nice -n 10 cargo test "${workspace[@]}" --doc || failed=1
  cargo test "${workspace[@]}" "${browser[@]}" -- --test-threads=1 || failed=1
  return $failed
}

in_turn >"$logs/in_turn" 2>&1 & timed_lane=$!
beside 2>&1 | tee "$logs/beside" | quiet
computed_status=${PIPESTATUS[0]}
wait "$timed_lane"; timed_status=$?
quiet <"$logs/in_turn"

# cargo's lines say "N passed; N failed;", the app's tests "Tests  N failed | N passed (N)".
lines() { cat "$logs"/* | sed 's/\x1b\[[0-9;]*m//g' | grep -E '^test result: |^ +Tests '; }
sum() { lines | grep -oE "[0-9]+ $1" | awk '{n+=$1} END {print n+0}'; }
passed=$(sum passed)
failed=$(sum failed)
echo
echo "$passed passed, $failed failed"
[ "$computed_status" -eq 0 ] && [ "$timed_status" -eq 0 ]
