"""Runs emitted SQL, byte for byte, over raw events as a lake would hold them.

In and out: the lines that ../README.md describes under "Execution", at record level. DuckDB's and Spark's texts run there;
those of Trino are translated into DuckDB's (trino.py says what that can show). Must not know: what the answer should be.
usage: .engines/sql/bin/python harness.py [--dialect duckdb|trino] [--time-zone ZONE]
       .engines/spark/bin/python harness.py --dialect spark [--time-zone ZONE]
"""

import argparse
import bisect
import functools
import importlib
import json
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

import ingest
import ocsf
import tables
from lists import rows as rows_of
from parts import Refused, only_query

# The zone of the session must make no difference, so it is none in which a mistake would not show.
ZONE = "America/New_York"
MODULES = {"duckdb": "duck", "trino": "trino", "athena": "trino", "spark": "spark", "databricks": "spark"}


def instant(row):
    """The last time of the chain: what must not be before it can begin before the scenario, and be a step itself."""
    return max((value for name, value in row.items() if name.endswith("_time") and isinstance(value, int)), default=None)


def answers(names, rows, starts):
    """The rows of each scenario: that in which the chain lies."""
    if len(set(names)) != len(names):
        raise Refused(f"two columns of one name: {names}")
    found = [[] for _ in starts]
    for values in rows:
        row = dict(zip(names, values, strict=True))
        at = instant(row)
        if at is None:
            raise Refused(f"an answer without a time: {row}")
        scenario = bisect.bisect_right(starts, at / 1_000_000) - 1
        if scenario < 0:
            raise Refused(f"an answer before the first scenario: {row}")
        found[scenario].append(row)
    return found


@functools.lru_cache(64)
def listed(text):
    return [{"value": value, "until": until or None} for value, until in rows_of(text)]


def keep_open(engine, request, text):
    """Adds the rows of the slice to the table of chains that lack their last step: twice, as after a run that broke off.
    The table begins anew with the first slice."""
    stages = [part["text"] for part in request["parts"] if part["role"] == "stage"]
    if stages:
        table = re.search(r"FROM (\w+_open_[0-9a-f]{8})\n", text)[1]
        engine.keep(table, stages[0], begins=request["slice"] == 0)
        engine.keep(table, stages[0], begins=False)


def answer(engine, request, layout):
    query = [part for part in request["parts"] if part["role"] != "stage"]
    text = only_query({**request, "parts": query})
    lists = {name: listed(rows) for name, rows in request.get("lists", {}).items()}
    engine.load(ingest.rows(request["scenarios"], layout), lists)
    keep_open(engine, request, text)
    return answers(*engine.run(text), request["starts"])


def respond(engine, line, layout="athena"):
    try:
        return {"answers": answer(engine, json.loads(line), layout)}
    except Exception as error:
        return {"error": " ".join(f"{type(error).__name__}: {error}".split())[:2000]}


def engine_of(dialect, zone=ZONE):
    return importlib.import_module(MODULES[dialect]).Engine(zone)


def options():
    reader = argparse.ArgumentParser()
    reader.add_argument("--dialect", choices=MODULES, default=os.environ.get("CATENA_SQL_DIALECT", "duckdb"))
    reader.add_argument("--time-zone", default=ZONE)
    reader.add_argument("--layout", choices=["athena", *ocsf.VERSIONS], default="athena")
    return reader.parse_args()


def main():
    asked = options()
    if asked.layout != "athena":
        tables.lay_out(asked.layout)
    engine = engine_of(asked.dialect, asked.time_zone)
    for line in sys.stdin.buffer:
        print(json.dumps(respond(engine, line, asked.layout)), flush=True)


if __name__ == "__main__":
    main()
