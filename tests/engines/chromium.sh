#!/usr/bin/env bash
# Finds a Chromium for the tests of the playground, or installs Debian's.
# In: CATENA_CHROMIUM, if it is to be another one. Out: its path. Exit 1, with a reason, where there is none and none can
# be installed: that needs apt-get and root.
set -euo pipefail

say() { printf 'engines: chromium: %s\n' "$*" >&2; }

find_one() {
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" && return
  done
  return 1
}

if [[ -n ${CATENA_CHROMIUM:-} ]]; then
  [[ -x $CATENA_CHROMIUM ]] || { say "CATENA_CHROMIUM is $CATENA_CHROMIUM, which cannot be run"; exit 1; }
  echo "$CATENA_CHROMIUM"
  exit
fi
find_one && exit
if ! command -v apt-get >/dev/null || ((EUID != 0)); then
  say 'not installed (Debian: apt-get install chromium)'
  exit 1
fi
say 'installing the Debian package'
log=$(mktemp)
if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium; } >"$log" 2>&1; then
  say "installing failed, the log is $log:"
  tail -n 5 "$log" | sed 's/^/engines:   /' >&2
  exit 1
fi
rm "$log"
find_one
