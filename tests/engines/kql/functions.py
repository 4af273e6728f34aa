"""What duckdb-kql lacks, or does otherwise than Microsoft documents.

In: a DuckDB connection. Out: the same, with the functions that translated texts call. The translator is one for the whole
process, so its tables are changed at import. `learn.microsoft.com/kusto/query/` holds the page named beside each function.
Must not know: tables, events, scenarios.
"""

import dataclasses
import functools
import ipaddress
import re

import several
from duckdb_kql import ir, lower, translate
from duckdb_kql.errors import KqlUnsupportedError
from duckdb_kql.translate import functions

MAPPED = 0xFFFF << 32  # ::ffff:0:0/96, where IPv6 keeps the IPv4 addresses
SIZE = {4: 32, 6: 128}


@functools.lru_cache(100_000)
def parsed(text):
    """(family, address, bits of its prefix) in the 128 bits of IPv6, or nothing. IP-prefix notation after a dotted address
    counts the bits of IPv4; a zone is dropped, as `parse_ipv6()` does."""
    host, slash, length = (text or "").strip().partition("/")
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    size = 32 if "." in host else 128
    if slash and not (length.isdecimal() and length.isascii() and int(length) <= size):
        return None
    value = int(address) | (MAPPED if address.version == 4 else 0)
    return address.version, value, (int(length) if slash else size) + 128 - size


def masked(value, bits):
    return value >> (128 - bits) << (128 - bits)


def in_range(address, network, families):
    """ipv4-is-in-range-function, ipv6-is-in-range-function: null unless both can be read. Whether an address of its own may
    have a prefix is not documented: none is read."""
    one, other = parsed(address), parsed(network)
    if one is None or other is None or "/" in address or not {one[0], other[0]} <= families:
        return None
    return masked(one[1], other[2]) == masked(other[1], other[2])


def in_any_range(address, networks, families):
    """ipv4-is-in-any-range-function, ipv6-is-in-any-range-function: true when in one, else null when any cannot be read."""
    found = [in_range(address, network, families) for network in networks]
    return True if True in found else None if None in found else False


def is_match(one, other):
    """ipv6-is-matchfunction: either family, compared under the shorter of their prefixes."""
    one, other = parsed(one), parsed(other)
    if one is None or other is None:
        return None
    bits = min(one[2], other[2])
    return masked(one[1], bits) == masked(other[1], bits)


def parse_ipv6(text):
    """parse-ipv6-function: the address in full, under its prefix; empty where it cannot be read."""
    found = parsed(text)
    return "" if found is None else ipaddress.IPv6Address(masked(*found[1:])).exploded


# The IPv6 functions take IPv4 too.
FOUR, BOTH = frozenset({4}), frozenset({4, 6})
CALLS = {
    "ipv4_is_in_range": (lambda one, other: in_range(one, other, FOUR), ["VARCHAR", "VARCHAR"], "BOOLEAN"),
    "ipv6_is_in_range": (lambda one, other: in_range(one, other, BOTH), ["VARCHAR", "VARCHAR"], "BOOLEAN"),
    "ipv4_is_in_any_range": (lambda one, others: in_any_range(one, others, FOUR), ["VARCHAR", "VARCHAR[]"], "BOOLEAN"),
    "ipv6_is_in_any_range": (lambda one, others: in_any_range(one, others, BOTH), ["VARCHAR", "VARCHAR[]"], "BOOLEAN"),
    "ipv6_is_match": (is_match, ["VARCHAR", "VARCHAR"], "BOOLEAN"),
    "parse_ipv6": (parse_ipv6, ["VARCHAR"], "VARCHAR"),
}

