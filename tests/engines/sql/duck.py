"""DuckDB as the engine: tables filled with rows, one statement run.

In: rows by source, rows of lists, a text of DuckDB's SQL. Out: names of columns and rows, times in microseconds.
Must not know: scenarios, dialects but its own.
"""

import datetime
import json

import duckdb
from tables import NAMES, TREES, in_duckdb

EPOCH, MICROSECOND = datetime.datetime(1970, 1, 1), datetime.timedelta(microseconds=1)


def plain(value):
    """A time as microseconds since 1970; one without a zone is of UTC."""
    if isinstance(value, datetime.datetime):
        naive = value.astimezone(datetime.UTC).replace(tzinfo=None) if value.tzinfo else value
        return (naive - EPOCH) // MICROSECOND
    return value.isoformat() if isinstance(value, datetime.date) else value


class NoQuery(Exception):
    """Not one query."""


def only(text):
    statements = duckdb.extract_statements(text)
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        raise NoQuery(f"not one query: {[statement.type.name for statement in statements]}")
    return text


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


class Engine:
    """One connection serves all requests; a thread more costs more than it gives on tables this small."""

    Error = duckdb.Error

    def __init__(self, zone):
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute(f"SET TimeZone = '{zone}'")
        self.filled = set(TREES)
        self.load({}, {})

    def load(self, held, lists):
        """Tables that stay empty are left alone."""
        now = {source for source, rows in held.items() if rows}
        for source in self.filled | now:
            fields = {name: in_duckdb(kind) for name, kind in TREES[source].items()}
            self.fill(NAMES[source], fields, held.get(source, []))
        self.filled = now
        for name, rows in lists.items():
            self.fill(name, {"value": "VARCHAR", "until": "VARCHAR"}, rows)

    def fill(self, table, fields, rows):
        columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in fields.items())
        self.connection.execute(f"CREATE OR REPLACE TABLE {quoted(table)} ({columns})")
        if rows:
            one = f"unnest(CAST(CAST(? AS JSON) AS STRUCT({columns})[]))"
            self.connection.execute(f"INSERT INTO {quoted(table)} SELECT r.* FROM (SELECT {one} AS r)", [json.dumps(rows)])

    def keep(self, table, text, begins):
        """Adds what a query finds to a table, which begins with it or has held the rows of others."""
        how = f"CREATE OR REPLACE TABLE {quoted(table)} AS" if begins else f"INSERT INTO {quoted(table)}"
        self.connection.execute(f"{how}\n{only(text)}")

    def define(self, table, text):
        """What a text defines, in place of a table."""
        asked = "SELECT table_type FROM information_schema.tables WHERE table_name = ?"
        if self.connection.execute(asked, [table]).fetchone() == ("BASE TABLE",):
            self.connection.execute(f"DROP TABLE {quoted(table)}")
        self.connection.execute(text)

    def run(self, text):
        found = self.connection.execute(only(text))
        names = [column[0] for column in found.description]
        return names, [[plain(value) for value in row] for row in found.fetchall()]

    def judged(self, text):
        """Why the text is no query over the tables, or none, and its columns, as it names them. The tables should be empty."""
        try:
            return None, [column[0] for column in self.connection.execute(only(text)).description]
        except (duckdb.Error, NoQuery) as error:
            return f"{type(error).__name__}: {error}", []
