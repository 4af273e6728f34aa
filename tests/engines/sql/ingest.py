"""What a lake holds of raw events: rows of the tables of the layout `athena`, as Athena's SerDes present them.

In: an event as AWS writes it. Out: the source of its table and a row, a value for every column. Must not know: queries.

docs.aws.amazon.com/athena/latest/ug/: cloudtrail-logs.html (org.apache.hive.hcatalog.data.JsonSerDe behind CloudTrail's
InputFormat, names in lower case), vpc-flow-logs-create-table-statement.html (a text, columns between blanks). A value that is
no text stands in a string column as JSON writes it; a `-` is a text in a string column and NULL in a column of numbers.
"""

import datetime
import json

import ocsf
from tables import EVENT, JSON, PARTITIONS, TREES

BITS = {"int": 32, "bigint": 64}
# CloudTrail delivers within about five minutes, but may take longer; flows come with their aggregation behind them.
DELAYS = {"aws.cloudtrail": (120, 840), "aws.vpcflow": (600, 1200)}


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def text(value):
    return value if value is None or isinstance(value, str) else compact(value)


def number(bits, value):
    digits = str(value)
    return int(digits) if digits.isascii() and digits.isdigit() and int(digits) < 1 << (bits - 1) else None


def shaped(value, kind):
    """A value in a column of a type."""
    match kind:
        case "string":
            return text(value)
        case "int" | "bigint":
            return number(BITS[kind], value)
        case dict():
            if not isinstance(value, dict):
                return None
            lower = {name.lower(): inner for name, inner in value.items()}
            return {name: shaped(lower.get(name), inner) for name, inner in kind.items()}
        case [inner]:
            return [shaped(item, inner) for item in value] if isinstance(value, list) else None
        case (_, inner):
            return {name: shaped(item, inner) for name, item in value.items()} if isinstance(value, dict) else None
    raise ValueError(f"no value of type {kind}")


def seconds(source, raw):
    """When the event happened, or none."""
    try:
        if source == "aws.vpcflow":
            return int(raw.get("start", ""))
        return datetime.datetime.fromisoformat(raw.get("eventTime")).timestamp()
    except (TypeError, ValueError):
        return None


def partition(source, raw, place):
    """The day of the folder in which the record's file lies: that of its delivery."""
    happened = seconds(source, raw)
    delay = DELAYS[source][place % 2]
    if happened is None:
        happened, delay = 0, 0
    day = datetime.datetime.fromtimestamp(happened + delay, datetime.UTC)
    return f"{day:%Y/%m/%d}" if source == "aws.cloudtrail" else f"{day:%Y-%m-%d}"


def row(event, place):
    """`place`: that of the event among all of the request; it decides what AWS leaves open."""
    source, raw = event["source"], event["raw"]
    if source not in TREES:
        raise ValueError(f"no table for events of {source}")
    if source not in PARTITIONS:
        return source, {EVENT: compact(raw)}
    spelled = {name.lower().replace("-", "_"): value for name, value in raw.items()}
    found = {name: None if kind == "date" else shaped(spelled.get(name), kind) for name, kind in TREES[source].items()}
    # No page says whether a parameter that is null is NULL in the table or the text `null`.
    for name in JSON & set(found) & set(spelled):
        if spelled[name] is None and place % 3 == 1:
            found[name] = "null"
    found[PARTITIONS[source]] = partition(source, raw, place)
    return source, found


def rows(scenarios, layout="athena"):
    """The rows of each source, in the order of delivery."""
    held = {}
    for place, event in enumerate(event for scenario in scenarios for event in scenario):
        source, found = row(event, place) if layout == "athena" else ocsf.row(event, place, layout, TREES)
        held.setdefault(source, []).append(found)
    return held
