"""Whether emitted SQL reads instants in every spelling as the embedded engine does, whatever the zone of the session.

In: the program `catena`. Out: nothing, or what differs. The oracle is `catena replay`. Must not know: how an instant is read.
usage: .engines/sql/bin/python instants.py CATENA [--dialect duckdb|trino]
       .engines/spark/bin/python instants.py CATENA --dialect spark
"""

import argparse
import datetime
import json
import pathlib
import subprocess
import tempfile

import harness

RULE = """rule instants {{
  title "Instants"
  id "00000000-0000-4000-8000-000000000001"
  description "Every spelling."
  severity low
  chain {{ step only from {source} where exists(event.time) }}
  alert {{ show only.event.id }}
}}
"""
TIMES = "T10:20:30 t10:20:30 _10:20:30 T10:20 _10:20 T10:20:30.5 T10:20:30,25 T10:20:30.123456 T10:20:30.1234567 T10:20:30.999999999"
ZONES = ["", "Z", "z", "+00:00", "+0000", "+00", "-00:00", "+02:00", "-0730", "+05", "-03:30"]
WRITTEN = [f"2026-01-01{time}{zone}".replace("_", " ") for time in TIMES.split() for zone in ZONES]
# What engines read, one or the other of them, and the language does not; and instants at an edge.
ODD = """2026-01-01 2026-01-01Z 2026-13-01T00:00:00Z 2026-02-30T00:00:00Z 2026-01-01T24:00:00Z 2026-01-01T25:00:00Z epoch infinity
now today yesterday 10:20:30 2026-01 2026-01-01T 01/02/2026 1969-12-31T23:59:59Z 1969-12-31T23:59:59.9999999Z
2024-02-29T23:59:59-11:00 2026-07-01T00:00:00 2026-03-08T02:30:00 2026-01-01T10:20:30+ 2026-01-01T10:20:30+1 T10:20:30Z - null
2026-01-01T10:20:30Z[UTC]x 2026-01-01T10:20:30.Z x2026-01-01T10:20:30Z 2026-01-01T10:20:30ZZ""".split()
ODD += ["1 Jan 2026 10:20:30", "Thu Jan  1 10:20:30 2026", "2026-01-01T10:20:30Z\n2026-01-01T10:20:30Z", "", " "]
# Beyond the nanoseconds that Trino counts in 64 bits: it finds such an event, and shows no time.
FAR = "0001-01-01T00:00:00Z"
NUMBERS = [1767261600, 1767261600123, 1767261600.5, 1767261600123.5, 0, -1, 10**15, 10**19, True, None]
NUMBERS += ["1767261600", "1767261600123", "1767261600.25", "+1767261600", "-5", "1767261600.", "2026", "1.7672616005e9", "0x10", "1 767"]


# A fault that the comparison must see: an offset that nobody applies, one that Java refuses, an instant in UTC that is lost.
FAULTS = {"duckdb": ("AS TIMESTAMPTZ", "AS TIMESTAMP"), "trino": ("'$1:$2'", "'$1$2'"), "spark": (", 'Z')", ", '')")}


def raw(source, number, instant):
    if source == "aws.cloudtrail":
        return {"eventID": str(number), "eventName": "x", "eventTime": instant}
    return {"uuid": str(number), "eventType": "x", "published": instant}


def told(value):
    return round((datetime.datetime.fromisoformat(value) - EPOCH) / datetime.timedelta(microseconds=1))


FIRST = -63_000_000_000
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def asked(catena, source, dialect, events):
    """The text of the rule, and what the embedded engine finds: the time of each event that has one."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "rule.chain").write_text(RULE.format(source=source), encoding="utf-8")
        (folder / "events.json").write_text("".join(f"{json.dumps(event)}\n" for event in events), encoding="utf-8")

        def run(*arguments):
            return subprocess.run([catena, *arguments], capture_output=True, text=True, check=False, cwd=folder).stdout

        text = run("compile", "rule.chain", "--target", "sql", "--dialect", dialect)
        alerts = [json.loads(line)["steps"]["only"] for line in run("replay", "rule.chain", "--events", f"{source}=events.json").splitlines()]
    return text, {alert["event.id"]: told(alert["time"]) for alert in alerts}


def differences(catena, source, dialect, engine, instants):
    events = [raw(source, number, instant) for number, instant in enumerate(instants)]
    text, wanted = asked(catena, source, dialect, events)
    assert len(wanted) > len(instants) / 2, f"{source}: {len(wanted)} instants"
    faulty = text.replace(*FAULTS[dialect])
    assert faulty != text and compared(engine, source, faulty, events, instants, wanted), f"{source}: no fault seen"
    return compared(engine, source, text, events, instants, wanted)


def compared(engine, source, text, events, instants, wanted):
    parts = [{"name": "r", "id": "r", "role": "query", "text": text}]
    scenario = [{"source": source, "raw": event} for event in events]
    found = harness.respond(engine, json.dumps({"rule": "r", "parts": parts, "starts": [FIRST], "scenarios": [scenario]}).encode())
    if "error" in found:
        return [f"{source}: {found['error']}"]
    rows = {row["only_event_id"]: row["only_time"] for row in found["answers"][0]}
    wrong = [number for number in sorted(wanted.keys() | rows.keys(), key=int) if wanted.get(number) != rows.get(number)]
    return [f"{source}: {instants[int(number)]!r} is {rows.get(number)}, not {wanted.get(number)}" for number in wrong]


def main():
    reader = argparse.ArgumentParser()
    reader.add_argument("catena")
    reader.add_argument("--dialect", default="duckdb", choices=["duckdb", "trino", "spark"])
    asked_for = reader.parse_args()
    engine = harness.engine_of(asked_for.dialect)
    texts = WRITTEN + ODD + ([FAR] if asked_for.dialect != "trino" else [])
    # What is no text in the log is none in a column.
    by_source = {"okta.system": texts + NUMBERS, "aws.cloudtrail": texts}
    problems = []
    for source, instants in by_source.items():
        problems += differences(asked_for.catena, source, asked_for.dialect, engine, instants)
    if problems:
        raise SystemExit("\n".join(problems))
    print(f"sql instants, {asked_for.dialect}: none differs")


if __name__ == "__main__":
    main()
