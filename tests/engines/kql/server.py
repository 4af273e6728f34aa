"""Runs emitted KQL on a real Kusto: a Log Analytics workspace, or a cluster of Azure Data Explorer or its emulator.

In: requests, as ../README.md has them; the environment: LOG_ANALYTICS_WORKSPACE (its id) and LOG_ANALYTICS_TOKEN (a
bearer token for https://api.loganalytics.io), LOG_ANALYTICS_URL for another cloud; or KUSTO_URL, KUSTO_DATABASE and,
unless it is the emulator, KUSTO_TOKEN. Needed there: the right to read. Out: an answer a line. Must not know: what the
answer should be.

Nothing is written: the rows stand in the query itself, in statements `let AWSCloudTrail = datatable(…)[…];` before the
emitted text, which follows byte for byte. Microsoft's pages, below https://learn.microsoft.com/:
- kusto/query/let-statement: where a name had another meaning, the innermost `let` applies; the analyser of
  ../kql/check.js agrees (server_selftest.py). No blank lines between statements. `_GetWatchlist` becomes a function of
  the same form.
- kusto/query/datatable-operator; kusto/query/scalar-data-types (string: escapes, no null; null values: int(null)).
- azure/azure-monitor/logs/api/request-format, response-format (`tables`, `PartialError` beside a status of 200),
  timeouts (`Prefer: wait`, at most 10 minutes; a bad text is status 400).
- kusto/api/rest/request, response: `csl` and `db`; the first of `Tables` is the result; 413 for a request that is too
  large.
- azure/azure-monitor/service-limits: 200 requests in 30 seconds, then 429; 500,000 rows and about 100 MB in an answer.
No page says how long the text of a query may be. LONGEST is our own choice, and a request that is refused as too large
is halved.
usage: .engines/duck/bin/python server.py < requests > answers
"""

import datetime
import json
import os
import sys
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

import ingest
import texts
from service import Refused, Service, Unanswered, run, setting, taken

LONGEST = 250_000  # bytes of a query
PATIENCE = 300  # seconds for one query
MOST = 500_000  # rows of an answer


class LogAnalytics:
    def __init__(self, environment):
        workspace, token = setting(environment, "LOG_ANALYTICS_WORKSPACE"), setting(environment, "LOG_ANALYTICS_TOKEN")
        url = environment.get("LOG_ANALYTICS_URL") or "https://api.loganalytics.io"
        headers = {"Authorization": f"Bearer {token}", "Prefer": f"wait={PATIENCE}"}
        self.service = Service(url, headers, PATIENCE + 30)
        self.path = f"/v1/workspaces/{urllib.parse.quote(workspace, safe='')}/query"

    def table(self, query):
        """(names of the columns, their types, rows)"""
        found = self.service.call("POST", self.path, json.dumps({"query": query}))
        if "error" in found:
            raise Unanswered(f"an answer is not complete: {json.dumps(found['error'])[:1000]}")
        return columns_and_rows(taken(found, "tables"), "name", "type", "columns", "rows")


class Kusto:
    def __init__(self, environment):
        url, self.database = setting(environment, "KUSTO_URL"), setting(environment, "KUSTO_DATABASE")
        token = environment.get("KUSTO_TOKEN")
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self.service = Service(url, headers, PATIENCE)

    def table(self, query):
        found = self.service.call("POST", "/v1/rest/query", json.dumps({"db": self.database, "csl": query}))
        if found.get("Exceptions"):
            raise Unanswered(f"an answer is not complete: {json.dumps(found['Exceptions'])[:1000]}")
        return columns_and_rows(taken(found, "Tables"), "ColumnName", "ColumnType", "Columns", "Rows")


def columns_and_rows(tables, name, kind, columns, rows):
    if not tables:
        raise Unanswered("the answer has no table")
    fields = taken(tables[0], columns)
    found = taken(tables[0], rows)
    names = [taken(field, name, kind=str) for field in fields]
    if any(not isinstance(row, list) or len(row) != len(names) for row in found):
        raise Unanswered(f"the answer has rows that do not fit its columns: {json.dumps(found)[:300]}")
    if len(found) >= MOST:
        raise Unanswered(f"{MOST} rows or more: ask with fewer scenarios")
    return names, [taken(field, kind, kind=str) for field in fields], found


