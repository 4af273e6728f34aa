"""Proves that the harness tells good chains from bad ones, and holds the matcher against the `eql` package.

usage: .engines/eql/bin/python harness_selftest.py [--streams N]       10,000 random streams unless told otherwise
"""

import argparse
import random
import sys

from eql.engine import PythonEngine
from eql.events import Event
from eql.parser import allow_runs, elasticsearch_syntax, parse_query
from harness import answer
from harness_events import call, console, flow, launch
from matcher import sequences, stages
from query import parse

HEAD = "// index: logs-aws.cloudtrail-*, logs-aws.vpcflow-*, .alerts-security.*\n"
LAUNCH = (
    '[any where event.action == "RunInstances" and event.outcome == "success" and related.entity != null{more}]'
    " by related.entity"
)
EGRESS = '[any where aws.vpcflow.action == "ACCEPT" and aws.vpcflow.interface_id != null] by aws.vpcflow.interface_id'
STAND_IN = "// engine: alerts carry `user.id` in place of `actor.id`, and the parts are joined by it\n"
STAGE = f"{HEAD}sequence with maxspan=20m {LAUNCH.format(more='')} {EGRESS}"
QUERY = f"""{HEAD}{STAND_IN}sequence by user.id with maxspan=50m
  [any where event.kind == "event" and event.action == "ConsoleLogin" and event.outcome == "success" and user.id != null]
  [any where event.kind == "event" and event.action == "RunInstances" and user.id != null]
  [any where event.kind == "signal" and kibana.alert.rule.rule_id == "S" and kibana.alert.group.index == 0 and user.id != null]
"""
ALICE = "arn:aws:iam::1:user/alice"
SCHEDULE = {"every": 300, "look_back": 3_300}
PART = {"name": "q", "id": "Q", "role": "query", "schedule": SCHEDULE}
STAGED = [{"name": "s", "id": "S", "role": "stage", "schedule": SCHEDULE, "text": STAGE}, PART | {"text": QUERY}]


def single(text):
    return [PART | {"text": HEAD + text}]


def pairs(condition="", span="10m"):
    more = f" and {condition}" if condition else ""
    return single(f"sequence with maxspan={span} {LAUNCH.format(more=more)} {EGRESS}")


ANY_FLOW = 'any where data_stream.dataset == "aws.vpcflow" and {}'
CALL = 'any where data_stream.dataset == "aws.cloudtrail" and {}'
ANY = CALL.format("true")
CHAIN = [console(0), launch(240, enis=["eni-1"]), flow(360, "eni-1")]
# The widest chain of the stage and the query: 30 minutes, 10 of aggregation, 10 of delivery, 5 until the rule runs.
LATE = [console(0), launch(1_200, enis=["eni-1"]), flow(1_500, "eni-1", lasts=600)]
HOSTILE = 'a"b\\c*?(x) or 1=1 // é ß 😀'
HOSTILE_TEXT = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')



def by_caller(items, span="10m"):
    """A sequence by the caller: of sign-ins (`C`), launches (`L`) and reads (`R`), `!` before what must not come."""
    actions = {"C": "ConsoleLogin", "L": "RunInstances", "R": "GetSecretValue"}
    key = "aws.cloudtrail.user_identity.arn"
    item = '{0}[any where event.action == "{1}" and {2} != null]{3}'
    written = [item.format("!" * one.startswith("!"), actions[one.strip("!")[0]], key, one.strip("!")[1:]) for one in items]
    return single(f"sequence by {key} with maxspan={span} {' '.join(written)}")


def read(second, user="alice"):
    return call(second, "GetSecretValue", "secretsmanager.amazonaws.com", user)


BETWEEN, BEFORE, AFTER = ["C", "!R", "L"], ["!R", "L"], ["L", "!R"]
FOUND = [([0, 1], [ALICE])]

