"""Runs emitted KQL, byte for byte, over raw events as Sentinel would hold them.

In and out: the lines that README.md describes under "Execution", at record level. The engine is duckdb-kql; what it lacks is
in `functions.py`. Texts are read by it and by nobody else, but for the name of the last step and the lists they ask for.
"""

import bisect
import datetime
import functools
import json
import re
import sys
from pathlib import Path

import duckdb_kql
import functions
import ingest

SCHEMA = json.loads(Path(__file__).with_name("schema.json").read_text())["tables"]
TYPES = {"datetime": "TIMESTAMP", "string": "VARCHAR", "int": "INTEGER", "long": "BIGINT", "real": "DOUBLE", "bool": "BOOLEAN"}
EPOCH, MICROSECOND = datetime.datetime(1970, 1, 1), datetime.timedelta(microseconds=1)
WORD = re.compile(r"\w+")
STEP = re.compile(r"^let step_(\w+) = ", re.MULTILINE)
LIST = re.compile(r'_GetWatchlist\("(\w+)"\)')

# learn.microsoft.com/azure/sentinel/watchlists-queries: the rows of one watchlist, found by its alias.
WATCHLISTS = {"Alias": "string", "SearchKey": "string"}
GET_WATCHLIST = "function _GetWatchlist(watchlistAlias: string) { Watchlists | where Alias == watchlistAlias }"


class Refused(Exception):
    """The request cannot be answered."""


def connect():
    """One connection serves all requests; a thread more costs more than it gives on tables this small."""
    functions.extend_translator({name: kind for columns in SCHEMA.values() for name, kind in columns.items()})
    connection = duckdb_kql.connect(config={"threads": 1})
    functions.install(connection)
    return connection


@functools.lru_cache(1000)
def translated(text):
    """The SQL of a text, and the columns of the tables that the text names: fewer are faster to load and to carry along.
    Translating takes longer than running, and a rule is run over many worlds."""
    words = set(WORD.findall(text))
    schema = {table: {name: kind for name, kind in columns.items() if name in words} for table, columns in SCHEMA.items()}
    schema = {table: columns for table, columns in schema.items() if columns and table in words}
    tables = {name: list(columns) for name, columns in [*schema.items(), ("Watchlists", WATCHLISTS)]}
    sql = duckdb_kql.to_sql(text, schema=tables, functions=[GET_WATCHLIST] if LIST.search(text) else None)
    return str(sql), schema


def load(connection, table, columns, rows):
    """A table with nothing but these rows."""
    # Kusto has no null string: a text that is missing is empty.
    fields = (f'"{name}" {TYPES[kind]}' + (" DEFAULT ''" if kind == "string" else "") for name, kind in columns.items())
    connection.execute(f'CREATE OR REPLACE TABLE "{table}" ({", ".join(fields)})')
    used = [name for name in columns if any(name in row for row in rows)]
    if used:
        missing = {name: "" if columns[name] == "string" else None for name in used}
        values = [[row.get(name, missing[name]) for row in rows] for name in used]
        names = ", ".join(f'"{name}"' for name in used)
        lists = ", ".join(f"unnest(?::{TYPES[columns[name]]}[])" for name in used)
        connection.execute(f'INSERT INTO "{table}" ({names}) SELECT {lists}', values)


def load_events(connection, schema, worlds):
    tables = {name: [] for name in schema}
    for event in (event for world in worlds for event in world):
        table, row = ingest.row(event, schema)
        # An event without a time gets that of its arrival, which is in no world.
        if "TimeGenerated" in row:
            tables[table].append(row)
    for table, rows in tables.items():
        load(connection, table, schema[table], rows)


def load_lists(connection, text, lists):
    unknown = set(LIST.findall(text)) - set(lists)
    if unknown:
        raise Refused(f"the text reads lists that the request does not have: {', '.join(sorted(unknown))}")
    rows = [{"Alias": name, "SearchKey": value} for name, values in lists.items() for value in values]
    load(connection, "Watchlists", WATCHLISTS, rows)


def plain(value):
    """A value in the words of the contract. A text that is missing is empty in KQL."""
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // MICROSECOND
    return None if value == "" else value


def answers(names, rows, last, starts):
    """The rows of each world: that in which the last step lies."""
    found = [[] for _ in starts]
    for values in rows:
        row = {name: plain(value) for name, value in zip(names, values, strict=True)}
        world = bisect.bisect_right(starts, row[last] / 1_000_000) - 1
        if world < 0:
            raise Refused(f"an answer before the first world: {row}")
        found[world].append(row)
    return found


def answer(connection, request):
    texts = [part["text"] for part in request["parts"] if part["role"] == "query"]
    if len(texts) != 1 or len(request["parts"]) != 1:
        raise Refused(f"one query is expected, not {[part['role'] for part in request['parts']]}")
    steps = STEP.findall(texts[0])
    if not steps:
        raise Refused("the text has no steps")
    sql, schema = translated(texts[0])
    load_events(connection, schema, request["worlds"])
    load_lists(connection, texts[0], request.get("lists", {}))
    found = connection.execute(sql)
    names = [column[0] for column in found.description]
    return answers(names, found.fetchall(), f"{steps[-1]}_time", request["starts"])


def respond(connection, line):
    try:
        return {"answers": answer(connection, json.loads(line))}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main():
    connection = connect()
    for line in sys.stdin.buffer:
        print(json.dumps(respond(connection, line)), flush=True)


if __name__ == "__main__":
    main()
