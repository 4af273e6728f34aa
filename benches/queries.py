"""Queries side by side: what `compile` emits beside the text of an older idiom, over the same tables, with the same answers.

In: `queries/an1318.chain`; `queries/an1318_joined_in_order.kql`, the text that joined the steps in their order and filtered
after it had expanded and calculated. Out: seconds, rows and characters of each, and the ratio beside its target. The engine
is DuckDB with the translator of the conformance tests; figures of Kusto may differ, for it has an index.
usage: [CATENA_ENGINES=…] .engines/duck/bin/python benches/queries.py [--calls 40000] [--flows 400000] [--catena PATH]
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/engines/kql"))

import harness

RULE, OLD = ROOT / "benches/queries/an1318.chain", ROOT / "benches/queries/an1318_joined_in_order.kql"
FASTER, LONGEST = 2.5, 3_900

# In place of the functions of the harness, which call Python for each row: the time would be theirs.
ADDRESSES = r"""
CREATE MACRO v4(a) AS CASE WHEN regexp_full_match(a, '\d+[.]\d+[.]\d+[.]\d+') THEN
  split_part(a, '.', 1)::BIGINT * 16777216 + split_part(a, '.', 2)::BIGINT * 65536 + split_part(a, '.', 3)::BIGINT * 256
  + split_part(a, '.', 4)::BIGINT END;
CREATE MACRO v4_in_any(a, networks) AS CASE WHEN v4(a) IS NOT NULL THEN len(list_filter(networks,
  lambda n: (v4(a) >> (32 - split_part(n, '/', 2)::INT)) = (v4(split_part(n, '/', 1)) >> (32 - split_part(n, '/', 2)::INT))
  )) > 0 END;
"""

# A day of 300 users who work in temporary sessions; one call in 40 is a launch, one in 100 a console sign-in.
CALLS = """
INSERT INTO AWSCloudTrail BY NAME SELECT TIMESTAMP '2026-01-01' + to_milliseconds((moment * 86400000)::BIGINT) AS "TimeGenerated",
  'call-' || n AS "AwsEventId", 'arn:aws:iam::1:user/u' || (who * 300)::INT AS "UserIdentityArn", '1' AS "RecipientAccountId",
  CASE WHEN kind < 0.01 THEN 'signin.amazonaws.com' ELSE 'ec2.amazonaws.com' END AS "EventSource",
  CASE WHEN kind < 0.01 THEN 'ConsoleLogin' WHEN kind < 0.035 THEN 'RunInstances' ELSE 'DescribeInstances' END AS "EventName",
  CASE WHEN kind < 0.01 THEN '{"ConsoleLogin":"Success"}' WHEN kind < 0.035 THEN
    '{"instancesSet":{"items":[{"instanceId":"i-' || n || '","imageId":"ami-' || (n % 3 + 1) || '","networkInterfaceSet":{"items":'
    || '[{"networkInterfaceId":"eni-' || n || '"}]}}]}}' ELSE '' END AS "ResponseElements",
  read < 0.6 AS "ReadOnly", CASE WHEN session < 0.7 THEN TIMESTAMP '2026-01-01' END AS "SessionCreationDate", 'x' AS "UserAgent"
FROM (SELECT range AS n, random() AS moment, random() AS who, random() AS kind, random() AS read, random() AS session FROM range({calls}));
"""

# Flows of 2,000 interfaces, and of each new one some soon after its launch.
FLOWS = """
INSERT INTO AWSVPCFlow BY NAME SELECT moment AS "TimeGenerated", moment + INTERVAL 1 MINUTE AS "End", eni AS "InterfaceId", '1' AS "AccountId",
  '10.0.' || (r1 * 255)::INT || '.' || (r2 * 255)::INT AS "SrcAddr", (r3 * 220 + 1)::INT || '.7.' || (r1 * 255)::INT || '.9' AS "DstAddr",
  (32768 + r2 * 30000)::INT AS "SrcPort", CASE WHEN r3 < 0.7 THEN 443 ELSE 50000 END AS "DstPort", 6 AS "Protocol", n AS "Bytes",
  CASE WHEN r1 < 0.9 THEN 'ACCEPT' ELSE 'REJECT' END AS "Action", 'OK' AS "LogStatus"
FROM (
  SELECT range AS n, 'eni-old-' || (random() * 2000)::INT AS eni, random() AS r1, random() AS r2, random() AS r3,
    TIMESTAMP '2026-01-01' + to_milliseconds((random() * 86400000)::BIGINT) AS moment FROM range({flows})
  UNION ALL SELECT -range, replace("AwsEventId", 'call', 'eni'), random(), random(), random(),
    "TimeGenerated" + to_seconds((random() * 1200)::INT) FROM AWSCloudTrail, range(1, 6) WHERE "EventName" = 'RunInstances');
"""


def emitted(catena):
    command = [catena, "compile", RULE, "--target", "kql"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.rstrip("\n")


def world(calls, flows):
    connection = harness.connect()
    connection.execute("SELECT setseed(0.5)")
    for table in ("AWSCloudTrail", "AWSVPCFlow"):
        harness.load(connection, table, harness.SCHEMA[table], [])
    connection.execute(CALLS.replace("{calls}", str(calls)))
    connection.execute(FLOWS.replace("{flows}", str(flows)))
    return connection


def run(connection, text):
    """Seconds of the best of three runs, and the answer: each alert and its start."""
    sql = harness.translated(text)[0].replace("kql_ipv4_is_in_any_range", "v4_in_any")
    best, found = None, None
    for _ in range(3):
        begin = time.perf_counter()
        found = connection.execute(sql)
        names, rows = [column[0] for column in found.description], found.fetchall()
        seconds = time.perf_counter() - begin
        best = seconds if best is None else min(best, seconds)
    places = [names.index(name) for name in ("egress_time", "egress_instance_eni", "egress_destination_ip", "console_time")]
    return best, sorted(tuple(row[place] for place in places) for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=40_000)
    parser.add_argument("--flows", type=int, default=400_000)
    parser.add_argument("--catena", default=str(ROOT / "target/debug/catena"))
    asked = parser.parse_args()
    connection = world(asked.calls, asked.flows)
    connection.execute(ADDRESSES)
    texts = {"joined in order": OLD.read_text(), "as emitted": emitted(asked.catena)}
    ran = {name: run(connection, text) for name, text in texts.items()}
    for name, (seconds, rows) in ran.items():
        print(f"{name:16} {seconds:8.3f} s {len(rows):6} rows {len(texts[name]):6} characters")
    (old, old_rows), (new, new_rows) = ran.values()
    assert old_rows == new_rows, "the answers differ"
    verdict = lambda met: "met" if met else "NOT MET"
    print(f"{old / new:.1f} x faster, target {FASTER}: {verdict(old / new >= FASTER)}")
    length = len(texts["as emitted"])
    print(f"{length} characters, target at most {LONGEST}: {verdict(length <= LONGEST)}")


if __name__ == "__main__":
    main()
