#!/usr/bin/env bash
# Runs the self-test of every checker and harness, those of the products' servers against stubs. In: the environments of setup.sh.
# Exit 0 when every verdict is right.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
engines=${CATENA_ENGINES:-$(cd "$here/../.." && pwd)/.engines}
export CATENA_ENGINES=$engines
node "$here/kql/check.js" --selftest
for target in eql sigma spl; do
  "$engines/$target/bin/python" "$here/$target/check.py" --selftest
done
"$engines/sigma2/bin/python" "$here/sigma/harness_selftest.py"
"$engines/eql/bin/python" "$here/common/service_selftest.py"
for selftest in kql/harness kql/server spl/execute spl/harness spl/server; do
  "$engines/duck/bin/python" "$here/${selftest}_selftest.py"
done
for selftest in eql/harness eql/server; do
  "$engines/eql/bin/python" "$here/${selftest}_selftest.py"
done
for dialect in duckdb trino; do
  "$engines/sql/bin/python" "$here/sql/harness_selftest.py" --dialect "$dialect"
  "$engines/sql/bin/python" "$here/sql/ddl_selftest.py" --dialect "$dialect"
done
"$engines/sql/bin/python" "$here/sql/check.py" --selftest
node "$here/sql/check_trino.mjs" --selftest
if [[ -x $engines/spark/bin/python ]]; then
  "$engines/spark/bin/python" "$here/sql/harness_selftest.py" --dialect spark
  "$engines/spark/bin/python" "$here/sql/ddl_selftest.py" --dialect spark
  "$engines/spark/bin/python" "$here/sql/check.py" --selftest
else
  echo 'spark: left out, setup.sh did not find Java 17' >&2
fi
