"""Self-test of the harness: scenarios made by hand whose answer is known, and random streams on which the evaluator of
correlations must agree with the SQL of pySigma's backend.
"""

import functools
import json
import random
import sqlite3
import sys
from datetime import datetime, timezone
from pathlib import Path

from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection

import ingest
import harness

AN1318 = Path(__file__).with_name("harness_selftest.yml").read_text(encoding="utf-8")
HOSTILE = 'it\'s "x" \\ 100% _ * ? [a] `b` ; -- 日本'


def cloudtrail(second, name, **fields):
    moment = datetime.fromtimestamp(1_767_225_600 + second, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    raw = {"eventTime": moment, "eventName": name, "recipientAccountId": "012345678901", **fields}
    return {"source": "aws.cloudtrail", "raw": {key: value for key, value in raw.items() if value is not None}}


def console(second, arn="alice", **fields):
    done = {"eventSource": "signin.amazonaws.com", "responseElements": {"ConsoleLogin": "Success"}}
    return cloudtrail(second, "ConsoleLogin", userIdentity={"arn": arn}, **{**done, **fields})


def launch(second, arn="alice", items=(("ami-evil", "eni-1"),), **fields):
    made = [
        {"imageId": image, "networkInterfaceSet": {"items": [{"networkInterfaceId": eni}]} if eni else {}}
        for image, eni in items
    ]
    answer = {"instancesSet": {"items": made}}
    return cloudtrail(second, "RunInstances", userIdentity={"arn": arn}, responseElements=answer, **fields)


def egress(second, **fields):
    raw = {"start": str(1_767_225_600 + second), "account-id": "012345678901", "interface-id": "eni-1", "action": "ACCEPT"}
    return {"source": "aws.vpcflow", "raw": {**raw, "dstaddr": "198.51.100.7", "srcport": "40000", **fields}}


TWO = (("ami-evil", "eni-1"), ("ami-evil", "eni-2"))
# What happens, the events, and the events of the answer (None: no answer).
CHAINS = [
    ("the chain", [console(0), launch(240), egress(360)], [0, 1, 2]),
    ("late delivery", [egress(360), launch(240), console(0)], [2, 1, 0]),
    ("the last second", [console(0), launch(900), egress(1500)], [0, 1, 2]),
    ("one second late for the launch", [console(0), launch(901), egress(960)], None),
    ("one second late for egress", [console(0), launch(240), egress(841)], None),
    ("wrong order", [launch(0), console(10), egress(20)], None),
    ("ties count as in order", [console(0), launch(0), egress(0)], [0, 1, 2]),
    ("another user", [console(0, "bob"), launch(240), egress(360)], None),
    ("keys differ in case", [console(0, "Alice"), launch(240), egress(360)], None),
    ("no user", [console(0, None), launch(240, None), egress(360)], None),
    ("empty user", [console(0, ""), launch(240, ""), egress(360)], None),
    ("no interface", [console(0), launch(240, items=(("ami-evil", None),)), egress(360, **{"interface-id": "-"})], None),
    ("another interface", [console(0), launch(240), egress(360, **{"interface-id": "eni-9"})], None),
    ("the second item", [console(0), launch(240, items=TWO), egress(360, **{"interface-id": "eni-2"})], [0, 1, 2]),
    ("an approved item", [console(0), launch(240, items=(("ami-good-1", "eni-1"),)), egress(360)], None),
    ("cased", [console(0), launch(240, items=(("AMI-GOOD-1", "eni-1"),)), egress(360)], [0, 1, 2]),
    ("failed", [console(0), launch(240, errorCode="Denied"), egress(360)], None),
    ("IPv6", [console(0), launch(240), egress(360, dstaddr="2001:db8::7")], [0, 1, 2]),
    ("IPv6 inside, in another spelling", [console(0), launch(240), egress(360, dstaddr="FD00:0:0:0::0007")], None),
    ("mapped IPv4 is IPv6", [console(0), launch(240), egress(360, dstaddr="::ffff:10.0.0.1")], [0, 1, 2]),
    ("no address", [console(0), launch(240), egress(360, dstaddr="10.x")], [0, 1, 2]),
    ("a port below", [console(0), launch(240), egress(360, srcport="32767")], None),
    ("no port", [console(0), launch(240), egress(360, srcport="-")], None),
    ("hostile key", [console(0, HOSTILE), launch(240, HOSTILE), egress(360)], [0, 1, 2]),
    ("no time", [console(0, eventTime=None), launch(240), egress(360)], None),
    ("the wrong log", [console(0), launch(240), {**egress(360), "source": "aws.cloudtrail"}], None),
]

# An item of a selection, values that match it, values that do not; None is absent.
ITEMS = [
    ("f: 'a*b'", ["a1b", "AB"], ["a1", None]),
    (r"f: 'a\*b\?'", ["a*b?", "A*B?"], ["a1b?", "a*b1"]),
    (r"f: 'a\\b%_'", [r"a\b%_"], [r"a\bx_", r"a\b%x"]),
    ("f: 'it''s \"[x]\" `y`'", ['it\'s "[x]" `y`'], ["its"]),
    ("f|cased: 'a[b]*'", ["a[b]", "a[b]\nc"], ["A[b]", "ab"]),
    ("f|contains: 'É'", ["xéy"], ["xey"]),
    ("f: 'é'", ["É"], ["e"]),
    ("f|startswith|cased: '-x'", ["-xy"], ["-X", "x"]),
    ("f|re: '^(a|b)+$'", ["abba"], ["abc", "AB", None]),
    ("f: null", [None], ["", "x"]),
    ("f: ''", [""], [None, " "]),
    ("f: 443", [443], ["443", 4430, None]),
    ("f|lt: 5", [4, 4.5], [5, "4", "-", None]),
    ("f: true", [True, "true"], [False, None]),
    ("f|cidr: '192.0.2.0/25'", ["192.0.2.127"], ["192.0.2.128", "192.0.2", "::ffff:192.0.2.1", None]),
    ("f|fieldref: 'g'", ["same"], ["other", None]),
    ("f: 'x'", [["y", "x"], [["x"]]], [["y", "z"], []]),
    ("f|gte: 2", [[1, 2]], [[1, "3"]]),
    ("f: null", [[], [None]], [["x", None]]),
]


def base(name, body, condition="selection"):
    return (
        f"title: '{name}'\nname: '{name}'\nid: {ident(name)}\nlogsource: {{ product: aws, service: cloudtrail }}\n"
        f"detection:\n    selection:\n        {body}\n    condition: {condition}\n"
    )


def correlation(name, rules, kind="temporal_ordered"):
    return (
        f"title: '{name}'\nname: '{name}'\nid: {ident(name)}\ncorrelation:\n    type: {kind}\n"
        f"    rules: [{', '.join(rules)}]\n    group-by: [key]\n    timespan: 10s\n    condition: {{ gte: {len(rules)} }}\n"
    )


def count(name, rule, kind="event_count", field=""):
    return (
        f"title: '{name}'\nname: '{name}'\nid: {ident(name)}\ncorrelation:\n    type: {kind}\n"
        f"    rules: [{rule}]\n    group-by: [key]\n    timespan: 10s\n    condition: {{ gte: 2{field} }}\n"
    )


def ident(name):
    return f"00000000-0000-4000-8000-{name.encode().hex():0>12}"


def answered(text, events):
    answer = harness.answer({"parts": [{"text": text}], "scenarios": [events]})
    assert "answers" in answer, answer
    return answer["answers"][0]


def check_chains():
    for what, events, expected in CHAINS:
        rows = answered(AN1318, events)
        wanted = [] if expected is None else [{"events": expected, "key": ["012345678901"]}]
        assert rows == wanted, f"{what}: {rows}"
    scenarios = [events for _, events, _ in CHAINS]
    found = harness.answer({"parts": [{"text": AN1318}], "scenarios": scenarios})["answers"]
    assert [bool(rows) for rows in found] == [expected is not None for _, _, expected in CHAINS], "scenarios mix"


def check_items():
    for item, good, bad in ITEMS:
        for condition, matching in (("selection", good), ("not selection", bad)):
            text = base("item", item, condition)
            for values, expected in ((good, matching is good), (bad, matching is bad)):
                for value in values:
                    rows = answered(text, [cloudtrail(0, "X", f=value, g="SAME")])
                    assert bool(rows) == expected, f"{condition} {item} on {value!r}: {rows}"


def check_refusals():
    lonely = correlation("top", ["a", "b"])
    a, b = base("a", "f: 'a'"), base("b", "f: 'b'")
    for text in (
        "title: [",
        f"{a}---\n{b}",
        f"{a}---\n{lonely}",
        f"{a}---\n{b}---\n{lonely.replace('gte: 2', 'gte: 1')}",
        f"{a}---\n{b}---\n{lonely.replace('temporal_ordered', 'event_count')}",
        f"{a}---\n{b}---\n{count('top', 'a').replace('gte', 'lte')}---\n{correlation('out', ['top', 'b'])}",
        f"{a}---\n{b}---\n{lonely.replace('10s', '0s')}",
        base("a", "f: 'a'", "other"),
        a.replace("vpcflow", "x").replace("cloudtrail", "s3"),
    ):
        assert "error" in harness.answer({"parts": [{"text": text}], "scenarios": [[console(0)]]}), text
    inner = correlation("in", ["a", "b"])
    outer = correlation("out", ["in", "a"]).replace("[key]", "[other]")
    scenario = [cloudtrail(0, "X", f="a", key="k"), cloudtrail(1, "X", f="b", key="k")]
    answer = harness.answer({"parts": [{"text": "---\n".join([a, b, inner, outer])}], "scenarios": [scenario]})
    assert "no field other" in answer.get("error", ""), answer


@functools.lru_cache
def backend_query(text):
    [query] = sqliteBackend(timestamp_field="eventTime").convert(SigmaCollection.from_yaml(text))
    return query


def by_backend(text, events):
    """The second and key of every alert of the backend's own SQL."""
    database = sqlite3.connect(":memory:")
    names = ("eventTime", "f", "key")
    database.execute("CREATE TABLE logs (eventTime, f, key)")
    rows = [tuple(event["raw"].get(name) for name in names) for event in events]
    database.executemany("INSERT INTO logs VALUES (?, ?, ?)", rows)
    found = database.execute(f"SELECT occurrence_time, group_keys FROM ({backend_query(text)})").fetchall()
    return {(round(time), json.loads(keys)["key"]) for time, keys in found}


def check_streams(streams):
    bases = [base(name, f"f: '{name}'") for name in "abc"]
    any_letter = base("any", "f: ['a', 'b', 'c']")
    nested = [correlation("ab", ["a", "b"]), correlation("top", ["ab", "c"])]
    texts = {
        "pair": "---\n".join([*bases[:2], correlation("top", ["a", "b"])]),
        "triple": "---\n".join([*bases, correlation("top", ["a", "b", "c"])]),
        "unordered": "---\n".join([*bases, correlation("top", ["a", "b", "c"], "temporal")]),
        "nested": "---\n".join([*bases, *nested]),
        "events": "---\n".join([bases[0], count("top", "a")]),
        "values": "---\n".join([any_letter, count("top", "any", "value_count", ", field: f")]),
        "burst": "---\n".join([*bases[:2], count("many", "a"), correlation("top", ["many", "b"])]),
    }
    last = {"pair": "b", "triple": "c", "unordered": "abc", "nested": "c", "events": "a", "values": "abc", "burst": "b"}
    alerts = dict.fromkeys(texts, 0)
    dice = random.Random(1318)
    for _ in range(streams):
        seconds = dice.sample(range(20), 8)
        events = [cloudtrail(second, "X", f=dice.choice("abc"), key=dice.choice(["k", "l", None])) for second in seconds]
        for name, text in texts.items():
            ends = {ingest.time(event) // 1_000_000 for event in events if event["raw"]["f"] in last[name]}
            theirs = {(time, key) for time, key in by_backend(text, events) if time in ends}
            rows = [row for row in answered(text, events) if row["key"] != [None]]  # which the backend leaves out
            ours = {(ingest.time(events[row["events"][-1]]) // 1_000_000, row["key"][0]) for row in rows}
            if name == "unordered":
                ours = {(max(ingest.time(events[n]) for n in row["events"]) // 1_000_000, row["key"][0]) for row in rows}
            # The backend lets an inner correlation fire again on later first steps, so its outer one may say more.
            same = ours <= theirs if name == "nested" else ours == theirs
            assert same, f"{name}: {ours ^ theirs} in {events}"
            alerts[name] += len(ours)
    assert min(alerts.values()) > streams // 20, alerts
    return alerts


def main():
    check_chains()
    check_items()
    check_refusals()
    alerts = check_streams(100)
    values = sum(len(good) + len(bad) for _, good, bad in ITEMS)
    counts = f"{len(CHAINS)} scenarios, {values} values, 100 streams with {sum(alerts.values())} alerts"
    print(f"sigma harness: {counts} answered rightly", file=sys.stderr)


if __name__ == "__main__":
    main()
