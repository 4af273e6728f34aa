"""Proves that the definitions under `targets/sql/ddl` give, over files as they lie in a bucket, the rows of `ingest.py`.

In: raw events. Out: nothing, or the columns that differ. Athena's statements are only parsed: nothing here runs them.
usage: .engines/sql/bin/python ddl_selftest.py [--dialect duckdb|trino], .engines/spark/bin/python ddl_selftest.py --dialect spark
"""

import gzip
import json
import pathlib
import re
import tempfile

import harness
import ingest
from tables import NAMES, TABLES

DDL = pathlib.Path(__file__).resolve().parents[3] / "targets" / "sql" / "ddl"
SESSION = {"attributes": {"mfaAuthenticated": "true", "creationDate": "2026-01-01T00:00:00Z"}, "ec2RoleDelivery": "2.0"}
SESSION |= {"sessionIssuer": {"type": "Role", "arn": "arn:aws:iam::1:role/x", "userName": "x"}}
SESSION |= {"webIdFederationData": {"federatedProvider": "p", "attributes": {"aud": "a"}}}
IDENTITY = {"type": "AssumedRole", "principalId": "P", "arn": "arn:é'\"\\", "accountId": "1", "sessionContext": SESSION}
CALLS = [
    {"eventID": "0", "eventTime": "2026-01-01T10:00:00Z", "userIdentity": IDENTITY, "readOnly": False, "apiVersion": "1"},
    {"eventID": "1", "eventName": "x", "userAgent": "", "requestParameters": {"a": [1, {"b": None}], "é": "'"}},
    {"eventID": "2", "requestParameters": None, "responseElements": {"items": [{"x": "1"}]}, "userIdentity": None},
    {"eventID": "3", "resources": [{"ARN": "a", "accountId": "1", "type": "t"}], "tlsDetails": {"tlsVersion": "TLSv1.3"}},
    {"eventID": "4", "addendum": {"reason": "r", "updatedFields": "f"}, "sessionCredentialFromConsole": "true"},
]
HEADER = """version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"""
FLOWS = """2 123456789012 eni-1 10.0.0.1 10.0.0.2 443 50000 6 10 5000000000 1767261600 1767261660 ACCEPT OK
2 123456789012 eni-2 - - - - - - - 1767261600 1767261660 - NODATA
2 unknown eni-3 2001:db8::1 ::1 0 0 58 1 1 1767261601 1767261661 REJECT OK
2 unknown eni-4 10.0.0.1 10.0.0.2 443 50000 6 10 1 1767261602 1767261662 ACCEPT OK"""
DAY = "AWSLogs/1/{}/eu-west-1/2026/01/01"
HIVE = "AWSLogs/1/vpcflowlogs/aws-region=eu-west-1/year=2026/month=01/day=01"
# A folder for each way in which AWS delivers flow logs.
FLOW_DAYS = [DAY.format("vpcflowlogs"), f"{DAY.format('vpcflowlogs')}/10", HIVE, f"{HIVE}/hour=10"]
# A date is the folder's, and whether null is a text depends on the reader.
DATES = {"aws.cloudtrail": "2026/01/01", "aws.vpcflow": "2026-01-01"}


def bucket(folder):
    calls = folder / DAY.format("CloudTrail")
    calls.mkdir(parents=True)
    for number, some in enumerate((CALLS[:2], CALLS[2:])):
        (calls / f"{number}.json.gz").write_bytes(gzip.compress(json.dumps({"Records": some}).encode()))
    for day, line in zip(FLOW_DAYS, FLOWS.split("\n"), strict=True):
        (folder / day).mkdir(parents=True, exist_ok=True)
        (folder / day / "0.log.gz").write_bytes(gzip.compress(f"{HEADER}\n{line}\n".encode()))
    (folder / "okta").mkdir()
    (folder / "okta" / "day").mkdir()
    (folder / "okta" / "day" / "1.log.gz").write_bytes(gzip.compress(b'{"a": "2"}\n'))
    (folder / "okta" / "part-0").write_text('{"a": "3"}\n')
    (folder / "okta" / "_SUCCESS").touch()
    (folder / "okta" / "0.json").write_text('{"a": "1"}\n{"a": "\\u2028"}\n')
    (folder / "okta" / "1.json").write_text('[{"a": "3"}, {"Records": [{"a": "4"}]}]\n')
    (folder / "okta" / "2.json").write_text('{"Records": [{"a": "5"}, {"a": "6"}]}\n{"Records": []}\n')


