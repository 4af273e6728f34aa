"""Whether statements over raw files, read through the printed views, give the fields that the embedded engine gives.

In: a list of cases on standard input: `name`, `ddl` with the folder in its place, `text`, `alerts` of one step `only`, as
`catena replay` prints their fields. Out: a list of differences as JSON. Must not know: sources.
usage: .engines/sql/bin/python raw_lake.py < cases.json
"""

import datetime
import json
import sys

import duckdb


def told(value):
    if isinstance(value, (list, tuple)):
        return sorted(told(one) for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime):
        return instant(value)
    text = str(value)
    try:
        return instant(datetime.datetime.fromisoformat(text)) if "T" in text else text
    except ValueError:
        return text


def instant(value):
    return (value.astimezone(datetime.UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat()


def found(case):
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(case["ddl"])
    cursor = connection.execute(case["text"])
    names = [column[0].removeprefix("only_") for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return sorted(json.dumps({name: told(value) for name, value in row.items() if value not in (None, "")}, sort_keys=True) for row in rows)


def differences(case):
    alerts = [{name.replace(".", "_"): told(value) for name, value in alert.items()} for alert in case["alerts"]]
    wanted = sorted(json.dumps(alert, sort_keys=True) for alert in alerts)
    try:
        rows = found(case)
    except duckdb.Error as error:
        return [f"{case['name']}: {error}"]
    if rows == wanted:
        return []
    lacking, beyond = ([one for one in some if one not in others] for some, others in ((wanted, rows), (rows, wanted)))
    return [f"{case['name']}: {len(rows)} rows, not {len(wanted)}\n  lacking {lacking}\n  beyond {beyond}"]


print(json.dumps([one for case in json.load(sys.stdin) for one in differences(case)]))
