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
- `with runs=n` is the item n times over. https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax (with runs)
- A missing item is asked about when a sequence is complete: it is given up if an event of its key satisfies the item
  strictly between the times of its neighbours. Before the first item and after the last one maxspan bounds the time, counted
  from the sequence's other end. (`TumblingWindow.prepareQueryForMissingEvents` and `doCheckMissingEvents`; elasticsearch pull
  request 91347.) So a sequence that is given up has used up its events.
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
    missing: bool


def stages(query):
    """The items with the conditions that the optimizer copies to them."""
    copies = [(here, *found) for here, item in enumerate(query.items) for found in constraints(item)]
    made = []
    for here, item in enumerate(query.items):
        others = [renamed(one, item.keys[place][0]) for origin, place, one in copies if origin != here]
        stage = Stage(compiled(("and", [item.condition, *others])), item.keys, item.missing)
        made += [stage] * item.runs
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
    for number, stage in enumerate(stage for stage in query_stages if not stage.missing):
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
    complete = ((key, places) for key, found in waiting.items() for places in found)
    kept = (one for one in complete if not spoiled(query_stages, documents, span, *one))
    return sorted(kept, key=lambda found: found[1])


def spoiled(query_stages, documents, span, key, places):
    """Whether an event of a missing item lies where none may."""
    times, came = [documents[place][0] for place in places], 0
    for stage in query_stages:
        if not stage.missing:
            came += 1
            continue
        # A missing item at an end is bounded by maxspan, in which the other end lies as well.
        after = times[came - 1] if came else times[-1] - span - 1
        before = times[came] if came < len(times) else times[0] + span + 1
        between = (fields for time, fields in documents if after < time < before)
        if any(stage.holds(fields) and key in keys_of(fields, stage.keys) for fields in between):
            return True
    return False


def continued(in_flight, place):
    """The latest sequence before an event; it and those it had replaced are no longer in flight."""
    before = [sequence for sequence in in_flight if sequence[-1] < place]
    if not before:
        return None
    del in_flight[: len(before)]
    return before[-1]