def literal(kind, value):
    """A value of a column; `value` is None where it is missing."""
    if kind == "string":
        return string(value or "")
    if value is None:
        return f"{kind}(null)"
    if kind == "datetime":
        return f"datetime({value.isoformat()}Z)"
    return f"{kind}({str(value).lower() if kind == 'bool' else value})"


def string(text):
    """Everything that is not plainly visible as an escape."""
    plain = {"\\": "\\\\", '"': '\\"'}

    def escaped(char):
        return f"\\u{ord(char):04x}" if not char.isprintable() and ord(char) < 0x10000 else char

    return '"' + "".join(plain.get(char) or escaped(char) for char in text) + '"'


def datatable(columns, rows):
    names = ", ".join(f"{name}: {kind}" for name, kind in columns.items())
    values = ",\n".join(", ".join(literal(kind, row.get(name)) for name, kind in columns.items()) for row in rows)
    return f"datatable({names})[\n{values}]" if rows else f"datatable({names})[]"


def query_of(text, scenarios, lists):
    """The text behind the statements that give its names their rows."""
    schema = texts.named(text)
    tables = {name: [] for name in schema}
    for event in (event for scenario in scenarios for event in scenario):
        table, row = ingest.row(event, schema)
        # An event without a time gets that of its arrival, which is in no scenario.
        if "TimeGenerated" in row:
            tables[table].append(row)
    statements = [f"let {table} = {datatable(schema[table], rows)};\n" for table, rows in tables.items()]
    if texts.LIST.search(text):
        rows = [dict(zip(texts.WATCHLISTS, row)) for row in texts.watchlists(text, lists)]
        known = datatable(texts.WATCHLISTS, rows)
        statements.append(f"let _GetWatchlist = (watchlistAlias: string) {{ {known}\n| where Alias == watchlistAlias }};\n")
    return "".join(statements) + text


def rows_of(product, text, scenarios, lists):
    """The table of all scenarios; asked for in two halves where the query is too long."""
    query = query_of(text, scenarios, lists)
    halves = scenarios[: len(scenarios) // 2], scenarios[len(scenarios) // 2 :]
    too_long = len(query.encode("utf-8")) > LONGEST
    if not too_long or len(scenarios) == 1:
        try:
            return product.table(query)
        except Unanswered as error:
            if error.status == 400:
                raise Refused(str(error)) from error
            if error.status != 413 or len(scenarios) == 1:
                raise
    names, kinds, first = rows_of(product, text, halves[0], lists)
    return names, kinds, first + rows_of(product, text, halves[1], lists)[2]


def value_of(kind, value):
    """A value as kql/harness.py has it."""
    if value is None or value == "":
        return None
    try:
        if kind == "datetime":
            return datetime.datetime.fromisoformat(value).astimezone(datetime.UTC).replace(tzinfo=None)
        return bool(value) if kind == "bool" else value
    except (TypeError, ValueError) as error:
        raise Unanswered(f"{value!r} is no {kind}: {error}") from error


def answer(product, request):
    try:
        text = texts.only_query(request)
        names, kinds, found = rows_of(product, text, request["scenarios"], request.get("lists", {}))
        rows = [[value_of(kind, value) for kind, value in zip(kinds, row)] for row in found]
        if texts.STAMP in names and any(row[names.index(texts.STAMP)] is None for row in rows):
            raise Refused(f"a row without {texts.STAMP}")
        return texts.answers(names, rows, request["starts"])
    except texts.Refused as refusal:
        raise Refused(str(refusal)) from refusal


def connect():
    environment = os.environ
    product = (Kusto if environment.get("KUSTO_URL") else LogAnalytics)(environment)
    _, _, rows = product.table("print 1")
    if rows != [[1]]:
        raise Unanswered(f"`print 1` gives {rows}")
    print(f"KQL runs on {product.service.url}", file=sys.stderr)
    return lambda request: answer(product, request)


if __name__ == "__main__":
    run(connect)
