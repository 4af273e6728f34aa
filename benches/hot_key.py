#!/usr/bin/env python3
"""One key with very many rows: how the time of Spark's text grows with them. Prints seconds, and what twice the rows cost.

In: a built program. Out: seconds for each number of rows, the medians of the runs; every second row is a sign-in, every other
one a key that is made, all by one user, at even distances over a day, so that each window holds its share of them. Exit 0:
these are measurements of this machine, and each number of rows must give an alert for each key that is made.
usage: .engines/spark/bin/python benches/hot_key.py [--catena PATH] [--rows N]… [--runs N]
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/engines/sql"))

import spark
import tables

RULE = """rule hot_key {
  title       "Sign-in, then a key"
  id          "3b0c1f52-7a0d-4d0c-8d86-4f5d2f0c7a11"
  description "For a benchmark."
  severity    low

  chain {
    step login from aws.cloudtrail
      where event.action == "ConsoleLogin" and event.outcome == "success"
    then within 10m on actor.id
    step key from aws.cloudtrail
      where event.action == "CreateAccessKey" and event.outcome == "success"
  }

  alert { entity account key.actor.id }
}
"""
DAY = 86_400
VALUES = {
    "eventtime": "date_format(timestamp_micros(1767225600000000 + CAST(id * {step} AS BIGINT)), \"yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'\")",
    "eventsource": "'signin.amazonaws.com'",
    "eventname": "IF(id % 2 = 0, 'ConsoleLogin', 'CreateAccessKey')",
    "responseelements": """'{{"ConsoleLogin": "Success"}}'""",
    "eventid": "CONCAT('e', id)",
    "recipientaccountid": "'111122223333'",
}


def fill(session, folder, rows):
    columns = []
    for name, kind in tables.TABLES["aws.cloudtrail"].items():
        kind = " ".join(kind.split())
        if name == "useridentity":
            # from_json leaves what it does not name null.
            value = f"""from_json('{{"arn": "arn:aws:iam::111122223333:user/hot"}}', '{kind}')"""
        elif name in VALUES:
            value = VALUES[name].format(step=DAY * 1_000_000 / rows)
        else:
            value = f"CAST(NULL AS {kind})"
        columns.append(f"{value} AS `{name}`")
    place = str(Path(folder) / str(rows))
    session.range(rows).selectExpr(*columns).write.parquet(place)
    session.read.parquet(place).createOrReplaceTempView(tables.NAMES["aws.cloudtrail"])


def main():
    reader = argparse.ArgumentParser()
    reader.add_argument("--catena", type=Path, default=ROOT / "target/release/catena")
    reader.add_argument("--rows", type=int, action="append")
    reader.add_argument("--runs", type=int, default=3)
    asked = reader.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rule = Path(folder, "hot_key.chain")
        rule.write_text(RULE, encoding="utf-8")
        command = [asked.catena, "compile", rule, "--target", "sql", "--dialect", "spark"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        session = spark.session("UTC", Path(folder))
        before = None
        for rows in asked.rows or [500_000, 1_000_000, 2_000_000]:
            fill(session, folder, rows)
            found, took = session.sql(text).count(), []
            assert found == rows // 2, f"{found} alerts of {rows} rows"
            for _ in range(asked.runs):
                began = time.perf_counter()
                # Every column of every alert, written nowhere.
                session.sql(text).write.format("noop").mode("overwrite").save()
                took.append(time.perf_counter() - began)
            seconds = statistics.median(took)
            grown = "" if before is None else f"   {seconds / before:.2f} times as long"
            print(f"{rows:>10,} rows of one key {seconds:8.1f} s{grown}", flush=True)
            before = seconds
        session.stop()


if __name__ == "__main__":
    main()