# (name, parts, scenario, rows as (events, key))
CASES = [
    ("nothing between", by_caller(BETWEEN), [console(0), launch(9)], FOUND),
    ("something between", by_caller(BETWEEN), [console(0), read(5), launch(9)], []),
    ("another's between", by_caller(BETWEEN), [console(0), launch(9), read(5, "bob")], FOUND),
    ("at the instant of a neighbour", by_caller(BETWEEN), [console(0), launch(9), read(0), read(9)], FOUND),
    ("what was spoiled is used up", by_caller(BETWEEN), [console(0), launch(9), read(1), launch(10)], []),
    ("the latest is not spoiled", by_caller(BETWEEN), [console(0), read(1), console(2), launch(9)], [([2, 3], [ALICE])]),
    ("nothing before", by_caller(BEFORE), [read(0), launch(601)], [([1], [ALICE])]),
    ("something just within the time before", by_caller(BEFORE), [read(0), launch(600)], []),
    ("something at that very instant", by_caller(BEFORE), [read(0), launch(0)], [([1], [ALICE])]),
    ("nothing after", by_caller(AFTER), [launch(0), read(601)], [([0], [ALICE])]),
    ("something just within the time after", by_caller(AFTER), [launch(0), read(600)], []),
    ("as many as are asked for", by_caller(["C with runs=3"]), [console(0), console(5), console(600)], [([0, 1, 2], [ALICE])]),
    ("too far apart", by_caller(["C with runs=3"]), [console(0), console(5), console(601)], []),
    (
        "each that completes",
        by_caller(["C with runs=2", "L"]),
        [console(0), console(1), console(2), launch(3)],
        [([1, 2, 3], [ALICE])],
    ),
    ("a chain of three steps", STAGED, CHAIN, [([0, 1, None], [ALICE])]),
    ("the last moment of both parts", STAGED, LATE, [([0, 1, None], [ALICE])]),
    ("one second too late", STAGED, [console(-1), *LATE[1:]], []),
    ("the alert of another's launch", STAGED, [console(0, "bob"), *CHAIN[1:]], []),
    ("the sign-in after the launch", STAGED, [CHAIN[1], console(250), CHAIN[2]], []),
    ("no alert without egress", STAGED, CHAIN[:2], []),
    ("bounds are inclusive", pairs(), [launch(0, enis=["eni-1"]), flow(600, "eni-1")], [([0, 1], ["eni-1"])]),
    ("one second more", pairs(), [launch(0, enis=["eni-1"]), flow(601, "eni-1")], []),
    ("the end of the flow is its time", pairs(), [launch(0, enis=["eni-1"]), flow(0, "eni-1", lasts=601)], []),
    ("two items in a launch", pairs(), [launch(0, enis=["eni-1", "eni-2"]), flow(9, "eni-2")], [([0, 1], ["eni-2"])]),
    (
        "one launch, two keys",
        pairs(),
        [launch(0, enis=["e1", "e2"]), flow(5, "e2"), flow(9, "e1")],
        [([0, 1], ["e2"]), ([0, 2], ["e1"])],
    ),
    ("a sequence is used up", pairs(), [launch(0, enis=["e"]), flow(5, "e"), flow(9, "e")], [([0, 1], ["e"])]),
    ("the newer event counts", pairs(), [launch(0, enis=["e"]), launch(7, enis=["e"]), flow(9, "e")], [([1, 2], ["e"])]),
    ("a missing key never joins", pairs(), [launch(0, enis=["-"]), flow(5, "-")], []),
    (
        "an optional key joins what lacks it",
        single(f"sequence by ?aws.cloudtrail.vpc_endpoint_id with maxspan=5m [{ANY}] [{ANY}]"),
        [console(0), console(9)],
        [([0, 1], [None])],
    ),
    ("a failed launch", pairs(), [launch(0, enis=["e"], errorCode="Client.DryRunOperation"), flow(5, "e")], []),
    ("a tie in the order of delivery", pairs(), [launch(5, enis=["e"]), flow(5, "e")], [([0, 1], ["e"])]),
    ("a tie in the other order", pairs(), [flow(5, "e"), launch(5, enis=["e"])], []),
    ("other indexes are not searched", [PART | {"text": f"// index: logs-aws.vpcflow-*\n{CALL.format('true')}"}], CHAIN, []),
    (
        "a condition on a key is copied to the other item",
        pairs('related.entity == "ami-1"'),
        [launch(0, enis=["e"]), flow(5, "e")],
        [],
    ),
    (
        "a condition with `or` is not",
        pairs('(related.entity == "ami-1" or event.kind == "never")'),
        [launch(0, enis=["e"]), flow(5, "e")],
        [([0, 1], ["e"])],
    ),
    (
        "IPv6",
        single(ANY_FLOW.format('cidrMatch(source.ip, "2001:db8::/32")')),
        [flow(0, "e", srcaddr="2001:DB8:0::7")],
        [([0], [])],
    ),
    ("IPv4 is no IPv6", single(ANY_FLOW.format('cidrMatch(source.ip, "fd00::/8")')), [flow(0, "e", srcaddr="253.0.0.1")], []),
    ("no address", single(CALL.format("source.ip == null")), [console(0, sourceIPAddress="AWS Internal")], [([0], [])]),
    ("NODATA", single(ANY_FLOW.format("destination.port == null")), [flow(0, "e", dstport="-")], [([0], [])]),
    ("numbers", single(ANY_FLOW.format("network.bytes > 999 and destination.port in (443, 80)")), [flow(0, "e")], [([0], [])]),
    (
        "a hostile text",
        single(CALL.format(f'user_agent.original == "{HOSTILE_TEXT}"')),
        [console(0, userAgent=HOSTILE)],
        [([0], [])],
    ),
    ("case counts", single(CALL.format('user_agent.original == "Cli"')), [console(0, userAgent="cli")], []),
    ("case of ASCII only", single(CALL.format('user_agent.original like~ "CLI É*"')), [console(0, userAgent="cli é1")], []),
    ("case does not count", single(CALL.format('user_agent.original in~ ("CLI")')), [console(0, userAgent="cli")], [([0], [])]),
    ("a whole expression", single(CALL.format('user_agent.original regex "c[a-l]+"')), [console(0, userAgent="cli!")], []),
    (
        "a text of a map",
        single(CALL.format('aws.cloudtrail.request_parameters like "*imageId=ami-1,*"')),
        [launch(0, enis=["e"])],
        [([0], [])],
    ),
    (
        "a role's name in place of the user's",
        single(CALL.format('user.name == "Admin"')),
        [console(0, userIdentity={"sessionContext": {"sessionIssuer": {"userName": "Admin"}}}), console(1)],
        [([0], [])],
    ),
    (
        "an outcome said by the response",
        single(CALL.format('event.outcome == "failure"')),
        [console(0, responseElements={"ConsoleLogin": "Failure"})],
        [([0], [])],
    ),
]

