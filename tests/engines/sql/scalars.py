"""Whether emitted SQL reads instants, integers and texts in every spelling as the embedded engine does, whatever the zone of
the session.

In: the program `catena`. Out: nothing, or what differs. The oracle is `catena replay`. Must not know: how a value is read.
usage: .engines/sql/bin/python scalars.py CATENA [--dialect duckdb|trino]
       .engines/spark/bin/python scalars.py CATENA --dialect spark
"""

import argparse
import datetime
import json
import pathlib
import subprocess
import tempfile

import harness

RULE = """rule scalars {{
  title "Scalars"
  id "00000000-0000-4000-8000-000000000001"
  description "Every spelling."
  severity low
  chain {{ step only from {source} where exists({exists}) }}
  alert {{ show only.event.id, only.{field} }}
}}
"""
TIMES = "T10:20:30 t10:20:30 _10:20:30 T10:20 _10:20 T10:20:30.5 T10:20:30,25 T10:20:30.123456 T10:20:30.1234567 T10:20:30.999999999"
ZONES = ["", "Z", "z", "+00:00", "+0000", "+00", "-00:00", "+02:00", "-0730", "+05", "-03:30"]
WRITTEN = [f"2026-01-01{time}{zone}".replace("_", " ") for time in TIMES.split() for zone in ZONES]
# What engines read, one or the other of them, and the language does not; and instants at an edge.
ODD = """2026-01-01 2026-01-01Z 2026-13-01T00:00:00Z 2026-02-30T00:00:00Z 2026-01-01T24:00:00Z 2026-01-01Tx0:00:00Z 2026-01-01T25:00:00Z epoch infinity
now today yesterday 10:20:30 2026-01 2026-01-01T 01/02/2026 1969-12-31T23:59:59Z 1969-12-31T23:59:59.9999999Z
2024-02-29T23:59:59-11:00 2026-07-01T00:00:00 2026-03-08T02:30:00 2026-01-01T10:20:30+ 2026-01-01T10:20:30+1 T10:20:30Z - null
2026-01-01T10:20:30Z[UTC]x 2026-01-01T10:20:30.Z x2026-01-01T10:20:30Z 2026-01-01T10:20:30ZZ""".split()
ODD += ["1 Jan 2026 10:20:30", "Thu Jan  1 10:20:30 2026", "2026-01-01T10:20:30Z\n2026-01-01T10:20:30Z", "", " "]
# Beyond the nanoseconds that Trino counts in 64 bits: it finds such an event, and shows no time.
FAR = "0001-01-01T00:00:00Z"
SECONDS = [1767261600, 1767261600123, 1767261600.5, 1767261600123.5, 0, -1, 10**15, 10**19, True, None]
SECONDS += ["1767261600", "1767261600123", "1767261600.25", "+1767261600", "-5", "1767261600.", "2026", "1.7672616005e9", "0x10"]
INTEGERS = [0, 7, -1, 443.0, 1e7, 12345678.0, 1.5, 2**31, 2**53 + 1, 2**63, True, None, "7", "+5", "-5", "+-5", "007", "1.5", "x", "", " 5"]
TEXTS = ["x", "443", "443.0", "5.00", 443, -7, True, False, None, "", " ", "a\nb", "\u00e9\U0001f600", "{x", "[x", "1e7", 1.5, {}, {"x": "y"}, []]
# Spark does not tell these from a text.
DECIMALS = [443.0, -7.0, 1e7, 12345678.0, 2.0**40]
# A fault that the comparison must see: an offset that nobody applies, one that Java refuses, an instant in UTC that is lost.
FAULTS = {"duckdb": ("AS TIMESTAMPTZ", "AS TIMESTAMP"), "trino": ("'$1:$2'", "'$1$2'"), "spark": (", 'Z')", ", '')")}
FIRST = -63_000_000_000
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
NOW = "2026-01-01T00:00:00Z"


def okta(number, **more):
    return {"uuid": str(number), "eventType": "x", "published": NOW} | more


