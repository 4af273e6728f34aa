"""Reads an EQL text into what the matcher needs: conditions, join keys and the time span.

In: a text as emitted. Out: a Query, or Refused with the reason. The text is parsed twice: by `eql.parse_query` with the field
types of fields.json, which is the verdict of Elastic's own parser; and by its grammar alone, for the parsed query keeps
neither the case of an operator (`in` and `in~`) nor the mark of an optional field (`?field`).
Syntax: https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax
Must not know: documents, how a condition is evaluated.

Conditions are tuples: ("and", [..]) ("or", [..]) ("not", x) ("constant", bool) ("null", field, negated)
("compare", field, operator, value) ("in", field, folds, values) ("like", field, folds, patterns)
("regex", field, folds, expressions) ("networks", field, networks) ("text", function, folds, field, field).
"""

import re
from dataclasses import dataclass

from check import FIELDS, lark_parser, parser_problems
from structure import MAX_RUNS, children, data_of, field_name, is_field, is_tree, sequence_items, text_of

UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "'": "'", "\\": "\\"}
INDEX_LINE = re.compile(r"^// index: (.+)$", re.MULTILINE)
STAND_IN_LINE = re.compile(r"^// engine: alerts carry `([^`]+)` in place of `([^`]+)`", re.MULTILINE)


class Refused(Exception):
    """The engine would not run the text, or its answer would be open."""


@dataclass(frozen=True)
class Item:
    condition: tuple
    keys: tuple  # (field, whether a missing value joins)
    missing: bool = False  # it must not come between its neighbours
    runs: int = 1  # how often it must come


@dataclass(frozen=True)
class Query:
    items: tuple
    span: int | None  # milliseconds; None for a query of single events
    indexes: tuple  # patterns of the indexes that the head tells to search
    stand_ins: tuple  # (physical field, canonical field whose place it takes)


def parse(text):
    problems = parser_problems(text)
    if problems:
        raise Refused(problems[0])
    indexes = INDEX_LINE.search(text)
    if not indexes:
        raise Refused("the head does not name the indexes to search")
    tree = lark_parser.parse(text + "\n", start="piped_query")
    if any(children(tree, "pipes")):
        raise Refused("pipes are not part of what is emitted")
    items, span = body(children(tree, "base_query")[0].children[0])
    return Query(items, span, tuple(indexes.group(1).split(", ")), tuple(STAND_IN_LINE.findall(text)))


def body(node):
    if data_of(node) == "event_query":
        return (Item(event(node), ()),), None
    if data_of(node) != "sequence" or children(node, "until_subquery_by"):
        raise Refused(f"{data_of(node)} with its clauses is not part of what is emitted")
    items = tuple(item(found, keys(node)) for found in sequence_items(node))
    if sum(one.runs for one in items) < 2 or len({len(one.keys) for one in items}) != 1:
        raise Refused("a sequence has two items or more, with as many keys each")
    if all(one.missing for one in items) or any(one.missing and other.missing for one, other in zip(items, items[1:])):
        raise Refused("a missing item has neighbours that must come (elasticsearch issue 101025)")
    spans = children(node, "with_params")
    spans = spans or [inner for inner in node.children if is_tree(inner) and data_of(inner) == "time_range"]
    return items, time_span(spans)


def time_span(nodes):
    if not nodes:
        raise Refused("a sequence without maxspan")
    found = re.fullmatch(r"(\d+)(ms|s|m|h|d)", "".join(leaves(nodes[0])).lstrip("="))
    if not found:
        raise Refused("maxspan is a whole number with a unit")
    return int(found.group(1)) * UNITS[found.group(2)]


def leaves(node):
    if not is_tree(node):
        return [str(node)]
    return [text for child in node.children if child is not None for text in leaves(child)]


def item(node, shared):
    *opened, inner = children(node, "subquery")[0].children
    missing, repeated = bool(opened), children(node, "repeated_sequence")
    runs = int(str(repeated[0].children[-1])) if repeated else 1
    if missing and repeated:
        raise Refused("a missing item cannot repeat")
    if not 1 <= runs <= MAX_RUNS:
        raise Refused(f"runs={runs}")
    return Item(event(inner), shared + keys(node), missing, runs)


def keys(node):
    found = [key for listed in children(node, "join_values") for key in children(listed, "expressions")[0].children]
    return tuple((known(key), text_of(key).startswith("?")) for key in found if key is not None)


def event(node):
    category, condition_node = node.children
    if text_of(category) == "any":
        return condition(condition_node)
    return ("and", [("in", "event.category", False, [text_of(category)]), condition(condition_node)])


def known(node):
    """The name of a field that is mapped: Elasticsearch refuses a query that names another one."""
    if not is_field(node):
        raise Refused(f"{data_of(node)} where a field is expected")
    name = field_name(node)
    if name not in FIELDS and not text_of(node).startswith("?"):
        raise Refused(f"Unknown column [{name}]")
    return name


def condition(node):
    kind, parts = data_of(node), [child for child in node.children if child is not None]
    if kind in ("and_expr", "or_expr"):
        return (kind.removesuffix("_expr"), [condition(part) for part in parts])
    if kind == "not_expr":
        inner = condition(parts[-1])
        return ("not", inner) if len(parts) % 2 == 0 else inner
    if kind == "literal" and isinstance(value(node), bool):
        return ("constant", value(node))
    if kind == "comparison":
        return comparison(known(parts[0]), str(parts[1]), value(parts[2]))
    if kind in ("in_set", "not_in_set"):
        found = ("in", known(parts[0]), str(parts[1]).endswith("~"), [value(part) for part in parts[2].children if part])
        return found if kind == "in_set" else ("not", found)
    if kind == "string_predicate":
        operator, values = str(parts[1]), [value(part) for part in parts[2:]]
        form = "regex" if operator.startswith("regex") else "like"
        return (form, known(parts[0]), operator.endswith("~") or operator == ":", values)
    if kind == "function_call" and text_of(node) == "cidrMatch":
        first, *networks = [part for part in parts[1].children if part is not None]
        return ("networks", known(first), [value(network) for network in networks])
    if kind == "function_call" and text_of(node).removesuffix("~") in ("startsWith", "endsWith", "stringContains"):
        name, fields = text_of(node), [known(part) for part in parts[1].children if part is not None]
        return ("text", name.removesuffix("~"), name.endswith("~"), *fields)
    raise Refused(f"{kind} is not part of what is emitted")


def comparison(field, operator, operand):
    if operand is None:
        if operator not in ("==", "!="):
            raise Refused(f"null {operator}")
        return ("null", field, operator == "!=")
    return ("compare", field, operator, operand)


def value(node):
    """The value of a literal; a sign stands in a node of its own."""
    if data_of(node) == "value":
        sign, number = node.children
        return -value(number) if str(sign) == "-" else value(number)
    inner = node.children[0] if data_of(node) == "literal" else None
    kind, text = (data_of(inner), text_of(inner)) if inner is not None else (data_of(node), "")
    if kind == "null":
        return None
    if kind == "boolean":
        return text == "true"
    if kind == "number":
        return int(text) if text.isdigit() else float(text)
    if kind == "string":
        return string(text)
    raise Refused(f"{kind} where a literal is expected")


def string(text):
    if text.startswith('"""'):
        return text[3:-3]
    return re.sub(r"\\(u\{([0-9a-fA-F]+)\}|.)", lambda m: chr(int(m[2], 16)) if m[2] else ESCAPES[m[1]], text[1:-1])