REFUSED = [
    ("negation that is open on a missing field", single(CALL.format('user_agent.original != "x"')), "missing field"),
    ("an unknown field", single(CALL.format('aws.cloudtrail.nope == "x"')), "EqlSchemaError"),
    ("a syntax error", single("any where and"), "EqlSyntaxError"),
    ("a query without its stage's place", [STAGED[1], STAGED[0]], "parts"),
    ("pipes", single("any where true | head 5"), "pipes"),
    ("nothing but missing events", by_caller(["!C", "!L"]), "neighbours"),
    ("two missing events in a row", by_caller(["C", "!L", "!R", "L"]), "neighbours"),
    ("an item that repeats too often", by_caller(["C with runs=101"]), "runs=101"),
    ("an item that is alone", by_caller(["C"]), "two items"),
    ("an end", single(f"sequence by user.id with maxspan=5m [{ANY}] [{ANY}] until [{ANY}]"), "its clauses"),
    ("a sample", single(f"sample by user.id [{ANY}] [{ANY}]"), "its clauses"),
    ("a type", single(ANY_FLOW.format('destination.port == "443"')), "EqlTypeMismatchError"),
    ("anchors", single(CALL.format('user_agent.original regex "^a"')), "Lucene"),
]


def check_cases():
    for name, parts, scenario, rows in CASES:
        got = answer({"parts": parts, "scenarios": [[], scenario]})
        wanted = {"answers": [[], [{"events": events, "key": key} for events, key in rows]]}
        assert got == wanted, f"{name}: {got}, not {wanted}"
    for name, parts, said in REFUSED:
        got = answer({"parts": parts, "scenarios": [[console(0, userAgent="")]]})
        assert said in got.get("error", "-"), f"{name} should be refused: {got}"


STREAMS_PER_QUERY = 50  # parsing takes longer than matching


def random_query(rnd):
    """Two to five items with one key, which no event lacks, some of them repeated: what both engines promise to treat alike."""
    letters = "abcde"[: rnd.randint(2, 5)]
    runs = [f" with runs={rnd.randint(2, 3)}" if rnd.random() < 0.2 else "" for _ in letters]
    items = " ".join(f'[any where event.action == "{letter}"]{often}' for letter, often in zip(letters, runs))
    return letters, f"sequence by user.id with maxspan={rnd.randint(1, 30)}s {items}"


def random_events(rnd, letters):
    """Events in their order, ties among them: (second, action, user)."""
    times = sorted(rnd.randint(0, 40) for _ in range(rnd.randint(2, 24)))
    return [(time, rnd.choice(letters), rnd.choice("xyz")) for time in times]


def by_package(tree, events):
    engine, found = PythonEngine({}), []
    engine.add_output_hook(found.append)
    engine.add_query(tree)
    ticks = 10_000_000  # a second in the engine's unit
    nested = [{"event": {"action": action}, "user": {"id": user}, "place": n} for n, (_, action, user) in enumerate(events)]
    engine.stream_events([Event("any", time * ticks, data) for (time, *_), data in zip(events, nested)])
    return sorted(tuple(event.data["place"] for event in one.events) for one in found)


def by_matcher(query, query_stages, events):
    documents = [(time * 1_000, {"event.action": [action], "user.id": [user]}) for time, action, user in events]
    return sorted(places for _, places in sequences(query_stages, documents, query.span))


def check_streams(count):
    rnd, found = random.Random(20), 0
    for number in range(count):
        if number % STREAMS_PER_QUERY == 0:
            letters, text = random_query(rnd)
            query, tree = parse(HEAD + text), parsed(text)
            query_stages = stages(query)
        events = random_events(rnd, letters)
        package, matcher = by_package(tree, events), by_matcher(query, query_stages, events)
        assert package == matcher, f"{text}\n{events}\neql: {package}\nmatcher: {matcher}"
        found += len(matcher)
    assert found > count // 4, f"only {found} sequences in {count} streams"
    return found


def parsed(text):
    with elasticsearch_syntax, allow_runs:
        return parse_query(text, implied_any=False, implied_base=False)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--streams", type=int, default=10_000)
    count = options.parse_args().streams
    check_cases()
    found = check_streams(count)
    said = f"{len(CASES)} cases, {len(REFUSED)} refusals; {found} sequences in {count} random streams"
    print(f"eql harness: {said} as the eql package finds them", file=sys.stderr)


if __name__ == "__main__":
    main()