def cases(dialect):
    """(source, the field that must be there, the field that is shown, its values, the event of a value)"""
    instants = WRITTEN + ODD + ([FAR] if dialect != "trino" else [])
    yield "okta.system", "event.time", "time", instants + SECONDS, lambda number, value: okta(number, published=value)
    # What is no text in the log is none in a column.
    cloudtrail = {"eventName": "x"}
    yield "aws.cloudtrail", "event.time", "time", instants, lambda number, value: cloudtrail | {"eventID": str(number), "eventTime": value}
    context = "securityContext"
    yield "okta.system", "event.time", "source.as.number", INTEGERS, lambda number, value: okta(number, **{context: {"asNumber": value}})
    texts = TEXTS + (DECIMALS if dialect != "spark" else [])
    # There an object is a text where no other path leads into it.
    plain = [value for value in texts if dialect != "spark" or not isinstance(value, (dict, list))]
    yield "okta.system", "event.time", "actor.id", plain, lambda number, value: okta(number, actor={"id": value})
    alert = {"TimeGenerated": NOW, "AlertName": "x"}
    objects = [value for value in texts if value != []]
    yield "siem.alert", "event.time", "user.name", objects, lambda number, value: alert | {"SystemAlertId": str(number), "user": value}


def told(field, value):
    if field == "time":
        return str(round((datetime.datetime.fromisoformat(value) - EPOCH) / datetime.timedelta(microseconds=1)))
    return str(value).lower() if isinstance(value, bool) else str(value)


def asked(catena, dialect, source, exists, field, events):
    """The text of the rule, and what the embedded engine finds: the value of each event that has one."""
    shown = field if field != "time" else "event.id"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "rule.chain").write_text(RULE.format(source=source, exists=exists, field=shown), encoding="utf-8")
        (folder / "events.json").write_text("".join(f"{json.dumps(event)}\n" for event in events), encoding="utf-8")

        def run(*arguments):
            return subprocess.run([catena, *arguments], capture_output=True, text=True, check=False, cwd=folder).stdout

        text = run("compile", "rule.chain", "--target", "sql", "--dialect", dialect)
        lines = run("replay", "rule.chain", "--events", f"{source}=events.json").splitlines()
    alerts = [json.loads(line)["steps"]["only"] for line in lines]
    return text, {alert["event.id"]: told(field, alert[field]) for alert in alerts if field in alert}


def compared(engine, text, source, field, values, events, wanted):
    parts = [{"name": "r", "id": "r", "role": "query", "text": text}]
    scenario = [{"source": source, "raw": event} for event in events]
    found = harness.respond(engine, json.dumps({"rule": "r", "parts": parts, "starts": [FIRST], "scenarios": [scenario]}).encode())
    if "error" in found:
        return [f"{source}: {found['error']}"]
    column = f"only_{field.replace('.', '_')}"
    rows = {row["only_event_id"]: str(row[column]) for row in found["answers"][0] if row[column] not in (None, "")}
    wrong = [number for number in sorted(wanted.keys() | rows.keys(), key=int) if wanted.get(number) != rows.get(number)]
    return [f"{source}, {field}: {values[int(number)]!r} is {rows.get(number)}, not {wanted.get(number)}" for number in wrong]


def differences(catena, dialect, engine, case):
    source, exists, field, values, event = case
    events = [event(number, value) for number, value in enumerate(values)]
    text, wanted = asked(catena, dialect, source, exists, field, events)
    assert len(wanted) > len(values) / 3, f"{source}, {field}: {len(wanted)} values"
    if field == "time":
        faulty = text.replace(*FAULTS[dialect])
        assert faulty != text and compared(engine, faulty, source, field, values, events, wanted), f"{source}: no fault seen"
    return compared(engine, text, source, field, values, events, wanted)


def main():
    reader = argparse.ArgumentParser()
    reader.add_argument("catena")
    reader.add_argument("--dialect", default="duckdb", choices=["duckdb", "trino", "spark"])
    given = reader.parse_args()
    engine = harness.engine_of(given.dialect)
    problems = [one for case in cases(given.dialect) for one in differences(given.catena, given.dialect, engine, case)]
    if problems:
        raise SystemExit("\n".join(problems))
    print(f"sql scalars, {given.dialect}: none differs")


if __name__ == "__main__":
    main()
