#!/usr/bin/env bash
# Every test, and one closing line that counts them.
#
# Three lanes beside each other: what starts real processes and measures real time, one test after the other, then what
# starts them and only waits for states, and the browser; what waits more than it works; and what only computes, which
# gives way to the others.
set -uo pipefail
cd "$(dirname "$0")/.."
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

quiet() { grep --line-buffered -vE '^(test .* \.\.\. ok|running [0-9]+ tests?|test result: ok\. 0 passed.*|\.*)?$'; }

# One selection of packages for building and running: another one would unify features anew and build the broker again.
workspace=(--workspace --no-fail-fast --quiet)
# The app's tests run while it is built: a large crate leaves a processor to spare.
(cd controller/web && npm run --silent test) >"$logs/app" 2>&1 & app_lane=$!
cargo test "${workspace[@]}" --no-run || { kill "$app_lane"; exit 1; }

timed=(office pulse ear wav_output)
computed=(--lib --bins)
for file in */tests/*.rs */tests/*/main.rs; do
  name=${file#*/tests/}; name=${name%/main.rs}; name=${name%.rs}
  [[ " ${timed[*]} process browser watch " == *" $name "* ]] || computed+=(--test "$name")
done

# $1 of them at a time, of the programs and with the filters that follow.
real() { local threads=$1; shift; "${first[@]}" cargo test "${workspace[@]}" "$@" --test-threads="$threads"; }
nice -n -5 true 2>/dev/null && first=(nice -n -5) || first=()
in_turn() {
  local failed=0
  real 1 "${timed[@]/#/--test=}" -- || failed=1
  real 1 --test process -- timed:: || failed=1
  real 2 --test process -- --skip timed:: || failed=1
  real 2 --test browser -- || failed=1
  return $failed
}
beside() { nice -n 10 cargo test "${workspace[@]}" "${computed[@]}"; }

in_turn >"$logs/in_turn" 2>&1 & timed_lane=$!
cargo test "${workspace[@]}" --test watch >"$logs/patient" 2>&1 & patient_lane=$!
beside 2>&1 | tee "$logs/beside" | quiet
computed_status=${PIPESTATUS[0]}
wait "$app_lane"; app_status=$?
quiet <"$logs/app"
wait "$patient_lane"; patient_status=$?
quiet <"$logs/patient"
wait "$timed_lane"; timed_status=$?
quiet <"$logs/in_turn"

# cargo's lines say "N passed; N failed;", the app's tests "Tests  N failed | N passed (N)".
lines() { cat "$logs"/* | sed 's/\x1b\[[0-9;]*m//g' | grep -E '^test result: |^ +Tests '; }
sum() { lines | grep -oE "[0-9]+ $1" | awk '{n+=$1} END {print n+0}'; }
passed=$(sum passed)
failed=$(sum failed)
echo
echo "$passed passed, $failed failed"
[ $((computed_status + app_status + patient_status + timed_status)) -eq 0 ]