def events():
    flows = [dict(zip(HEADER.split(), line.split(), strict=True)) for line in FLOWS.split("\n")]
    return [("aws.cloudtrail", raw) for raw in CALLS] + [("aws.vpcflow", raw) for raw in flows]


def wanted(source):
    rows = [ingest.row({"source": source, "raw": raw}, 0)[1] for of, raw in events() if of == source]
    day = {"aws.cloudtrail": "timestamp", "aws.vpcflow": "date"}[source]
    return [row | {day: DATES[source]} for row in rows]


def definition(name, dialect, location, table=""):
    text = (DDL / f"{name}.{dialect}.sql").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^--.*\n", "", text).replace("LOCATION '", "LOCATION_OF '") if dialect == "trino" else text
    text = text.replace("LOCATION/", f"{location}/").replace("'LOCATION'", f"'{location}'").replace("NAME", table)
    records = "'$.Records'" if dialect == "duckdb" else "get_json_object(value, '$.Records')"
    return text.replace("WAYS", records).replace(" AND MARKS", " AND contains(x, 'a')")


def plain(value):
    """Rows of Spark, lists and structs as JSON says them; a struct without a value is none."""
    if hasattr(value, "asDict"):
        value = value.asDict()
    if isinstance(value, dict):
        found = {name.lower(): plain(inner) for name, inner in value.items()}
        return None if all(inner is None for inner in found.values()) else found
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def compared(column, value):
    if isinstance(value, str) and value[:1] in ("{", "["):
        return json.loads(value)
    return plain(value)


def check(source, names, rows):
    order = "eventid" if source == "aws.cloudtrail" else "interface_id"
    found = sorted((dict(zip(names, row, strict=True)) for row in rows), key=lambda row: row[order])
    expected = wanted(source)
    assert len(found) == len(expected), f"{source}: {len(found)} rows, not {len(expected)}"
    lacking = set(TABLES[source]) - set(names)
    assert not lacking, f"{source}: no column {lacking}"
    for row, right in zip(found, expected, strict=True):
        for column, value in right.items():
            both = compared(column, row[column]), compared(column, value)
            assert both[0] == both[1], f"{source}, {column}: {both[0]!r}, not {both[1]!r}"


def loads(dialect, folder):
    engine = harness.engine_of(dialect)
    places = {"aws.cloudtrail": folder / "AWSLogs/1/CloudTrail", "aws.vpcflow": folder / "AWSLogs/1/vpcflowlogs"}
    for source, place in places.items():
        engine.define(NAMES[source], definition(source, dialect, place))
        columns = ", ".join(f"`{name}`" if dialect == "spark" else f'"{name}"' for name in TABLES[source])
        check(source, *engine.run(f"SELECT {columns} FROM {NAMES[source]}"))
    engine.define("okta_system", definition("event", dialect, folder / "okta", "okta_system"))
    rows = (json.loads(row[0]) for row in engine.run("SELECT event FROM okta_system")[1])
    found = sorted(row["a"] for row in rows if row != {"Records": []})
    assert found == ["1", "2", "3", "3", "4", "5", "6", "\u2028"], found


def parses():
    import sqlglot

    for path in DDL.glob("*.trino.sql"):
        for dialect in ("hive", "athena"):
            (found,) = (one for one in sqlglot.parse(path.read_text(encoding="utf-8"), read=dialect) if one)
            assert isinstance(found, sqlglot.exp.Create), f"{path.name}: {found.key}"


def main():
    dialect = harness.options().dialect
    if dialect == "trino":
        parses()
    else:
        with tempfile.TemporaryDirectory() as name:
            bucket(pathlib.Path(name))
            loads(dialect, pathlib.Path(name))
    print(f"sql definitions, {dialect}: selftest passed")


if __name__ == "__main__":
    main()
