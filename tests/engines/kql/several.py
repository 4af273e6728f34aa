"""Values of a list that pass a test, counted: `mv-apply … on (summarize … = countif(…))`, which duckdb-kql lacks.

In: a text. Out: the same with functions of our own in place of these operators. Microsoft's pages: mv-apply-operator
("uses the mv-expand operator to expand each record", then a subquery of each; columns that are not expanded are kept),
mv-expand-operator (no row for an empty array), countif-aggregation-function. Everything but the compiler's own form is
refused.
"""

import re

from duckdb_kql import translate

OPERATOR = re.compile(r"^(?P<bar> *\| )mv-apply (?P<value>\w+) = (?P<list>.+?) on \(summarize (?P<counts>.+)\)$", re.MULTILINE)
# The form that makes sure of an item; without it a row could be lost, which the rewriting would not show.
SURE = re.compile(r"iff\(array_length\((?P<list>.+)\) > 0, (?P=list), dynamic\(\[null\]\)\)")
COUNT = re.compile(r"(\w+) = countif\((.*)\)", re.DOTALL)


class Refused(Exception):
    """The operator has another form."""


def split(text):
    """Between commas outside brackets and quotes."""
    parts, depth, quote, at = [], 0, False, 0
    for place, c in enumerate(text):
        if quote:
            quote = c != '"' or escaped(text, place)
        elif c == '"':
            quote = True
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(text[at:place].strip())
            at = place + 1
    return [*parts, text[at:].strip()]


def escaped(text, place):
    before = text[:place]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def rewritten(text):
    def counted(match):
        made = []
        for part in split(match["counts"]):
            count = COUNT.fullmatch(part)
            if not count or match["value"] != "_value":
                raise Refused(f"mv-apply with {part}")
            made.append(f"{count[1]} = kql_count_values({match['list']}, {count[2]})")
        rows = "" if SURE.fullmatch(match["list"]) else f"\n| where array_length({match['list']}) > 0"
        return f"{rows}{match['bar'] if not rows else chr(10) + '| '}extend {', '.join(made)}"

    found = OPERATOR.sub(counted, text)
    if "mv-apply" in found:
        raise Refused("mv-apply in another form")
    return found


def render(node):
    """A null that is no item of the list is none either: nothing passes a test of it."""
    values, test = node.args
    items = f"CAST({translate.render_expr(values)} AS JSON[])"
    return f"len(list_filter({items}, lambda _value: coalesce({translate.render_expr(test)}, false)))"
