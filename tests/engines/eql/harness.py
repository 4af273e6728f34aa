"""Runs EQL texts over raw events: the harness of the target `eql` (the contract: README.md, "Execution").

In: requests, one JSON object a line. Out: answers at key level, one line each. The `eql` package parses the texts and checks
their names and types; conditions and sequences are evaluated by our own code after Elasticsearch's documentation, since the
package ignores case, several values and missing keys. The two are held against each other by harness_selftest.py.

usage: .engines/eql/bin/python harness.py < requests.jsonl > answers.jsonl
"""

import fnmatch
import json
import sys
from functools import lru_cache

from alerts import latest, made_of
from check import FIELDS
from ingest import at, document, plain_text
from matcher import sequences, stages
from predicate import address_text
from query import Refused, parse

# Where an event has the field that a target stands in for another.
RAW = {"actor.id": "userIdentity.arn"}


@lru_cache(maxsize=1_024)
def read(text):
    query = parse(text)
    return query, stages(query)


def parts_of(request):
    """The parts as read: (part, query, its stages)."""
    parts = [(part, *read(part["text"])) for part in request["parts"]]
    if not parts or [part["role"] for part, *_ in parts] != ["stage"] * (len(parts) - 1) + ["query"]:
        raise Refused("the parts are stages in their order, and then the query")
    return parts


def answer(request):
    try:
        parts = parts_of(request)
        if "arrivals" in request:
            both = zip(request["scenarios"], request["arrivals"])
            return {"answers": [scheduled(parts, scenario, arrivals) for scenario, arrivals in both]}
        return {"answers": [rows(parts, scenario) for scenario in request["scenarios"]]}
    except Refused as refusal:
        return {"error": str(refusal)}


def rows(parts, scenario):
    """A scenario is searched by itself: its events lie apart from those of others by more than any window."""
    documents = [found for place, event in enumerate(scenario) if (found := document(place, event))]
    for part, query, query_stages in parts:
        documents.sort(key=lambda one: one.time)  # stable: what is simultaneous stays in the order of delivery
        visible = [one for one in documents if any(fnmatch.fnmatch(one.index, pattern) for pattern in query.indexes)]
        found = search(query, query_stages, visible)
        if part["role"] == "query":
            return [row(query, key, matched) for key, matched in found]
        documents += [alert for _, matched in found for alert in made_of(part, matched, latest(part, matched))]
    return []


def scheduled(parts, scenario, arrivals):
    """The same with every part run as its schedule says, over what has arrived; `arrivals` are in seconds, one an event."""
    events = [(found, when * 1_000) for place, (event, when) in enumerate(zip(scenario, arrivals)) if (found := document(place, event))]
    every = max(part["schedule"]["every"] for part, *_ in parts) * 1_000
    begin = min((one.time for one, _ in events), default=0)
    # Until what arrived last has gone through every part.
    end = max((when for _, when in events), default=0) + (len(parts) + 1) * every
    seen, answers = set(), []
    for now in range(begin, end + 1, every):
        # The worst order: what a part finds is read by the next one when that runs again.
        for part, query, query_stages in reversed(parts):
            since = now - part["schedule"]["look_back"] * 1_000
            readable = [one for one, when in events if since <= one.time <= now and when <= now]
            visible = [one for one in readable if any(fnmatch.fnmatch(one.index, pattern) for pattern in query.indexes)]
            visible.sort(key=lambda one: one.time)
            for key, matched in search(query, query_stages, visible):
                # A rule does not alert twice on the same documents.
                identity = (part["id"], *(id(one) for one in matched))
                if identity in seen:
                    continue
                seen.add(identity)
                if part["role"] == "query":
                    answers.append(row(query, key, matched))
                else:
                    events += [(alert, now) for alert in made_of(part, matched, now)]
    return answers


def search(query, query_stages, documents):
    """What a query finds: (values of the key, documents)."""
    if query.span is None:
        return [((), [one]) for one in documents if query_stages[0].holds(one.fields)]
    timed = [(one.time, one.fields) for one in documents]
    return [(key, [documents[place] for place in places]) for key, places in sequences(query_stages, timed, query.span)]


def row(query, key, matched):
    names = [name for name, _ in query.items[0].keys]
    return {
        "events": [one.place for one in matched],
        "key": [canonical(query, name, value, matched) for name, value in zip(names, key)],
    }


def canonical(query, name, value, matched):
    """The value of the rule's field as a text; for a stub, what the last event of the sequence has in its place."""
    fields = dict(query.stand_ins)
    if name in fields:
        if fields[name] not in RAW:
            raise Refused(f"no place in the events is known for `{fields[name]}`")
        events = [one.raw for one in matched if one.raw is not None]
        return at(events[-1], RAW[fields[name]]) if events else None
    if value is None:
        return None
    return address_text(value) if FIELDS.get(name) == "ip" else plain_text(value)


def main():
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line)), ensure_ascii=False) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
