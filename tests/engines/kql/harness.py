"""Runs emitted KQL, byte for byte, over raw events as Sentinel would hold them.

In and out: the lines that README.md describes under "Execution", at record level. The engine is duckdb-kql; what it lacks is
in `functions.py`. Texts are read by it and by nobody else, but for the lists they ask for.
"""

import functools
import json
import sys

import duckdb_kql
import functions
import ingest
import once
import several
from texts import LIST, SCHEMA, WATCHLISTS, answers, named, only_query, watchlists

TYPES = {"datetime": "TIMESTAMP", "string": "VARCHAR", "int": "INTEGER", "long": "BIGINT", "real": "DOUBLE", "bool": "BOOLEAN"}
GET_WATCHLIST = "function _GetWatchlist(watchlistAlias: string) { Watchlists | where Alias == watchlistAlias }"


def connect():
    """One connection serves all requests; a thread more costs more than it gives on tables this small."""
    functions.extend_translator({name: kind for columns in SCHEMA.values() for name, kind in columns.items()})
    connection = duckdb_kql.connect(config={"threads": 1})
    functions.install(connection)
    return connection


@functools.lru_cache(1000)
def translated(text):
    """The SQL and columns of a query, and what is done with its rows. Cached: translating takes longer than running, and a rule runs over many scenarios."""
    schema = named(text)
    tables = {name: list(columns) for name, columns in [*schema.items(), ("Watchlists", WATCHLISTS)]}
    text, end = once.split(several.rewritten(text))
    sql = duckdb_kql.to_sql(text, schema=tables, functions=[GET_WATCHLIST] if LIST.search(text) else None)
    return str(sql), schema, end


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


def load_events(connection, schema, scenarios):
    tables = {name: [] for name in schema}
    for event in (event for scenario in scenarios for event in scenario):
        table, row = ingest.row(event, schema)
        # An event without a time gets that of its arrival, which is in no scenario.
        if "TimeGenerated" in row:
            tables[table].append(row)
    for table, rows in tables.items():
        load(connection, table, schema[table], rows)


def load_lists(connection, text, lists):
    load(connection, "Watchlists", WATCHLISTS, [dict(zip(WATCHLISTS, row)) for row in watchlists(text, lists)])


def answer(connection, request):
    text = only_query(request)
    sql, schema, end = translated(text)
    load_events(connection, schema, request["scenarios"])
    load_lists(connection, text, request.get("lists", {}))
    found = connection.execute(sql)
    names = [column[0] for column in found.description]
    rows = found.fetchall()
    if end:
        names, rows = end.run(names, rows)
    return answers(names, rows, request["starts"])


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
