#!/usr/bin/env bash
# Installs the third-party engines of the test suite, pinned, into .engines/ (or $CATENA_ENGINES).
# In: requirement files beside the checkers. Out: one folder per environment, each with a stamp.
# Idempotent: an environment whose stamp equals the hash of its inputs is left alone.
# Needs python3 with venv, node and npm. Exit 0 when all are ready, 1 on a failed installation, 2 on a missing tool.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
engines=${CATENA_ENGINES:-$(cd "$here/../.." && pwd)/.engines}
log=$engines/setup.log
started=$SECONDS

say() { printf 'engines: %s\n' "$*" >&2; }
die() { say "$2"; exit "$1"; }

need_tools() {
  local tool
  for tool in python3 node npm; do
    command -v "$tool" >/dev/null || die 2 "$tool is missing; python3 (3.11 or newer), node (20 or newer) and npm are needed"
  done
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die 2 "$(python3 --version) is too old; 3.11 or newer is needed"
}

fingerprint() { # FILE: the file and the runtimes it was installed for
  { cat "$1"; python3 --version; node --version; python3 -c 'import sys; print(sys.base_prefix)'; } | cksum
}

is_current() { # NAME FILE
  [[ -f $engines/$1/.stamp && $(cat "$engines/$1/.stamp") == "$(fingerprint "$2")" ]]
}

failed() { # NAME FILE
  say "installing $1 from ${2#"$here"/} failed:"
  { grep -iE 'error|no matching|not found|refused' "$log" || tail -n 20 "$log"; } | sed 's/^/engines:   /' >&2
  die 1 "the full log is $log"
}

install_pip() { # one pip serves every environment, so only this one pays for ensurepip
  [[ -x $engines/pip/bin/python ]] && "$engines/pip/bin/python" -m pip --version >/dev/null 2>&1 && return
  say "pip: creating"
  rm -rf "$engines/pip"
  python3 -m venv "$engines/pip" >"$log" 2>&1 ||
    die 1 "python3 -m venv lacks ensurepip; install it (Debian, Ubuntu: apt-get install python3-venv) and run this again"
}

install_python() { # NAME FILE
  python3 -m venv --without-pip "$engines/$1" >"$log" 2>&1 || failed "$1" "$2"
  "$engines/pip/bin/python" -m pip --python "$engines/$1/bin/python" --disable-pip-version-check \
    install --no-compile -r "$2" >"$log" 2>&1 || failed "$1" "$2"
}

install_node() { # NAME FILE
  mkdir -p "$engines/$1"
  cp "$2" "$engines/$1/package.json"
  (cd "$engines/$1" && npm install --no-package-lock --no-audit --no-fund) >"$log" 2>&1 || failed "$1" "$2"
}

ensure() { # NAME FILE INSTALLER
  if is_current "$1" "$2"; then
    say "$1: up to date"
    return
  fi
  local from=$SECONDS
  say "$1: installing ${2#"$here"/}"
  rm -rf "${engines:?}/$1"
  "$3" "$1" "$2"
  fingerprint "$2" >"$engines/$1/.stamp"
  say "$1: ready after $((SECONDS - from)) s"
}

need_tools
mkdir -p "$engines"
install_pip
ensure node "$here/kql/package.json" install_node
ensure eql "$here/eql/requirements.txt" install_python
ensure sigma "$here/sigma/requirements.txt" install_python
ensure sigma2 "$here/sigma/requirements-execute.txt" install_python
ensure spl "$here/spl/requirements.txt" install_python
ensure pack "$here/pack/requirements.txt" install_python
ensure duck "$here/kql/requirements-execute.txt" install_python
ensure sql "$here/sql/requirements.txt" install_python
ensure trino "$here/sql/package.json" install_node
# Spark alone needs Java, so what needs no Spark runs without.
if "$here/java.sh" >/dev/null; then
  ensure spark "$here/sql/requirements-spark.txt" install_python
else
  say 'Spark is left out: its tests will say that it is missing'
fi
# The playground alone needs it, so what needs no browser runs without.
"$here/chromium.sh" >/dev/null || say 'the playground will not be tried in a browser'
say "all ready after $((SECONDS - started)) s in $engines"
