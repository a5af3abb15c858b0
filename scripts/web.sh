#!/usr/bin/env bash
# Builds the phone app into controller/web/dist, which the controller's build takes into its binary.
# Usage: scripts/web.sh [install]   (install: its libraries only)
set -euo pipefail
cd "$(dirname "$0")/../controller/web"

# npm writes this file last, so an install that broke off is begun again.
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "fetching the app's libraries"
  for attempt in 1 2 3; do
    npm ci --no-audit --no-fund --loglevel=error && break
    [ "$attempt" -lt 3 ] || exit 1
    echo "npm did not succeed (try $attempt of 3)" >&2
  done
  touch node_modules/.package-lock.json
fi
[ "${1:-}" != install ] || exit 0

changed=$(find . \( -path ./node_modules -o -path ./dist -o -path ./e2e -o -name openapi.json \) -prune -o -path ./src/api/schema.d.ts -o -type f -newer dist/index.html -print -quit 2>/dev/null || echo all)
[ -z "$changed" ] || npm run --silent build -- --logLevel warn
