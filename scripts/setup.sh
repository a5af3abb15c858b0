#!/usr/bin/env bash
# Installs what Loa needs on Debian 12 or Ubuntu 24.04, and nothing that is there already.
# Usage: scripts/setup.sh build|demo|test|bench
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

need_rust=1.94
packages=(gcc libc6-dev pkg-config libasound2-dev)
case "${1:-build}" in
  build) ;;
  demo) packages+=(espeak-ng) ;;
  test|bench) packages+=(espeak-ng pulseaudio pulseaudio-utils libasound2-plugins mosquitto ffmpeg mpg123 procps strace chromium fonts-dejavu-core) ;;&
  # Only to compare with, where it can be had.
  bench) apt-cache show icecast2 >/dev/null 2>&1 && packages+=(icecast2) ;;
  test) ;;
  *) echo "usage: scripts/setup.sh build|demo|test|bench" >&2; exit 64 ;;
esac

if ! command -v cargo >/dev/null; then
  echo "Loa is built with Rust $need_rust or newer, and there is no cargo here: install it from https://rustup.rs and run this again." >&2
  exit 1
fi
have_rust=$(cargo --version | cut -d' ' -f2)
if [ "$(printf '%s\n' "$need_rust" "$have_rust" | sort -V | head -n1)" != "$need_rust" ]; then
  echo "Loa is built with Rust $need_rust or newer; this is $have_rust: run 'rustup update stable' and run this again." >&2
  exit 1
fi

# The phone app is built by it.
need_node=20.19
have_node=$(node --version 2>/dev/null || true)
if [ "$(printf '%s\n' "$need_node" "${have_node#v}" | sort -V | head -n1)" != "$need_node" ] || ! command -v npm >/dev/null; then
  echo "Loa's app is built with Node $need_node or newer and npm; here is ${have_node:-none}: install it from https://nodejs.org and run this again." >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "Loa needs these packages (their Debian names), please install them: ${missing[*]}" >&2
  exit 1
fi
if [ "$(id -u)" -eq 0 ]; then as_root=(); elif sudo -n true 2>/dev/null; then as_root=(sudo -n); else
  echo "Loa needs some packages. Please run:  sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
echo "installing: ${missing[*]}"
log=$(mktemp)
for attempt in 1 2 3; do
  if "${as_root[@]}" apt-get update -qq >"$log" 2>&1 \
    && "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
    rm -f "$log"
    exit 0
  fi
  echo "apt-get did not succeed (try $attempt of 3)" >&2
done
tail -n 20 "$log" >&2
exit 1
