"""The checker of SQL: each text is one query that its engine binds to the tables of the layout, without a row in them.

In and out: as ../common/batch.py has it; an entry also names its "dialect". DuckDB and Spark parse and bind themselves; Trino's
texts are parsed by sqlglot and bound in translation (trino.py); `check_trino.mjs` parses them by another grammar.
Codes: CQ01 the engine refuses the text; CQ02 a sliding frame where it is quadratic (Spark, Trino); CQ03 what a shell, dbt or
Spark would substitute; CQ04 two columns of one name; CQ05 no notes at the beginning.
usage: .engines/sql/bin/python check.py [--selftest] < batch.json     (.engines/spark/bin/python for texts of Spark)
"""

import functools
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

import harness
from batch import expect_verdicts, place, problem, run

# The list tables that a text reads, whose names are the rule's.
LIST = re.compile(r'SELECT (?:value|\w+\(value\)) FROM ["`]?(\w+)["`]? WHERE')
SLIDING = re.compile(r"RANGE BETWEEN [1-9][0-9]* PRECEDING AND (?:1 PRECEDING|CURRENT ROW)")
SUBSTITUTED = re.compile(r"\$\{|\{\{|\{%|\{#")


@functools.cache
def engine_of(dialect):
    return harness.engine_of(dialect)


def lints(text, dialect):
    if dialect != "duckdb":
        yield from ((match.start(), "CQ02", f"a sliding frame: {match.group()}") for match in SLIDING.finditer(text))
    # A pattern may hold a brace in DuckDB and Trino, whose texts nothing substitutes but dbt.
    found = SUBSTITUTED.finditer(text)
    yield from ((match.start(), "CQ03", f"{match.group()} is substituted") for match in found if dialect == "spark")
    if not text.startswith("-- "):
        yield 0, "CQ05", "the text does not begin with its notes"


def check(entry):
    text, dialect = entry["text"], entry["dialect"]
    engine = engine_of(dialect)
    engine.load({}, {name: [] for name in LIST.findall(text)})
    found = [problem(*place(text, at), code, message) for at, code, message in lints(text, dialect)]
    refused, names = engine.judged(text)
    if refused:
        return [problem(1, 1, "CQ01", refused[:1000]), *found]
    doubled = sorted({name for name in names if names.count(name) > 1})
    return found + [problem(1, 1, "CQ04", f"two columns are called {name}") for name in doubled]


def check_batch(batch):
    return [check(entry) for entry in batch]


DIALECTS = ("spark",) if "spark" in sys.prefix else ("duckdb", "trino")
BAD = {
    "CQ01": ["SELECT x FROM cloudtrail_logs", "SELECT FROM", "DROP TABLE cloudtrail_logs", "SELECT 1 AS a; SELECT 2 AS a"],
    "CQ04": ["SELECT 1 AS a, 2 AS a"],
}
ONLY = {
    "duckdb": {"CQ01": ["SELECT RLIKE(eventid, 'x') FROM cloudtrail_logs", "SELECT useridentity.nothing FROM cloudtrail_logs"]},
    "trino": {
        "CQ01": ["SELECT json_extract_string(eventid, '$') FROM cloudtrail_logs", "SELECT useridentity.x FROM cloudtrail_logs"],
        "CQ02": ["SELECT max(start) OVER (ORDER BY start RANGE BETWEEN 5 PRECEDING AND CURRENT ROW) AS m FROM vpc_flow_logs"],
    },
    "spark": {
        "CQ01": ["SELECT useridentity.nothing FROM cloudtrail_logs", "SELECT eventid FROM cloudtrail_logs GROUP BY eventname"],
        "CQ02": ["SELECT max(start) OVER (ORDER BY start RANGE BETWEEN 5 PRECEDING AND 1 PRECEDING) AS m FROM vpc_flow_logs"],
        "CQ03": ["SELECT '$" + "{env:HOME}' AS a", "SELECT '{" + "{ a }}' AS a"],
    },
}


def selftest():
    for dialect in DIALECTS:
        entry = functools.partial(of, dialect)
        chain = Path(__file__).with_name(f"selftest_chain.{dialect}.sql").read_text(encoding="utf-8")
        good = [{"name": "chain", "text": chain, "dialect": dialect}]
        good.append(entry("SELECT event FROM okta_system WHERE event IN (SELECT value FROM some_list WHERE until IS NULL)"))
        bad = [(code, entry(text)) for codes in (BAD, ONLY[dialect]) for code, texts in codes.items() for text in texts]
        bad.append(("CQ05", {"name": "bare", "text": "SELECT 1 AS a", "dialect": dialect}))
        expect_verdicts(f"sql, {dialect}", check_batch, good, bad)


def of(dialect, text):
    return {"name": text[:20], "text": f"-- a note\n{text}", "dialect": dialect}


if __name__ == "__main__":
    run(check_batch, selftest, ("name", "text", "dialect"))
