#!/usr/bin/env bash
# Format, lints, documentation, licences and advisories. What CI demands before any test.
set -euo pipefail
cd "$(dirname "$0")/.."

deny_version=0.20.2
if ! command -v cargo-deny >/dev/null; then
  echo "installing cargo-deny $deny_version (a minute or two, once)"
  # It reads some files: what a quick build gives is quick enough.
  CARGO_PROFILE_DEV_DEBUG=0 cargo install cargo-deny --version "$deny_version" --locked --quiet --debug
fi
# Only this needs a network, and may wait a minute for one that is not there.
timeout 60 cargo deny fetch db >/dev/null 2>&1 & advisories=$!

# The app's is done while cargo has a processor to spare.
told=$(mktemp)
trap 'rm -f "$told"' EXIT
(cd controller/web && npm run --silent check && node --check e2e/lib.mjs) >"$told" 2>&1 & app=$!

echo "== format"; cargo fmt --all --check
echo "== clippy"; cargo clippy --workspace --all-targets --quiet -- -D warnings
echo "== rustdoc"; RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
echo "== app"; wait "$app" || { cat "$told"; exit 1; }
echo "== deny"
# It reads the manifests of other systems' crates too, which no build has fetched.
cargo fetch --locked --quiet
# Licences, versions and sources need no network then; the advisory database does.
cargo deny --offline check --hide-inclusion-graph licenses bans sources
wait "$advisories" || true
if ls -d "${CARGO_HOME:-$HOME/.cargo}"/advisory-dbs/*/crates >/dev/null 2>&1; then
  cargo deny --offline check --hide-inclusion-graph advisories
else
  echo "advisories: NOT CHECKED, the advisory database cannot be reached from here"
fi
