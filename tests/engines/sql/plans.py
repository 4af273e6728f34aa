"""Proves by the plans of DuckDB and Spark what `docs/sql.md` says of cost: no join of every row with every row, no sort-merge
join, and a bounded number of shuffles.

In: the program `catena`, rule files of plain links. Out: the figures on standard error, or what is wrong. Spark's plan is the
one that ran, so that exchanges which it used twice count once. A query is planted that must be refused.
usage: .engines/sql/bin/python plans.py CATENA RULE… --dialect duckdb     (.engines/spark/bin/python, spark)
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

import harness
import ingest
from world import world

# Nothing of these grows with the product of two tables.
FORBIDDEN = {
    "duckdb": r"Cross Product|Nested Loop Join|Blockwise NL Join|IE Join|Piecewise Merge Join",
    "spark": r"CartesianProduct|BroadcastNestedLoopJoin|SortMergeJoin",
}
PLANTED = "SELECT a.eventid FROM cloudtrail_logs a JOIN cloudtrail_logs b ON a.eventtime < b.eventtime"


def plan(engine, dialect, text):
    """The plan as text, and the shuffles that ran; DuckDB has none."""
    if dialect == "duckdb":
        rows = engine.connection.execute("EXPLAIN " + text).fetchall()
        return "\n".join(row[1] for row in rows), 0
    found = engine.query(text)
    found.collect()
    told = found._jdf.queryExecution().executedPlan().toString()
    final = told.split("== Initial Plan ==")[0]
    return final, len(re.findall(r"(?<!Reused)ShuffleQueryStage", final)) - len(re.findall(r"ReusedExchange", final))


def compiled(catena, rule, dialect):
    command = [catena, "compile", rule, "--target", "sql", "--dialect", dialect, "--format", "json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return [(one["rule"], one["parts"][0]["text"]) for one in json.loads(ran.stdout)]


def main():
    reader = argparse.ArgumentParser()
    reader.add_argument("catena")
    reader.add_argument("rules", nargs="+")
    reader.add_argument("--dialect", required=True)
    asked = reader.parse_args()
    forbidden = re.compile(FORBIDDEN[asked.dialect])
    engine = harness.engine_of(asked.dialect)
    # Rows, or the plan that ran would be that of nothing.
    engine.load(ingest.rows([world(7, 200)]), {})
    assert forbidden.search(plan(engine, asked.dialect, PLANTED)[0]), "a join of all pairs is not seen"
    for rule in asked.rules:
        for name, text in compiled(asked.catena, rule, asked.dialect):
            told, shuffles = plan(engine, asked.dialect, text)
            links = len(set(re.findall(r"^link_\d+ AS", text, re.MULTILINE)))
            found = forbidden.search(told)
            assert not found, f"{name}: {found.group()}\n{told}"
            # A link reads the state before it twice, in its bucket and the next; one more puts the copies of an event together,
            # and so does one where a link by any value left a record several rows.
            links_by_any = text.count("AS each_value")
            assert shuffles <= 2 * links + links_by_any + 1, f"{name}: {shuffles} shuffles for {links} links\n{told}"
            print(f"{asked.dialect}: {name}: {links} links, {shuffles} shuffles", file=sys.stderr)


if __name__ == "__main__":
    main()
