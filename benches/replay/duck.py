"""The AN1318 rule as SQL in DuckDB, over JSON lines or over Parquet. Prints the number of alerts.

usage: duck.py jsonl TRAIL FLOWS | duck.py parquet TRAIL FLOWS | duck.py convert TRAIL FLOWS TRAIL.parquet FLOWS.parquet
needs: duckdb (benches/replay.py finds or installs it)
"""
import os
import sys

import duckdb

TRAIL = """{
  eventTime: 'TIMESTAMP', eventSource: 'VARCHAR', eventName: 'VARCHAR', errorCode: 'VARCHAR', readOnly: 'BOOLEAN',
  recipientAccountId: 'VARCHAR', sessionCredentialFromConsole: 'VARCHAR',
  userIdentity: 'STRUCT(arn VARCHAR, sessionContext STRUCT(sessionIssuer STRUCT(arn VARCHAR)))',
  responseElements: 'STRUCT(ConsoleLogin VARCHAR, instancesSet STRUCT(items STRUCT(imageId VARCHAR,
    networkInterfaceSet STRUCT(items STRUCT(networkInterfaceId VARCHAR)[]))[]))' }"""
FLOWS = """{
  'account-id': 'VARCHAR', 'interface-id': 'VARCHAR', srcaddr: 'VARCHAR', dstaddr: 'VARCHAR', srcport: 'INTEGER',
  dstport: 'INTEGER', start: 'BIGINT', action: 'VARCHAR' }"""

RULE = r"""
WITH trail AS MATERIALIZED (
  SELECT recipientAccountId AS account, userIdentity.arn AS arn, epoch(eventTime)::BIGINT AS time, * FROM {trail}
  WHERE eventName IN ('ConsoleLogin', 'RunInstances') OR sessionCredentialFromConsole = 'true'),
console AS (
  SELECT account, arn, time FROM trail
  WHERE (eventSource = 'signin.amazonaws.com' AND eventName = 'ConsoleLogin' AND responseElements.ConsoleLogin = 'Success')
     OR (sessionCredentialFromConsole = 'true' AND readOnly IS NOT TRUE)),
item AS (
  SELECT account, arn, time, unnest(responseElements.instancesSet.items) AS item FROM trail
  WHERE eventSource = 'ec2.amazonaws.com' AND eventName = 'RunInstances' AND errorCode IS NULL
    AND NOT regexp_matches(coalesce(userIdentity.sessionContext.sessionIssuer.arn, ''),
      '^arn:aws:iam::.*:role/(terraform-|aws-service-role/(autoscaling|eks-nodegroup)\.amazonaws\.com/)')),
launch AS (
  SELECT account, arn, time, unnest(item.networkInterfaceSet.items).networkInterfaceId AS eni FROM item
  WHERE item.imageId NOT IN ('ami-0abcdef1234567890', 'ami-1234567890abcdef0', 'ami-0123456789abcdef0')),
reached AS (
  SELECT DISTINCT launch.account, eni, launch.time FROM launch JOIN console USING (account, arn)
  WHERE launch.time BETWEEN console.time AND console.time + 900),
egress AS (
  SELECT "account-id" AS account, "interface-id" AS eni, start AS time FROM {flows}
  WHERE action = 'ACCEPT' AND srcport >= 32768 AND dstport < 32768
    AND (srcaddr LIKE '10.%' OR srcaddr LIKE '192.168.%' OR regexp_matches(srcaddr, '^172\.(1[6-9]|2\d|3[01])\.'))
    AND NOT regexp_matches(dstaddr,
      '^(10|192\.168|172\.(1[6-9]|2\d|3[01])|169\.254|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.'))
SELECT count(*) FROM egress SEMI JOIN reached
  ON egress.account = reached.account AND egress.eni = reached.eni
 AND egress.time BETWEEN reached.time AND reached.time + 600
"""


def lines(path: str, columns: str) -> str:
    return f"read_json('{path}', format = 'newline_delimited', columns = {columns})"


def main() -> int:
    what, trail, flows, *into = sys.argv[1:]
    connection = duckdb.connect()
    connection.execute(f"SET threads = {os.cpu_count()}")
    if what == "convert":
        for path, columns, target in [(trail, TRAIL, into[0]), (flows, FLOWS, into[1])]:
            connection.execute(f"COPY (FROM {lines(path, columns)}) TO '{target}' (FORMAT parquet)")
        return 0
    tables = {"trail": lines(trail, TRAIL), "flows": lines(flows, FLOWS)}
    if what == "parquet":
        tables = {"trail": f"'{trail}'", "flows": f"'{flows}'"}
    print(connection.execute(RULE.format(**tables)).fetchone()[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