# datatypes-string-operators: "=~" and its like are "currently supported only for ASCII-text", where the translator folds all
# of Unicode.
FOLD = "CREATE MACRO kql_fold(text) AS translate(text, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"
FOLDING = {
    "=~": "({0} = {1})",
    "!~": "({0} <> {1})",
    "contains": "contains({0}, {1})",
    "!contains": "NOT contains({0}, {1})",
    "startswith": "starts_with({0}, {1})",
    "!startswith": "NOT starts_with({0}, {1})",
    "endswith": "ends_with({0}, {1})",
    "!endswith": "NOT ends_with({0}, {1})",
}

ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"'}


def install(connection):
    connection.execute(FOLD)
    for name, (function, arguments, result) in CALLS.items():
        connection.create_function(f"kql_{name}", function, arguments, result, null_handling="special")


def string_value(text, original=lower._string_value):
    """scalar-data-types/string: the translator reads `\\u0041` as a plain u."""
    return original(text) if text.startswith("@") else ESCAPE.sub(unescaped, text[1:-1])


def unescaped(match):
    code = match[1]
    if len(code) == 5:
        return chr(int(code[1:], 16))
    if code not in ESCAPED:
        raise KqlUnsupportedError(f"the escape \\{code} in a string")
    return ESCAPED[code]


def render_in_list(node, value, original=translate._render_in_list):
    """in-cs-operator, in-operator: `in~` folds as `=~` does."""
    if not node.case_insensitive:
        return original(node, value)
    if node.subquery is not None:
        raise KqlUnsupportedError("in~ with a table")
    items = tuple(ir.FunctionCall("kql_fold", (item,)) for item in node.items)
    return original(dataclasses.replace(node, items=items, case_insensitive=False), f"kql_fold({value})")


def render_empty(operator):
    """isempty-function, isnotempty-function: of the text of the value. Shorter than the translator's, which spells every type
    in full only to ask whether anything is there."""

    def render(node):
        value = translate.render_expr(node.args[0])
        text = f"CASE typeof({value}) WHEN 'JSON' THEN {value} ->> '$' ELSE CAST({value} AS VARCHAR) END"
        return f"(coalesce({text}, '') {operator} '')"

    return render


def render_pack_array(kinds):
    """pack-array-function: as the translator does, without a choice of spellings for columns that are no datetimes."""

    def element(node):
        known = isinstance(node, ir.ColumnRef) and kinds.get(node.name) in ("string", "int", "long", "bool")
        return translate.render_expr(node) if known else translate._dynamic_element(node)

    return lambda node: f"json_array({', '.join(map(element, node.args))})"


def render_tostring(node, original=translate._SPECIAL_FORMS["tostring"]):
    """pack-all-function: all columns of the row. A star has no place in the translator's choice of spellings; values in the
    order of the columns tell rows apart as the bag does."""
    packed = isinstance(node.args[0], ir.FunctionCall) and node.args[0].name == "pack_all"
    return "CAST(json_array(*COLUMNS(*)) AS VARCHAR)" if packed else original(node)


def extend_translator(kinds):
    """`kinds`: the type of each column of the tables."""
    lower._string_value = string_value
    translate._render_in_list = render_in_list
    forms = translate._SPECIAL_FORMS
    forms.update(isempty=render_empty("="), isnotempty=render_empty("<>"), pack_array=render_pack_array(kinds))
    forms.update(tostring=render_tostring, hash_sha256=lambda node: f"sha256({translate.render_expr(node.args[0])})")
    forms["kql_count_values"] = several.render
    forms.pop("parse_ipv6")
    for name, (_, arguments, _) in CALLS.items():
        values = (f"CAST({{{place}}} AS {kind})" for place, kind in enumerate(arguments))
        define(name, f"kql_{name}({', '.join(values)})", len(arguments))
    define("kql_fold", "kql_fold({0})", 1)
    operators = functions.BINARY_OPERATORS
    for name, template in FOLDING.items():
        folded = template.format("kql_fold({0})", "kql_fold({1})")
        operators[name] = dataclasses.replace(operators[name], template=folded)


def define(name, template, arity):
    functions.SCALAR_FUNCTIONS[name] = functions._f(name, "template", template, (arity,))
