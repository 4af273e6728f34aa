"""The sequence matcher of Elasticsearch, as its documentation describes it.

In: the items of a sequence, documents in their order. Out: the sequences found. Must not know: how documents came to be.

- Order: by @timestamp, then by the tiebreaker field, then by the order of the shards; a rule has no tiebreaker unless its
  author names one. The caller sorts. https://www.elastic.co/docs/explore-analyze/query-filter/languages/eql (tiebreaker)
- "The algorithm works like a state machine for each key": one sequence is in flight for each key and stage; a newer event of
  a stage takes the place of the older one, and an event that continues a sequence uses it up. So not every chain is found.
  https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax (how a sequence query handles matches)
- maxspan counts from the first event to the last, bounds included; a sequence that exceeds it is given up. Same page.
- A missing key never joins, unless it is optional (elasticsearch pull request 79677); each of several values is a key of its
  own, and several such keys give every combination (elasticsearch pull request 89965).
- A condition on a join key holds for every item, so the optimizer copies it to the others, unless it contains an `or`
  (elasticsearch issue 133065 and pull request 133134). A negated `and` is taken for an `or`.
"""

import itertools
from dataclasses import dataclass

from predicate import compiled


@dataclass(frozen=True)
class Stage:
    holds: object  # from the fields of a document to a truth
    keys: tuple  # (field, whether a missing value joins)


def stages(query):
    """The items with the conditions that the optimizer copies to them."""
    copies = [(here, *found) for here, item in enumerate(query.items) for found in constraints(item)]
    made = []
    for here, item in enumerate(query.items):
        others = [renamed(one, item.keys[place][0]) for origin, place, one in copies if origin != here]
        made.append(Stage(compiled(("and", [item.condition, *others])), item.keys))
    return made


def constraints(item):
    """The conditions on a key of an item that hold for the same key of the others: (place of the key, condition)."""
    names = [name for name, _ in item.keys]
    for part in item.condition[1] if item.condition[0] == "and" else [item.condition]:
        field = field_of(part)
        if field in names and not has_or(part):
            yield names.index(field), part


def field_of(condition):
    """The one field that a condition without `and` and `or` speaks of."""
    inner = condition[1] if condition[0] == "not" else condition
    return inner[1] if inner[0] in ("null", "compare", "in", "like", "regex", "networks") else None


def has_or(condition):
    """Several patterns, or values compared without case, are an `or` of as many tests; `in` and cidrMatch are one."""
    inner = condition[1] if condition[0] == "not" else condition
    return inner[0] in ("like", "regex", "in") and (inner[0] != "in" or inner[2]) and len(inner[3]) > 1


def renamed(condition, field):
    if condition[0] == "not":
        return ("not", renamed(condition[1], field))
    return (condition[0], field, *condition[2:])


def keys_of(fields, keys):
    """The keys by which a document joins."""
    choices = [fields.get(name) or ([None] if optional else []) for name, optional in keys]
    return itertools.product(*choices)


def sequences(query_stages, documents, span):
    """Every sequence that completes: (key, places in `documents`), in the order of their first events.

    `documents` are (time in milliseconds, fields), in order. Each stage is run over all documents, as Elasticsearch does;
    an event of a later stage sees what was in flight before it, so this finds what a single pass would."""
    waiting = {}
    for number, stage in enumerate(query_stages):
        moved = {}
        for place, (_, fields) in enumerate(documents):
            if not stage.holds(fields):
                continue
            for key in keys_of(fields, stage.keys):
                found = () if number == 0 else continued(waiting.get(key, []), place)
                if found is None or (found and documents[place][0] - documents[found[0]][0] > span):
                    continue
                moved.setdefault(key, []).append((*found, place))
        waiting = moved
    return sorted(((key, places) for key, found in waiting.items() for places in found), key=lambda found: found[1])


def continued(in_flight, place):
    """The latest sequence before an event; it and those it had replaced are no longer in flight."""
    before = [sequence for sequence in in_flight if sequence[-1] < place]
    if not before:
        return None
    del in_flight[: len(before)]
    return before[-1]
