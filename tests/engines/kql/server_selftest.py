"""Proves what server.py sends and how it reads answers, against a stub that runs the query with duckdb-kql, and that
Microsoft's analyser takes the query for what it is meant to be. Nothing here says that a real Kusto does the same.

usage: .engines/duck/bin/python server_selftest.py
"""

import datetime
import functools
import json
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import duckdb_kql
import harness
import server
from harness_selftest import ADDRESSES, CALLS, CHAIN, FIELDS, SCENARIOS, flow, request_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

from service import Unanswered, respond  # noqa: E402
from stub import ended, raises, served  # noqa: E402

HERE = Path(__file__).parent
SERVER = HERE / "server.py"
WORKSPACE = {"LOG_ANALYTICS_WORKSPACE": "00000000-0000-4000-8000-000000000001", "LOG_ANALYTICS_TOKEN": "t"}
WATCHLIST = re.compile(r"^let _GetWatchlist = \(watchlistAlias: string\) (\{ datatable.*?\};)\n", re.MULTILINE | re.DOTALL)
TYPES = {"VARCHAR": "string", "TIMESTAMP": "datetime", "INTEGER": "int", "BIGINT": "long", "BOOLEAN": "bool", "DOUBLE": "real"}

REQUESTS = [
    request_of(CHAIN, [scenario for _, scenario, _ in SCENARIOS]),
    request_of(CHAIN, [scenario for _, scenario, _ in SCENARIOS], {"approved_images": "value,until\n"}),
    request_of(CHAIN, [[]]),
    request_of(FIELDS, [CALLS, CALLS[:1]]),
    request_of(ADDRESSES, [[flow(at, srcaddr=address) for at, address in enumerate(["10.1.2.3", "::A", "-"])]]),
]


class Stub:
    """Answers as Log Analytics does, or as Azure Data Explorer if asked. `fault`: an answer in place of the right one."""

    def __init__(self):
        self.connection, self.asked, self.fault, self.largest = harness.connect(), [], None, None

    def __call__(self, method, path, headers, body):
        assert (method, headers["Content-Type"]) == ("POST", "application/json")
        sent = json.loads(body)
        if path == f"/v1/workspaces/{WORKSPACE['LOG_ANALYTICS_WORKSPACE']}/query":
            assert (headers["Authorization"], headers["Prefer"]) == ("Bearer t", "wait=300")
            query, form = sent["query"], ("tables", "name", "type", "columns", "rows")
        else:
            assert (path, headers["Authorization"], sent["db"]) == ("/v1/rest/query", None, "NetDefaultDB")
            query, form = sent["csl"], ("Tables", "ColumnName", "ColumnType", "Columns", "Rows")
        if query == "print 1":
            return 200, table(form, [("print_0", "long")], [[1]])
        self.asked.append(query)
        if self.fault:
            return self.fault
        if self.largest and len(body) > self.largest:
            return 413, {"error": {"code": "PayloadTooLarge"}}
        try:
            return 200, table(form, *self.run(query))
        except (duckdb_kql.errors.KqlError, duckdb.Error) as error:
            message = {"code": "BadArgumentError", "innererror": {"code": "SemanticError", "message": str(error)}}
            return 400, {"error": message}

    def run(self, query):
        functions = [
            f"function _GetWatchlist(watchlistAlias: string) {found.rstrip(';')}" for found in WATCHLIST.findall(query)
        ]
        found = self.connection.execute(str(duckdb_kql.to_sql(WATCHLIST.sub("", query), functions=functions or None)))
        columns = [(column[0], TYPES[str(column[1])]) for column in found.description]
        return columns, [[shown(value) for value in row] for row in found.fetchall()]


def table(form, columns, rows):
    tables, name, kind, of_columns, of_rows = form
    fields = [{name: column, kind: type_} for column, type_ in columns]
    return {tables: [{"name": "PrimaryResult", of_columns: fields, of_rows: rows}]}


def shown(value):
    return f"{value.isoformat()}Z" if isinstance(value, datetime.datetime) else value


def asking(environment):
    product = (server.Kusto if "KUSTO_URL" in environment else server.LogAnalytics)(environment)
    return functools.partial(respond, lambda request: server.answer(product, request))


def agreed(url, stub):
    """Every request of the harness's own self-test, through the server and back; in halves too."""
    log_analytics = asking(WORKSPACE | {"LOG_ANALYTICS_URL": url})
    kusto = asking({"KUSTO_URL": url + "/", "KUSTO_DATABASE": "NetDefaultDB"})
    for request in REQUESTS:
        wanted = harness.respond(stub.connection, json.dumps(request).encode())
        stub.asked.clear()
        assert sorted_rows(log_analytics(request)) == sorted_rows(wanted)
        assert stub.asked[0].endswith(";\n" + request["parts"][0]["text"]), "the text is not sent byte for byte"
        assert sorted_rows(kusto(request)) == sorted_rows(wanted)
    wanted = harness.respond(stub.connection, json.dumps(REQUESTS[0]).encode())
    stub.asked.clear()
    stub.largest = len(json.dumps({"query": server.query_of(CHAIN, REQUESTS[0]["scenarios"][:4], {"approved_images": "value,until\n"})}))
    assert sorted_rows(log_analytics(REQUESTS[0])) == sorted_rows(wanted) and len(stub.asked) > 4
    stub.asked.clear()
    stub.largest, longest, server.LONGEST = None, server.LONGEST, 8_000
    assert sorted_rows(log_analytics(REQUESTS[0])) == sorted_rows(wanted) and len(stub.asked) > 2
    assert all(len(query) <= server.LONGEST for query in stub.asked)
    server.LONGEST = longest


