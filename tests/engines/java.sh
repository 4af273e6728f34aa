#!/usr/bin/env bash
# Finds a Java for Spark, or installs Debian's.
# In: JAVA_HOME, if it is to be another one. Out: its path. Exit 1, with a reason, where there is none and none can be
# installed: that needs apt-get and root.
set -euo pipefail

say() { printf 'engines: java: %s\n' "$*" >&2; }

find_one() {
  local java version
  java=${JAVA_HOME:+$JAVA_HOME/bin/}java
  command -v "$java" >/dev/null || return 1
  version=$("$java" -version 2>&1 | sed -nE '1s/.*"([0-9]+).*/\1/p')
  [[ ${version:-0} -ge 17 ]] && command -v "$java"
}

find_one && exit
if ! command -v apt-get >/dev/null || ((EUID != 0)); then
  say 'no Java 17 or newer; Spark 4 needs it (Debian: apt-get install openjdk-17-jre-headless)'
  exit 1
fi
say 'installing the Debian package'
log=$(mktemp)
install='apt-get install --yes --no-install-recommends'
if ! { apt-get update && { DEBIAN_FRONTEND=noninteractive $install openjdk-17-jre-headless ||
  DEBIAN_FRONTEND=noninteractive $install default-jre-headless; }; } >"$log" 2>&1; then
  say "installing failed, the log is $log:"
  tail -n 5 "$log" | sed 's/^/engines:   /' >&2
  exit 1
fi
rm "$log"
find_one
