#!/usr/bin/env python3
"""Benchmarks the SQL that Catena writes for DuckDB over Parquet against `catena replay` over the raw text and against a query
written by hand for the one rule over the same Parquet files.

usage: python3 benches/lake.py [--lines N] [--runs N] [--data DIR] [--keep] [--no-build]
needs: as benches/replay.py, whose logs these are: 1,000,000 lines are 0.5 GB

The tables are those that `catena sources NAME --ddl duckdb` makes over the files of a bucket, copied into Parquet: all columns
that AWS documents for Athena, objects as JSON text. The three take turns, after one warm-up round, and must find the same
alerts: interface and time of each. Of DuckDB the time from connecting to the last row counts, of `catena replay` that of its
process; in both the planning and the compiling of the rule is included, in neither the start of Python.

The query by hand is what a detection engineer would write for this rule over these tables: it joins the steps by their keys and
windows, knows that it only needs the launches that follow a sign-in, and leaves out what the log at hand does not need, such as
IPv6, events that came twice and evidence of the sign-in.
"""
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from replay import CATENA, RULE, Bars, arguments, duck_python, generate, heading, replay, take_turns, wall
from replay import Ran as Process

BY_HAND = Path(__file__).resolve().parent / "queries" / "an1318_by_hand.duckdb.sql"
# What DuckDB runs, in its own process; the last line is the seconds that the query took.
RUN = """
import json, sys, time, duckdb
folder, text = sys.argv[1], open(sys.argv[2]).read()
began = time.perf_counter()
lake = duckdb.connect()
lake.execute("SET enable_progress_bar = false")
for name in ["cloudtrail_logs", "vpc_flow_logs"]:
    lake.execute(f"CREATE VIEW {name} AS FROM '{folder}/{name}.parquet'")
found = lake.execute(text)
names = [column[0] for column in found.description]
rows = found.fetchall()
took = time.perf_counter() - began
at = [names.index(name) for name in ["egress_instance_eni", "egress_time"]]
print(json.dumps([[str(row[place]) for place in at] for row in rows]))
print(took)
"""
CONVERT = """
import sys, duckdb
folder, *views = sys.argv[1:]
lake = duckdb.connect()
lake.execute("SET enable_progress_bar = false")
for name, path in zip(["cloudtrail_logs", "vpc_flow_logs"], views):
    lake.execute(open(path).read())
    lake.execute(f"COPY (FROM {name}) TO '{folder}/{name}.parquet' (FORMAT parquet)")
"""


class Query(Process):
    """A text in DuckDB."""

    def __init__(self, name: str, python: Path, folder: Path, text: Path):
        super().__init__(name, [python, "-c", RUN, folder, text])

    def run(self, counted: bool = True) -> None:
        started = time.perf_counter()
        ended = subprocess.run(self.command, capture_output=True, text=True)
        if ended.returncode:
            raise SystemExit(f"{self.name}: {ended.stderr}")
        rows, took = ended.stdout.splitlines()
        self.found = {(interface, moment.replace(" ", "T")) for interface, moment in json.loads(rows)}
        self.alerts = len(json.loads(rows))
        if counted:
            self.wall.append(float(took))
            self.processor.append(time.perf_counter() - started)


def lake(python: Path, folder: Path) -> None:
    """The tables of the logs, as a bucket gives them."""
    if (folder / "vpc_flow_logs.parquet").exists():
        return
    views = []
    for source, pattern, files in [
        ("aws.cloudtrail", "LOCATION/**/*.json.gz", folder / "records" / "*.json.gz"),
        ("aws.vpcflow", "LOCATION/**/*.log.gz", folder / "flows.txt"),
    ]:
        made = subprocess.run([CATENA, "sources", source, "--ddl", "duckdb"], check=True, capture_output=True, text=True)
        view = folder / f"{source}.sql"
        view.write_text(made.stdout.replace(pattern, str(files)))
        views.append(view)
    subprocess.run([python, "-c", CONVERT, folder, *views], check=True)


def by_replay(folder: Path) -> set:
    """The alerts of `catena replay`, as a query has them."""
    ran = subprocess.run(replay(RULE, folder), check=True, capture_output=True, text=True)
    found = set()
    for line in ran.stdout.splitlines():
        last = json.loads(line)["steps"]["egress"]
        found.add((last["instance.eni"], last["time"].removesuffix("Z")))
    return found


def main() -> int:
    chosen = arguments(__doc__, lines=1_000_000, runs=9)
    data = chosen.data or Path(tempfile.mkdtemp(prefix="lake-bench-"))
    folder = data / str(chosen.lines) / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        python = duck_python(data)
        if python is None:
            raise SystemExit("DuckDB cannot be installed")
        alerts = generate(folder, chosen.lines, "--text", "--records")
        lake(python, folder)
        emitted = folder / "emitted.sql"
        text = subprocess.run([CATENA, "compile", RULE, "--target", "sql"], check=True, capture_output=True, text=True)
        emitted.write_text(text.stdout)
        raw = Process("catena replay, raw text", replay(RULE, folder))
        query = Query("SQL of Catena, Parquet", python, folder, emitted)
        hand = Query("SQL by hand, Parquet", python, folder, BY_HAND)
        take_turns([raw, query, hand], chosen.runs)
        print(f"{chosen.lines:,} lines, {alerts:,} alerts")
        heading()
        for ran in [raw, query, hand]:
            ran.row()
            if ran.alerts != alerts:
                raise SystemExit(f"{ran.name} found {ran.alerts} alerts")
        expected = by_replay(folder)
        for ran in [query, hand]:
            if ran.found != expected:
                raise SystemExit(f"{ran.name}: other alerts than those of catena replay: {sorted(ran.found ^ expected)[:3]}")
        bars = Bars()
        bars.at_most("SQL of Catena over Parquet / catena replay over raw text", 1.2, wall(query, raw))
        bars.at_most("SQL of Catena / SQL by hand, both over Parquet", 1.5, wall(query, hand))
        bars.no_bar("SQL by hand over Parquet / catena replay over raw text", wall(hand, raw))
        bars.show()
    finally:
        if not chosen.keep:
            shutil.rmtree(data / str(chosen.lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
