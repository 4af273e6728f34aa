"""Which events a base rule matches: pySigma's SQLite backend converts it, SQLite runs it.

In: a pySigma rule and events. Out: the numbers of the events that match.
Must not know: correlations, scenarios.
Where SQLite is known to part from the specification (https://sigmahq.io/sigma-specification/specification/
sigma-appendix-modifiers.html), the conversion is corrected, each time with the reason.
"""

import ipaddress
import json
import re
import sqlite3

import re2
from sigma.backends.sqlite import sqliteBackend
from sigma.conversion.state import ConversionState
from sigma.types import SigmaFieldReference, SigmaNull

import ingest


class Refused(Exception):
    """A text that no engine should run, and why."""


class Backend(sqliteBackend):
    """The backend, for a table without collations in which some columns hold JSON arrays."""

    # SQLite sorts every text above every number, so '-' >= 32768 would hold; gt, gte, lt and lte compare numbers.
    compare_op_expression = "(typeof({field}) IN ('integer', 'real') AND {field} {operator} {value})"

    def __init__(self, arrays):
        super().__init__(collate_nocase=True)
        self.arrays = arrays
        self.members = {}

    def convert_condition_field_eq_val(self, cond, state):
        """An array matches if one of its members does. It is null only if it has none, and then its column is NULL."""
        fields = {cond.field}
        if isinstance(cond.value, SigmaFieldReference):
            fields.add(cond.value.field)
        arrays = sorted(fields & self.arrays)
        if not arrays or isinstance(cond.value, SigmaNull):
            return super().convert_condition_field_eq_val(cond, state)
        sources = ", ".join(f"json_each({self.escape_and_quote_field(field)}) AS m{n}" for n, field in enumerate(arrays))
        self.members = {field: f"m{n}.value" for n, field in enumerate(arrays)}
        condition = super().convert_condition_field_eq_val(cond, state)
        self.members = {}
        return f"EXISTS (SELECT 1 FROM {sources} WHERE {condition})"

    def escape_and_quote_field(self, field):
        return self.members.get(field) or super().escape_and_quote_field(field)

    def convert_value_str(self, value, state, **options):
        """The backend keeps NUL for marks of its own and puts a backslash before one that is part of a value."""
        return super().convert_value_str(value, state, **options).replace("\\\0", "\0")

    def convert_condition_field_eq_val_cidr(self, cond, state):
        """The backend writes networks as text patterns: 10.x would match, and IPv6 only in one spelling."""
        return f"in_network({self.escape_and_quote_field(cond.field)}, '{cond.value.cidr}')"


def open_database():
    database = sqlite3.connect(":memory:")
    # A converter of REGEXP has to bring the function; RE2 is what pySigma checks expressions with.
    database.create_function("regexp", 2, search, deterministic=True)
    database.create_function("in_network", 2, in_network, deterministic=True)
    # SQLite folds ASCII only; "case-insensitive" in the specification names no alphabet.
    database.create_function("like", 3, like, deterministic=True)
    database.create_collation("NOCASE", lambda left, right: compare(left.lower(), right.lower()))
    return database


def search(pattern, value):
    return isinstance(value, str) and re2.search(pattern, value) is not None


def in_network(value, network):
    # A scope is no part of an address in any log; Python's reader alone would take it.
    if not isinstance(value, str) or "%" in value:
        return False
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(network)
    except ValueError:
        return False


def like(pattern, value, escape):
    if value is None:
        return None
    words = re.findall(rf"{re.escape(escape)}.|.", pattern, re.DOTALL)
    parts = (".*" if word == "%" else "." if word == "_" else re.escape(word[-1].lower()) for word in words)
    return re.fullmatch("".join(parts), str(value).lower(), re.DOTALL) is not None


def compare(left, right):
    return (left > right) - (left < right)


def without_nul(value):
    """SQLite's texts end at NUL; on both sides its picture, which no log holds, stands for it."""
    return value.replace("\0", "\u2400") if isinstance(value, str) else value


def matches(database, rule, events):
    """The places of the matching events; only those of the rule's log source are asked."""
    asked = [number for number, event in enumerate(events) if ingest.LOGSOURCES[event["source"]] == logsource(rule)]
    fields = sqliteBackend().required_fields(rule)
    columns = [[ingest.values(events[number], field) for number in asked] for field in fields]
    arrays = {field for field, column in zip(fields, columns) if any(len(values) > 1 for values in column)}
    backend = Backend(arrays)
    stored = [
        [(json.dumps(values) if field in arrays else values[0]) if values else None for values in column]
        for field, column in zip(fields, columns)
    ]
    names = "".join(f", {backend.escape_and_quote_field(field)}" for field in fields)
    conditions = [backend.convert_condition(each.parsed, ConversionState()) for each in rule.detection.parsed_condition]
    database.execute("DROP TABLE IF EXISTS logs")
    database.execute(f"CREATE TABLE logs (number{names})")
    marks = ", ".join("?" * (len(fields) + 1))
    rows = zip(asked, *([without_nul(value) for value in column] for column in stored), strict=True)
    database.executemany(f"INSERT INTO logs VALUES ({marks})", rows)
    query = f"SELECT number FROM logs WHERE ({') OR ('.join(conditions)}) ORDER BY number"
    return [number for (number,) in database.execute(without_nul(query))]


def logsource(rule):
    source = (rule.logsource.product, rule.logsource.service)
    if source not in ingest.LOGSOURCES.values() or rule.logsource.category:
        raise Refused(f"no events of the log source {rule.logsource}")
    return source