def sorted_rows(answer):
    assert "answers" in answer, answer
    return [sorted(json.dumps(row, sort_keys=True) for row in rows) for rows in answer["answers"]]


def analysed(_url, _stub):
    """The analyser knows the tables and `_GetWatchlist` of schema.json; a name that a `let` gives wins over them."""
    queries = [server.query_of(one["parts"][0]["text"], one["scenarios"], one["lists"]) for one in REQUESTS]
    narrow = 'let AWSCloudTrail = datatable(EventName: string)["a"];\nAWSCloudTrail | where ReadOnly == true'
    given = (
        'let _GetWatchlist = (watchlistAlias: string) { datatable(Other: string)[] };\n_GetWatchlist("a") | project SearchKey'
    )
    entries = [{"name": str(at), "text": text} for at, text in enumerate([*queries, narrow, given])]
    ran = subprocess.run(["node", HERE / "check.js"], input=json.dumps(entries), capture_output=True, text=True, check=True)
    *found, unknown, other = [[one for one in answer["problems"] if " CK09 " not in one] for answer in json.loads(ran.stdout)]
    # The self-test's ipv6_is_match is Microsoft's own, so the only verdict to leave out is the length.
    assert found == [[] for _ in queries], found
    assert "KS142" in unknown[0] and "KS142" in other[0], (unknown, other)


def literals(_url, _stub):
    assert server.string('a"b\\c\n\t\u2028é😀') == '"a\\"b\\\\c\\u000a\\u0009\\u2028é😀"'
    moment = datetime.datetime(2026, 1, 1, 0, 0, 0, 5)
    values = [("int", 5, "int(5)"), ("long", None, "long(null)"), ("bool", False, "bool(false)"), ("string", None, '""')]
    for kind, value, wanted in [*values, ("datetime", moment, "datetime(2026-01-01T00:00:00.000005Z)")]:
        assert server.literal(kind, value) == wanted, (kind, value)
    assert server.value_of("datetime", "2026-01-01T02:00:00.1234567+02:00") == moment.replace(microsecond=123456)
    assert (server.value_of("bool", 0), server.value_of("string", ""), server.value_of("int", None)) == (False, None, None)
    assert "no datetime" in raises(Unanswered, server.value_of, "datetime", "soon")


TOKEN = {"error": {"code": "InvalidAuthenticationToken", "message": "The access token is invalid."}}
PARTIAL = {"tables": [], "error": {"code": "PartialError", "message": "E_QUERY_RESULT_SET_TOO_LARGE"}}
SHORT = {"tables": [{"name": "PrimaryResult", "columns": [{"name": "a", "type": "long"}], "rows": [[]]}]}
FAULTS = [
    ((401, TOKEN), "status 401"),
    ((403, TOKEN), "status 403"),
    ((504, b""), "status 504"),
    ((200, b"<html>"), "not JSON"),
    ((204, b""), "`tables`"),
    ((200, {"tables": []}), "no table"),
    ((200, PARTIAL), "not complete"),
    ((200, SHORT), "do not fit"),
]


def failed(url, stub):
    settings = WORKSPACE | {"LOG_ANALYTICS_URL": url}
    for answer, said in FAULTS:
        stub.fault = answer
        status, out, error = ended(SERVER, settings, REQUESTS[0])
        assert (status, out) == (1, "") and said in error, f"{answer}: {status} {error}"
    stub.fault = 200, {"Tables": [], "Exceptions": ["query was stopped"]}
    kusto = {"KUSTO_URL": url, "KUSTO_DATABASE": "NetDefaultDB"}
    assert "query was stopped" in ended(SERVER, kusto, REQUESTS[0])[2]
    for without in ({}, {"KUSTO_URL": url}, {"LOG_ANALYTICS_WORKSPACE": "w"}):
        assert ended(SERVER, without, REQUESTS[0])[2].startswith("set "), without
    stub.fault = None
    ask = asking(settings)
    bad = [FIELDS.replace("UserAgent =~", "UserAgnt =~"), "AWSCloudTrail | project EventName", FIELDS.replace("| project TimeGenerated", "| project time = TimeGenerated")]
    for text in bad:
        assert list(ask(request_of(text, [CALLS]))) == ["error"], text
    assert list(ask(request_of(CHAIN, [CALLS], {}))) == ["error"]


def main():
    stub = Stub()
    with served(stub) as url:
        for check in (literals, agreed, analysed, failed):
            check(url, stub)
    print(f"kql server: {len(REQUESTS)} requests and {len(FAULTS)} failures as against a stub", file=sys.stderr)


if __name__ == "__main__":
    main()
