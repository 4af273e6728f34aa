"""Correlations by the specification.

https://sigmahq.io/sigma-specification/specification/sigma-correlation-rules-specification.html
In: a pySigma correlation and the hits of the rules that it names. Out: its own hits.
Must not know: SQL, detections, how events are stored.
Where the specification leaves a choice, the reading is named; engines differ there, and the notes of a query say so.
"""

import functools
import itertools
from dataclasses import dataclass

from sigma.correlations import SigmaCorrelationConditionOperator, SigmaCorrelationType


class Refused(Exception):
    """A correlation that is not evaluated, and why."""


@dataclass(frozen=True)
class Hit:
    """An event that a base rule matched, or a correlation that came true."""

    time: int
    """Microseconds. A correlation has the time of its last event: pySigma's SQLite backend and rsigma-eval alike."""
    last: int
    """The event, or the last one of the correlation."""
    events: tuple
    """All events that it rests on, in the order of the rules."""
    fields: object
    """Gives the values of a field. A correlation knows its own group-by and nothing else: what more of its events it
    shows is not specified, and rsigma-eval shows only that."""


def correlate(rule, hits):
    """The hits of a correlation, given those of each rule that it names, by reference, in order of time."""
    names = [each.reference for each in rule.rules]
    find = {
        SigmaCorrelationType.TEMPORAL_ORDERED: ordered,
        SigmaCorrelationType.TEMPORAL: unordered,
        SigmaCorrelationType.EVENT_COUNT: functools.partial(counted, rule.condition, event),
        SigmaCorrelationType.VALUE_COUNT: functools.partial(counted, rule.condition, value),
    }.get(rule.type)
    if find is None or not rule.group_by:
        raise Refused(f"{rule.type.name.lower()} over {rule.group_by} is not evaluated")
    needed = 1 if find not in (ordered, unordered) else rule.condition.count
    if rule.condition.op is not SigmaCorrelationConditionOperator.GTE or needed != len(names):
        raise Refused("only correlations that need all of their rules, and counts of one rule, are evaluated")
    span = rule.timespan.seconds * 1_000_000
    groups = grouped(rule, names, hits)
    found = [hit(rule, key, path) for key, operands in groups.items() for path in find(operands, span)]
    return sorted(found, key=lambda hit: (hit.time, hit.last))


def grouped(rule, names, hits):
    """For every key the hits of each rule. A missing key is a key like any other, as in rsigma-eval: what a text must
    not join, it has to leave out itself. A field with several values puts its event into the group of each of them."""
    groups = {}
    for place, name in enumerate(names):
        fields = [field_of(rule, name, key) for key in rule.group_by]
        for each in hits[name]:
            values = [dict.fromkeys(each.fields(field)) or [None] for field in fields]
            for key in itertools.product(*values):
                groups.setdefault(key, [[] for _ in names])[place].append(each)
    return groups


def field_of(rule, name, key):
    """Aliases name the field of a key for each rule; where there is none the key is the field."""
    for alias in rule.aliases:
        for reference, field in alias.mapping.items():
            if alias.alias == key and reference.reference == name:
                return field
    return key


def hit(rule, key, path):
    last = max(reversed(path), key=lambda each: each.time)  # of equal times that of the later rule
    events = tuple(event for event, _ in itertools.groupby(event for each in path for event in each.events))
    names = {name: [] if value is None else [value] for name, value in zip(rule.group_by, key, strict=True)}

    def fields(name):
        if name not in names:
            raise Refused(f"an inner correlation has no field {name}")
        return names[name]

    return Hit(last.time, last.last, events, fields)


def ordered(operands, span):
    """temporal_ordered: all rules in the given order within the timespan, once for each hit of the last one.

    The timespan is inclusive (SQLite backend and rsigma-eval). Hits at the same time count as in order: the specification
    is silent, rsigma-eval and Hayabusa take them, the SQLite backend does not. An event does not follow itself (rsigma-eval
    lets it). Of several ways to a hit the one that began last is enough, as it is the shortest.
    """
    paths = [(each,) for each in operands[0]]
    for hits in operands[1:]:
        longer = ((each, [path for path in paths if follows(each, path[-1])]) for each in hits)
        paths = [(*max(before, key=lambda path: path[0].time), each) for each, before in longer if before]
    return [path for path in paths if path[-1].time - path[0].time <= span]


def follows(later, earlier):
    return earlier.time <= later.time and earlier.last != later.last


def counted(condition, what, operands, span):
    """event_count and value_count: so many events, or values of a field, within a timespan that ends with each of them.

    The specification does not say whether windows slide. Those of the SQLite backend do (its tests: a count over a range that
    precedes each event); Splunk's and ES|QL's are buckets of time, which a note of each text says. All events of one instant
    count for each other, as a range includes its peers.
    """
    (hits,) = operands
    for last in hits:
        inside = [each for each in hits if last.time - span <= each.time <= last.time]
        if len({found for each in inside for found in what(condition, each)}) >= condition.count:
            yield (*(each for each in inside if each is not last), last)


def event(_, hit):
    return [hit.last]


def value(condition, hit):
    return hit.fields(condition.fieldref)


def unordered(operands, span):
    """temporal: all rules within the timespan in any order, once for each hit that completes them."""
    for end in sorted({each.time for hits in operands for each in hits}):
        inside = [[each for each in hits if end - span <= each.time <= end] for hits in operands]
        if all(inside):
            yield tuple(hits[-1] for hits in inside)
