"""AWS events as the flat JSON that Sigma rules are written against: dotted paths, several values where a path meets an array.

In: an event of the contract, {"source": "...", "raw": {...}}. Out: its time, its log source, and the values of a field.
Must not know: rules, SQL.
"""

import re
from datetime import datetime, timezone

# Product and service of Sigma's taxonomy; vpcflow is not in it, and named as docs/sources.md says.
# https://sigmahq.io/docs/basics/log-sources.html
LOGSOURCES = {"aws.cloudtrail": ("aws", "cloudtrail"), "aws.vpcflow": ("aws", "vpcflow")}
# Fields of type INT_32 and INT_64: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html (available fields).
# A pipeline that writes JSON keeps those types; the hyphen of a missing value stays the text it is.
NUMBERS = frozenset(
    "version srcport dstport protocol packets bytes start end tcp_flags traffic_path".split(),
)
NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)
I64 = range(-(2**63), 2**63)


def time(event):
    """Microseconds since 1970, or None: an engine cannot place an event without a time.

    CloudTrail: eventTime, an instant in UTC (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/
    cloudtrail-event-reference-record-contents.html). Flow logs: start, seconds since 1970 (flow-log-records.html).
    """
    if event["source"] == "aws.vpcflow":
        start = typed("start", event["raw"].get("start"))
        return start * 1_000_000 if isinstance(start, int) else None
    try:
        moment = datetime.fromisoformat(event["raw"]["eventTime"])
    except (KeyError, TypeError, ValueError):
        return None
    since = moment.replace(tzinfo=moment.tzinfo or timezone.utc) - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def values(event, path):
    """All values at a dotted path, in the order of the event; arrays on the way give those of each of their members.

    Sigma has no notation for members of arrays in its current version, and rules name them by the plain path
    (requestParameters.containerDefinitions.command in rules/cloud/aws of SigmaHQ/sigma); rsigma-eval reads it so too.
    """
    raw = event["raw"]
    if event["source"] == "aws.vpcflow":
        # The table that AWS gives for Athena has underscores for the hyphens, and so do the Splunk add-on and the rules:
        # https://docs.aws.amazon.com/athena/latest/ug/vpc-flow-logs-create-table-statement.html
        raw = {name.replace("-", "_"): value for name, value in raw.items()}
    found = [raw[path]] if path in raw else within(raw, path.split("."))
    scalars = [typed(path, scalar) if event["source"] == "aws.vpcflow" else scalar for scalar in leaves(found)]
    return [stored(scalar) for scalar in scalars]


def within(node, path):
    if isinstance(node, list):
        return [value for member in node for value in within(member, path)]
    if not path:
        return [node]
    return within(node[path[0]], path[1:]) if isinstance(node, dict) and path[0] in node else []


def leaves(found):
    """Scalars; null counts as absent, and an object is not a value of its path."""
    for value in found:
        if isinstance(value, list):
            yield from leaves(value)
        elif value is not None and not isinstance(value, dict):
            yield value


def typed(field, value):
    """A field of a flow record, which the contract hands on as text."""
    return int(value) if field in NUMBERS and isinstance(value, str) and NUMBER.fullmatch(value) else value


def stored(value):
    """As a flattener stores it for SQLite: the backend's bool_values are texts, and an integer has 64 bits."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) and value not in I64 else value
