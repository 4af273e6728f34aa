#!/usr/bin/env bash
# Runs the self-test of every checker and lane. In: the environments of setup.sh. Exit 0 when every verdict is right.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
engines=${CATENA_ENGINES:-$(cd "$here/../.." && pwd)/.engines}
node "$here/kql/check.js" --selftest
for target in eql sigma spl; do
  "$engines/$target/bin/python" "$here/$target/check.py" --selftest
done
"$engines/sigma2/bin/python" "$here/sigma/lane_selftest.py"
"$engines/duck/bin/python" "$here/kql/lane_selftest.py"
"$engines/eql/bin/python" "$here/eql/lane_selftest.py" --streams 2000
for selftest in execute lane; do
  "$engines/duck/bin/python" "$here/spl/${selftest}_selftest.py"
done
