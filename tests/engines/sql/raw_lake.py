"""Whether statements over raw files, read through the printed views, give the fields that the embedded engine gives.

In: `--dialect`, and on standard input a list of cases: `name`, `table`, `view` over the folder of files, `text`, `alerts` of one step
`only`, as `catena replay` prints their fields. Out: a list of differences as JSON. Must not know: sources.
usage: .engines/sql/bin/python raw_lake.py < cases.json, .engines/spark/bin/python raw_lake.py --dialect spark < cases.json
"""

import datetime
import json
import sys

import harness

MICRO = datetime.timedelta(microseconds=1)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def told(value):
    """Numbers, booleans and times as text, a time in microseconds; a list without its order."""
    if isinstance(value, (list, tuple)):
        return sorted(told(one) for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    try:
        return str((datetime.datetime.fromisoformat(text) - EPOCH) // MICRO) if "T" in text else text
    except (ValueError, TypeError):
        return text


def as_set(rows):
    return sorted(json.dumps({name: told(value) for name, value in row.items()}, sort_keys=True) for row in rows)


def found(engine, case):
    engine.define(case["table"], case["view"])
    names, rows = engine.run(case["text"])
    names = [name.removeprefix("only_") for name in names]
    rows = [dict(zip(names, row, strict=True)) for row in rows]
    return as_set({name: value for name, value in row.items() if value not in (None, "")} for row in rows)


def differences(engine, case):
    wanted = as_set({name.replace(".", "_"): value for name, value in alert.items()} for alert in case["alerts"])
    try:
        rows = found(engine, case)
    except engine.Error as error:
        return [f"{case['name']}: {error}"]
    if rows == wanted:
        return []
    lacking, beyond = ([one for one in some if one not in others] for some, others in ((wanted, rows), (rows, wanted)))
    return [f"{case['name']}: {len(rows)} rows, not {len(wanted)}\n  lacking {lacking}\n  beyond {beyond}"]


def main():
    engine = harness.engine_of(harness.options().dialect)
    print(json.dumps([one for case in json.load(sys.stdin) for one in differences(engine, case)]))


if __name__ == "__main__":
    main()
