"""Evaluates conditions over documents as Elasticsearch does, and as three-valued logic does; the two must agree.

In: a condition of query.py. Out: a function from a document's fields to a truth. A document is {field: [value, …]}, typed as
fields.json maps it: text, int, bool, dates as milliseconds, addresses as 128-bit numbers. Must not know: sequences.

Readings. Elasticsearch turns a condition into a query: a test is a term, range or wildcard query, which a document without
the field does not match, and `not` is `must_not`, which matches what its query does not (two values). The `eql` package, and
SQL, take a test of a missing field for null, and so its negation (three values). Elastic documents neither as a promise, so a
text must not depend on it: a document on which the readings differ is refused.
"""

import ipaddress
import re
from datetime import datetime, timezone
from functools import lru_cache

from check import FIELDS
from query import Refused

# index.max_regex_length: https://www.elastic.co/docs/reference/elasticsearch/index-settings/index-modules
LONGEST_REGEX = 1_000
COMPARE = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def compiled(condition):
    """The test of a condition. Null in three values and true in two is where the readings differ; they never do otherwise."""
    three, two = build(condition, None), build(condition, False)

    def holds(fields):
        truth = three(fields)
        if truth is None and two(fields):
            raise Refused("the answer depends on whether a missing field makes a test false or null")
        return bool(truth)

    return holds


def build(condition, unknown):
    kind, *rest = condition
    if kind == "constant":
        return lambda fields: rest[0]
    if kind == "not":
        inner = build(rest[0], unknown)
        return lambda fields: None if (truth := inner(fields)) is None else not truth
    if kind in ("and", "or"):
        return joined([build(part, unknown) for part in rest[0]], decisive=kind == "or")
    if kind == "null":
        field, negated = rest
        return lambda fields: bool(fields.get(field)) == negated
    if kind == "text":
        return text_of_field(*rest, unknown)
    field, test = rest[0], test_of(condition)
    if kind == "compare" and rest[1] == "!=":
        return lambda fields: not any(map(test, values)) if (values := fields.get(field)) else negation(unknown)
    # A query on a field with several values matches when one of them does:
    # https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/array
    return lambda fields: any(map(test, values)) if (values := fields.get(field)) else unknown


def text_of_field(function, folds, field, other, unknown):
    """A function of the texts of two fields, null where one is missing; with `~` both are taken in lower case:
    https://www.elastic.co/docs/reference/query-languages/eql/eql-function-ref (startsWith, endsWith, stringContains)."""
    if {FIELDS.get(field), FIELDS.get(other)} != {"keyword"}:
        raise Refused(f"{function} on a field that is no keyword")
    found = {"startsWith": str.startswith, "endsWith": str.endswith, "stringContains": str.__contains__}[function]

    def truth(fields):
        texts, parts = fields.get(field), fields.get(other)
        if not texts or not parts:
            return unknown
        if len(texts) + len(parts) > 2:
            raise Refused("a function on a field with several values")
        text, part = texts[0], parts[0]
        return found(text.lower(), part.lower()) if folds else found(text, part)

    return truth


def negation(unknown):
    """`!=` is the negation of `==`: https://github.com/elastic/elasticsearch, querytranslator tests of the EQL plugin."""
    return None if unknown is None else True


def joined(parts, decisive):
    def truth(fields):
        found = not decisive
        for part in parts:
            one = part(fields)
            if one is decisive:
                return decisive
            if one is None:
                found = None
        return found

    return truth


def test_of(condition):
    """The test of one value of the field."""
    kind, field, *rest = condition
    mapped = FIELDS.get(field, "keyword")
    if kind == "networks":
        return networks(mapped, rest[0])
    if kind == "compare":
        return compare(rest[0], typed(mapped, rest[1]), mapped)
    if mapped != "keyword" and (kind != "in" or rest[0]):
        raise Refused(f"`{kind}` on a field of type {mapped}")
    folds, operands = rest
    fold = ascii_lower if folds else lambda text: text
    wanted = {fold(typed(mapped, operand)) for operand in operands}
    if kind == "in":
        return lambda value: fold(value) in wanted
    translate = wildcard if kind == "like" else lucene
    matches = re.compile("|".join(f"(?:{translate(one)})" for one in wanted), re.DOTALL).fullmatch
    return lambda value: matches(fold(value)) is not None


def compare(operator, wanted, mapped):
    if operator in ("==", "!="):
        return lambda value: value == wanted
    if mapped not in ("long", "date"):
        raise Refused(f"`{operator}` on a field of type {mapped}")
    return lambda value: COMPARE[operator](value, wanted)


def typed(mapped, operand):
    """A literal as the field stores its values. `==` is a term query on the exact value, so it heeds case:
    https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax (comparison operators)."""
    wanted = {"keyword": str, "ip": str, "date": str, "boolean": bool, "long": (int, float)}.get(mapped)
    if wanted is None or not isinstance(operand, wanted) or (mapped == "long" and isinstance(operand, bool)):
        raise Refused(f"a literal {operand!r} for a field of type {mapped}")
    return {"ip": address, "date": instant}.get(mapped, lambda same: same)(operand)


def address(text):
    """Elasticsearch keeps every address as IPv6, IPv4 inside ::ffff:0:0/96: Lucene's InetAddressPoint."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise Refused(f"{text!r} is no address") from None
    return int(found) if found.version == 6 else (0xFFFF << 32) | int(found)


def address_text(number):
    return str(ipaddress.IPv4Address(number & 0xFFFFFFFF) if number >> 32 == 0xFFFF else ipaddress.IPv6Address(number))


@lru_cache(maxsize=65_536)
def instant(text):
    """Milliseconds: a `date` holds no more, https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/date."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"{text!r} is no instant") from None
    since = (found if found.tzinfo else found.replace(tzinfo=timezone.utc)) - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


def networks(mapped, texts):
    """https://www.elastic.co/docs/reference/query-languages/eql/eql-function-ref (cidrMatch)."""
    if mapped != "ip":
        raise Refused(f"cidrMatch on a field of type {mapped}")
    ranges = []
    for text in texts:
        base, _, bits = text.partition("/")
        free = (32 if "." in base and ":" not in base else 128) - int(bits)
        ranges.append((address(base) >> free, free))
    return lambda value: any(value >> free == prefix for prefix, free in ranges)


def ascii_lower(text):
    """Case-insensitive operators fold ASCII only: Lucene's, by `case_insensitive` of the term and wildcard queries,
    https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-term-query."""
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def wildcard(pattern):
    """`*` any run, `?` one character, no escapes:
    https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax (pattern comparison keywords)."""
    return "".join({"*": ".*", "?": "."}.get(c) or re.escape(c) for c in pattern)


def lucene(expression):
    """Lucene's expressions match the whole value and know no anchors, look-around or classes by letter; what is read
    otherwise by Python's `re` is refused. https://www.elastic.co/docs/reference/query-languages/query-dsl/regexp-syntax"""
    if len(expression) > LONGEST_REGEX:
        raise Refused(f"a regular expression of {len(expression)} characters")
    bare = re.sub(r"\\[^A-Za-z0-9]", "", expression)
    outside = re.sub(r"\[\^?[^\]]*\]", "", bare)
    if re.search(r"\\|\(\?", bare) or re.search(r"[\"~@&#<>^$]", outside):
        raise Refused(f"{expression!r} is not the same to Lucene and to Python")
    return expression
