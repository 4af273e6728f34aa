"""Proves that the harness tells good chains from bad ones, stores events as Athena does, and refuses what it cannot run.

usage: .engines/sql/bin/python harness_selftest.py [--dialect duckdb|trino|spark] [--time-zone ZONE]
"""

import json
from pathlib import Path

import harness
import ingest
from chain_trials import BAD, LISTS, START, call, flow, launch, login, request_of
from chain_trials import SCENARIOS as COMMON

HERE = Path(__file__).parent
SCENARIOS = [
    *COMMON,
    ("fields that do not apply", [login(0), launch(1, BAD), flow(2, **{"tcp-flags": "-", "dstport": "-"})], ["i-1"]),
]


def ask(engine, text, scenarios, lists=LISTS):
    return harness.respond(engine, json.dumps(request_of(text, scenarios, lists)).encode())


def chains(engine, chain, _):
    found = ask(engine, chain, [scenario for _, scenario, _ in SCENARIOS])
    assert "answers" in found, found
    for (name, _, expected), rows in zip(SCENARIOS, found["answers"], strict=True):
        assert sorted(row["egress_instance_id"] for row in rows) == expected, f"{name}: {rows}"
    first = found["answers"][0][0]
    assert first["console_time"] == START * 1_000_000 and first["egress_time"] == (START + 1500) * 1_000_000, first
    assert first["egress_flow_end"] == (START + 1560) * 1_000_000 and first["egress_destination_port"] == 443, first
    assert found["answers"][-1][0]["egress_destination_port"] is None, found["answers"][-1]
    other = ask(engine, chain, [SCENARIOS[0][1]], {"approved_images": "value,until\nami-bad,2999-12-31\n"})
    assert other == {"answers": [[]]}, other


SESSION = {"attributes": {"creationDate": "2026-01-01T00:00:00Z", "mfaAuthenticated": "true"}}
ODD = 'a"b\\c\n\u0001\u2028é'
CALLS = [
    call(0, "a", userAgent=ODD, readOnly=False, userIdentity={"sessionContext": SESSION}, apiVersion=1.5),
    call(1, "b", userAgent="", requestParameters=None, tlsDetails={"tlsVersion": "TLSv1.3"}, userIdentity=None),
    call(2, "c", requestParameters={"a": [1, "é'"]}, resources=[{"ARN": "x"}], userAgent=None),
]
FIELDS = """SELECT {time} AS only_time, {zone} AS only_part_time, eventid, useragent, readonly, apiversion, requestparameters,
  responseelements, useridentity.sessioncontext.attributes.mfaauthenticated AS mfa, tlsdetails.tlsversion AS tls,
  {quote}timestamp{quote} AS day FROM cloudtrail_logs"""
TIMES = {
    "duckdb": ("TRY_CAST(eventtime AS TIMESTAMPTZ)", "make_timestamp(1767225600000001)"),
    "trino": ("TRY(from_iso8601_timestamp(eventtime))", "from_unixtime_nanos(1767225600000001000)"),
    "spark": ("try_to_timestamp(eventtime)", "timestamp_micros(1767225600000001)"),
}


def fields(engine, _, dialect):
    """What stands in the columns, and that times are exact to a microsecond whatever the zone."""
    time, zone = TIMES[dialect]
    text = FIELDS.format(time=time, zone=zone, quote="`" if dialect == "spark" else '"')
    found = ask(engine, text, [CALLS])
    rows = sorted(found["answers"][0], key=lambda row: row["eventid"])
    assert [row["only_time"] for row in rows] == [(START + at) * 1_000_000 for at in range(3)], rows
    assert {row["only_part_time"] for row in rows} == {START * 1_000_000 + 1}, rows
    assert [row["useragent"] for row in rows] == [ODD, "", None], rows
    assert [row["readonly"] for row in rows] == ["false", None, None] and rows[0]["apiversion"] == "1.5", rows
    assert [row["mfa"] for row in rows] == ["true", None, None] and rows[1]["tls"] == "TLSv1.3", rows
    assert [row["requestparameters"] for row in rows] == [None, "null", '{"a":[1,"é\'"]}'], rows
    assert {row["day"] for row in rows} == {"2026/01/01"}, rows


def flows(engine, _, dialect):
    quote = "`" if dialect == "spark" else '"'
    text = f"SELECT {TIMES[dialect][1]} AS x_time, srcaddr, bytes, tcp_flags, traffic_path, {quote}end{quote} FROM vpc_flow_logs"
    odd = {"srcaddr": "-", "tcp-flags": "-", "traffic-path": "x", "bytes": "5000000000"}
    found = ask(engine, text, [[flow(0, **odd)]])
    row = found["answers"][0][0]
    assert (row["srcaddr"], row["bytes"], row["tcp_flags"], row["traffic_path"]) == ("-", 5_000_000_000, None, None), row
    assert row["end"] == START + 60, row


def tables(*_):
    """What is in a row, whichever engine: types, and days of delivery that follow the day of the event."""
    late = {"source": "aws.cloudtrail", "raw": {"eventTime": "2026-01-31T23:59:00Z"}}
    assert [ingest.row(late, place)[1]["timestamp"] for place in (0, 1)] == ["2026/02/01", "2026/02/01"]
    odd = {"source": "aws.vpcflow", "raw": {"start": "soon", "srcport": "2147483648", "bytes": "²"}}
    row = ingest.row(odd, 0)[1]
    assert [row[name] for name in ("start", "srcport", "bytes", "date")] == [None, None, None, "1970-01-01"], row


def refusals(engine, chain, dialect):
    scenario = [SCENARIOS[0][1]]
    time = TIMES[dialect][1]
    refused = [
        ask(engine, chain.replace("eventname", "eventnames"), scenario),
        ask(engine, "SELECT eventname FROM cloudtrail_logs", scenario),
        ask(engine, f"SELECT {time} AS a_time, 1 AS x, 2 AS x FROM cloudtrail_logs", scenario),
        ask(engine, chain + ";;", scenario, {}) if dialect == "trino" else ask(engine, chain + " LIMIT", scenario),
        ask(engine, "DROP TABLE cloudtrail_logs", scenario),
        ask(engine, f"SELECT {time} AS a_time FROM nowhere", scenario),
        harness.respond(engine, b"not json"),
    ]
    for number, answer in enumerate(refused):
        assert list(answer) == ["error"], f"refusal {number}: {answer}"


def main():
    asked = harness.options()
    dialect = {"databricks": "spark", "athena": "trino"}.get(asked.dialect, asked.dialect)
    engine = harness.engine_of(dialect, asked.time_zone)
    chain = (HERE / f"selftest_chain.{dialect}.sql").read_text(encoding="utf-8")
    for check in (chains, fields, flows, tables, refusals, chains):
        check(engine, chain, dialect)
    print(f"sql harness, {dialect}, {asked.time_zone}: selftest passed")


if __name__ == "__main__":
    main()
