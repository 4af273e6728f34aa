"""The tables of the layout `athena`, as AWS documents them for Athena and Glue: names, columns and types in Hive's words.

Out: columns of each source's table; types as a tree, and in DuckDB's words. Spark reads Hive's words as they are.
Must not know: events, queries.

A source that no layout describes has one text column, `event`, with a raw event as JSON in each row.

The pages: docs.aws.amazon.com/athena/latest/ug/ create-cloudtrail-table-partition-projection.html (projected by day) and
vpc-flow-logs-create-table-statement.html, with the fields of versions 2 to 5.
"""

import pathlib
import re

import ocsf

SOURCES = pathlib.Path(__file__).resolve().parents[3] / "sources"

IDENTITY = """struct<type:string, principalid:string, arn:string, accountid:string, invokedby:string, accesskeyid:string,
 username:string, onbehalfof:struct<userid:string, identitystorearn:string>,
 sessioncontext:struct<attributes:struct<mfaauthenticated:string, creationdate:string>,
 sessionissuer:struct<type:string, principalid:string, arn:string, accountid:string, username:string>,
 ec2roledelivery:string, webidfederationdata:struct<federatedprovider:string, attributes:map<string,string>>>>"""
# The three that hold JSON as a text, and two more of CloudTrail's own.
JSON = {"requestparameters", "responseelements", "additionaleventdata", "serviceeventdetails", "edgedevicedetails"}
CLOUDTRAIL = {
    "eventversion": "string",
    "useridentity": IDENTITY,
    "eventtime": "string",
    "eventsource": "string",
    "eventname": "string",
    "awsregion": "string",
    "sourceipaddress": "string",
    "useragent": "string",
    "errorcode": "string",
    "errormessage": "string",
    "requestparameters": "string",
    "responseelements": "string",
    "additionaleventdata": "string",
    "requestid": "string",
    "eventid": "string",
    "readonly": "string",
    "resources": "array<struct<arn:string, accountid:string, type:string>>",
    "eventtype": "string",
    "apiversion": "string",
    "recipientaccountid": "string",
    "serviceeventdetails": "string",
    "sharedeventid": "string",
    "vpcendpointid": "string",
    "vpcendpointaccountid": "string",
    "eventcategory": "string",
    "addendum": "struct<reason:string, updatedfields:string, originalrequestid:string, originaleventid:string>",
    "sessioncredentialfromconsole": "string",
    "edgedevicedetails": "string",
    "tlsdetails": "struct<tlsversion:string, ciphersuite:string, clientprovidedhostheader:string>",
    "timestamp": "string",
}
FLOW = {
    "version": "int",
    "account_id": "string",
    "interface_id": "string",
    "srcaddr": "string",
    "dstaddr": "string",
    "srcport": "int",
    "dstport": "int",
    "protocol": "bigint",
    "packets": "bigint",
    "bytes": "bigint",
    "start": "bigint",
    "end": "bigint",
    "action": "string",
    "log_status": "string",
    "vpc_id": "string",
    "subnet_id": "string",
    "instance_id": "string",
    "tcp_flags": "int",
    "type": "string",
    "pkt_srcaddr": "string",
    "pkt_dstaddr": "string",
    "region": "string",
    "az_id": "string",
    "sublocation_type": "string",
    "sublocation_id": "string",
    "pkt_src_aws_service": "string",
    "pkt_dst_aws_service": "string",
    "flow_direction": "string",
    "traffic_path": "int",
    "date": "date",
}
AWS = {"aws.cloudtrail": "cloudtrail_logs", "aws.vpcflow": "vpc_flow_logs"}
NAMES = {source: source.replace(".", "_") for source in sorted(path.stem for path in SOURCES.glob("*.yaml"))} | AWS
EVENT = "event"
TABLES = {source: {EVENT: "string"} for source in NAMES} | {"aws.cloudtrail": CLOUDTRAIL, "aws.vpcflow": FLOW}
# The columns by which files are found; no field of an event.
PARTITIONS = {"aws.cloudtrail": "timestamp", "aws.vpcflow": "date"}

PLAIN = {"string": "VARCHAR", "int": "INTEGER", "bigint": "BIGINT", "date": "DATE", "boolean": "BOOLEAN", "timestamp": "TIMESTAMP"}
TOKEN = re.compile(r"\w+|[<>:,]")


def tree(kind):
    """A name; {field: tree} of a struct; [tree] of an array; (tree, tree) of a map."""
    tokens = TOKEN.findall(kind)
    found = branch(tokens)
    if tokens:
        raise ValueError(f"not one type: {kind}")
    return found


def branch(tokens):
    name = tokens.pop(0)
    if name not in ("struct", "array", "map"):
        return name
    tokens.pop(0)
    if name == "struct":
        found = {}
        while tokens[0] != ">":
            field, _ = tokens.pop(0), tokens.pop(0)
            found[field] = branch(tokens)
            if tokens[0] == ",":
                tokens.pop(0)
    elif name == "array":
        found = [branch(tokens)]
    else:
        key, _ = branch(tokens), tokens.pop(0)
        found = (key, branch(tokens))
    tokens.pop(0)
    return found


def in_duckdb(found):
    match found:
        case str():
            return PLAIN[found]
        case dict():
            return "STRUCT(" + ", ".join(f'"{name}" {in_duckdb(kind)}' for name, kind in found.items()) + ")"
        case list():
            return in_duckdb(found[0]) + "[]"
        case (key, value):
            return f"MAP({in_duckdb(key)}, {in_duckdb(value)})"


TREES = {source: {name: tree(kind) for name, kind in columns.items()} for source, columns in TABLES.items()}


def lay_out(layout):
    """Puts the tables of Amazon Security Lake in the place of these."""
    columns, names = ocsf.tables(layout)
    NAMES.clear()
    NAMES.update(names)
    TABLES.clear()
    TABLES.update(columns)
    TREES.clear()
    TREES.update({source: {name: tree(kind) for name, kind in table.items()} for source, table in columns.items()})
