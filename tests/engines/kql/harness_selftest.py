"""Proves that the harness tells good chains from bad ones, stores events as Sentinel does, and refuses what it cannot run.

usage: .engines/duck/bin/python harness_selftest.py
"""

import json
from pathlib import Path

import harness
from chain_trials import BAD, LISTS, START, call, flow, launch, login, request_of
from chain_trials import SCENARIOS as COMMON

CHAIN = Path(__file__).with_name("harness_selftest.kql").read_text()

FIELDS = """let step_only = AWSCloudTrail
| where UserAgent == "a\\"b\\\\c\\n\\u0001\\u2028é" or UserAgent =~ "KEY" or AwsEventId endswith "-X"
| project TimeGenerated, UserAgent, ReadOnly, SessionMfaAuthenticated, SessionCreationDate, AWSRegion;
step_only
"""
ADDRESSES = """let step_only = AWSVPCFlow
| where coalesce(ipv4_is_in_range(SrcAddr, "10.0.0.0/8"), false) or (SrcAddr contains ":" and ipv6_is_match(SrcAddr, "::a"))
| where isnotempty(parse_ipv6(DstAddr)) and not(coalesce(ipv6_is_in_any_range(DstAddr, dynamic(["fd00::/8"])), false))
| project TimeGenerated, End, SrcAddr, SrcPort, Bytes, InterfaceId;
step_only
"""
VALUES = """let step_only = AWSCloudTrail
| mv-apply _value = iff(array_length(parse_json(Resources)) > 0, parse_json(Resources), dynamic([null])) on (summarize _values_1 = countif(tostring(_value.ARN) in ("a", "b,c")), _values_2 = countif(isnotempty(tostring(_value.ARN))))
| project TimeGenerated, AwsEventId, _values_1, _values_2;
step_only
"""


SCENARIOS = [
    *COMMON,
    ("fields that do not apply", [login(0), launch(1, BAD), flow(2, **{"tcp-flags": "-", "dstport": "-"})], []),
]


def ask(connection, text, scenarios, lists=LISTS):
    return harness.respond(connection, json.dumps(request_of(text, scenarios, lists)).encode())


def chains(connection):
    found = ask(connection, CHAIN, [scenario for _, scenario, _ in SCENARIOS])
    for (name, _, expected), rows in zip(SCENARIOS, found["answers"], strict=True):
        assert sorted(row["egress_instance_id"] for row in rows) == expected, f"{name}: {rows}"
    first = found["answers"][0][0]
    assert first["console_time"] == START * 1_000_000 and first["egress_time"] == (START + 1500) * 1_000_000, first
    other = ask(connection, CHAIN, [SCENARIOS[0][1]], {"approved_images": "value,until\nami-bad,2999-12-31\n"})
    assert other == {"answers": [[]]}, other


SESSION = {"attributes": {"creationDate": "2026-01-01T00:00:00Z", "mfaAuthenticated": "true"}}
CALLS = [
    call(0, "a", userAgent='a"b\\c\n\u0001\u2028é', readOnly=False, userIdentity={"sessionContext": SESSION}),
    call(1, "b", userAgent="key", awsRegion=""),
    # The Kelvin sign is no `k` to an operator that knows ASCII only.
    call(2, "c", userAgent="\u212aey"),
    call(3, "d", eventID="d-x"),
    call(4, "e", userAgent="key", eventTime="soon"),
]


def fields(connection):
    rows = ask(connection, FIELDS, [CALLS])["answers"][0]
    assert [row["UserAgent"] for row in rows] == ['a"b\\c\n\u0001\u2028é', "key", None], rows
    assert rows[0]["ReadOnly"] is False and rows[0]["SessionMfaAuthenticated"] is True, rows
    assert rows[0]["SessionCreationDate"] == START * 1_000_000 and rows[1]["AWSRegion"] is None, rows


def addresses(connection):
    sources = ["10.1.2.3", "::A", "11.0.0.1", "AWS Internal", "-", "010.0.0.1"]
    rows = ask(connection, ADDRESSES, [[flow(at, srcaddr=address) for at, address in enumerate(sources)]])["answers"][0]
    assert [row["SrcAddr"] for row in rows] == ["10.1.2.3", "::A"], rows
    expected = {"TimeGenerated": START * 1_000_000, "End": (START + 60) * 1_000_000, "SrcPort": 40000, "Bytes": 9}
    assert expected.items() <= rows[0].items() and rows[0]["InterfaceId"] is None, rows[0]
    targets = ["1.2.3.4", "fd00::1", "2001:db8::1", "ec2.amazonaws.com", "-"]
    rows = ask(connection, ADDRESSES, [[flow(at, dstaddr=address) for at, address in enumerate(targets)]])["answers"][0]
    assert len(rows) == 2, rows


def values(connection):
    lists = [[{"ARN": "a"}, {"ARN": ""}, {"type": "x"}], [{"ARN": "b,c"}, {"ARN": None}, {"ARN": "d"}], [], None]
    calls = [call(at, str(at), **({} if arns is None else {"resources": arns})) for at, arns in enumerate(lists)]
    rows = ask(connection, VALUES, [calls])["answers"][0]
    assert [(row["_values_1"], row["_values_2"]) for row in rows] == [(1, 1), (1, 2), (0, 0), (0, 0)], rows
    # Without the item that makes sure of one, the row of a list without items is gone.
    bare = "_value = parse_json(Resources) on"
    start, _, end = VALUES.partition("_value = iff(")
    rows = ask(connection, start + bare + end.partition(" on")[2], [calls])["answers"][0]
    assert len(rows) == 2, rows


def refusals(connection):
    scenario = [SCENARIOS[0][1]]
    refused = [
        ask(connection, CHAIN, scenario, {}),
        ask(connection, "AWSCloudTrail | project EventName", scenario),
        ask(connection, FIELDS.replace('"KEY"', '"\\x41"'), scenario),
        ask(connection, FIELDS.replace("UserAgent =~", "UserAgnt =~"), scenario),
        ask(connection, FIELDS.replace("step_only\n", "step_only | scan declare (x: int)\n"), scenario),
        ask(connection, VALUES.replace("(summarize", "(where true | summarize"), scenario),
        harness.respond(connection, b"not json"),
    ]
    for number, answer in enumerate(refused):
        assert list(answer) == ["error"], f"refusal {number}: {answer}"


def main():
    connection = harness.connect()
    for check in (chains, fields, addresses, values, refusals, chains):
        check(connection)
    print("kql harness: selftest passed")


if __name__ == "__main__":
    main()
