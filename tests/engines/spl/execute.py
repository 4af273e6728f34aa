"""Runs translated searches in DuckDB over raw events.

In: a search, scenarios of events per base macro, lookup tables. Out: the rows per scenario, as dictionaries.
An event is a dictionary: `_time` (seconds), `_raw` (text), and the fields that Splunk would have extracted, all text.
"""

import datetime
import functools
import ipaddress
import re
import sys
import time
import urllib.parse
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

import duckdb
import lists
from sql_expression import quote
from translate import translate

SPACE = "\t\n\v\f\r "


@functools.cache
def pattern(regex):
    """PCRE's classes that Python lacks; everything else that is emitted means the same in both."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(regex.replace("[:space:]", SPACE))


def match(text, regex):
    return pattern(regex).search(text) is not None


@functools.lru_cache(maxsize=4096)
def cidrmatch(network, address):
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network)
    except ValueError:
        return False


def replace(text, regex, replacement):
    return pattern(regex).sub(lambda _: replacement, text)


def strptime(text, form):
    try:
        return datetime.datetime.strptime(text, form.replace("%6N", "%f")).timestamp()
    except (TypeError, ValueError):
        return None


FUNCTIONS = {
    "spl_match": (match, ["VARCHAR", "VARCHAR"], "BOOLEAN"),
    "spl_cidrmatch": (cidrmatch, ["VARCHAR", "VARCHAR"], "BOOLEAN"),
    "spl_replace": (replace, ["VARCHAR", "VARCHAR", "VARCHAR"], "VARCHAR"),
    "spl_urldecode": (lambda text: urllib.parse.unquote(text), ["VARCHAR"], "VARCHAR"),
    "spl_strptime": (strptime, ["VARCHAR", "VARCHAR"], "DOUBLE"),
}


def connect():
    connection = duckdb.connect(config={"threads": 1})
    # A search becomes a hundred small steps over few rows: planning them would take as long as running them.
    connection.execute("PRAGMA disable_optimizer")
    for name, (function, arguments, result) in FUNCTIONS.items():
        nulls = "special" if function is strptime else "default"
        connection.create_function(name, function, arguments, result, null_handling=nulls)
    return connection


def load(connection, macro, fields, scenarios):
    """Events in the order of arrival, which is not that of their times."""
    names = sorted(fields - {"_time", "_raw"})
    columns = ["scenario INTEGER", "_time DOUBLE", "_raw VARCHAR", *(f"{quote('raw_' + name)} VARCHAR" for name in names)]
    table = quote(f"events_{macro}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({', '.join(columns)})")
    events = [(scenario, event) for scenario, events in enumerate(scenarios) for event in events]
    lists = [[scenario for scenario, _ in events]]
    lists += [[event.get(name) for _, event in events] for name in ("_time", "_raw", *names)]
    kinds = ["INTEGER", "DOUBLE", *("VARCHAR" for _ in lists[2:])]
    connection.execute(f"INSERT INTO {table} SELECT " + ", ".join(f"unnest(?::{kind}[])" for kind in kinds), lists)


def hold(connection, table, columns, scenarios):
    """The rows of each scenario, in a table of texts."""
    held = [(scenario, row) for scenario, rows in enumerate(scenarios) for row in rows]
    cells = [[scenario for scenario, _ in held], *([row.get(column) for _, row in held] for column in columns)]
    kinds = ["unnest(?::INTEGER[]) AS spl_of", *(f"unnest(?::VARCHAR[]) AS {quote(column)}" for column in columns)]
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {quote(table)} AS SELECT {', '.join(kinds)}", cells)


def rows(connection, search, scenarios, lookups, count, kept=None, clocks=None):
    """The rows of each of `count` scenarios. `scenarios`: macro to a list of event lists, one per scenario; `lookups`: name
    to the CSV file that fills it; `kept`: name to the rows that a search has kept, per scenario; `clocks`: the seconds
    of each scenario at which the search runs."""
    moments = list(enumerate(clocks or [time.time()] * count))
    connection.execute("CREATE OR REPLACE TEMP TABLE spl_clock (spl_of INTEGER, spl_now DOUBLE)")
    if moments:
        connection.executemany("INSERT INTO spl_clock VALUES (?, ?)", moments)
    for name, columns in search.kept.items():
        hold(connection, f"kept_{name}", sorted(columns), (kept or {}).get(name, []))
    for macro, fields in search.sources.items():
        load(connection, macro, fields, scenarios.get(macro, []))
    for name in search.lookups:
        table = quote(f"lookup_{name}")
        held = ", ".join(f"unnest(?::VARCHAR[]) AS {column}" for column in ("value", "until"))
        cells = [list(column) for column in zip(*lists.rows(lookups[name]))] or [[], []]
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {held}", cells)
    found = [[] for _ in range(count)]
    for scenario, *values in connection.execute(search.sql).fetchall():
        found[scenario].append(dict(zip(search.columns[1:], values)))
    return found


def run(text, scenarios, lookups=None):
    """The rows of each scenario of a search that runs once."""
    return rows(connect(), translate(text), scenarios, lookups or {}, max(map(len, scenarios.values()), default=0))
