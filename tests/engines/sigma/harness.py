"""Runs Sigma files on small scenarios of events; see "Execution" in ../README.md for the contract.

In: a request a line. Out: an answer a line; rows at key level, the key being the group-by of the rule that alerts.
A text of base rules alone (record level) gives a row for each matching event, with an empty key.
Base rules run in SQLite (base_rules.py), correlations by the specification (correlate.py): the backend's own SQL for
correlations takes minutes for five steps, and harness_selftest.py holds the two against each other.
"""

import functools
import json
import sys

import yaml
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError

import base_rules
import correlate
import ingest

REFUSALS = (SigmaError, yaml.YAMLError, base_rules.Refused, correlate.Refused)


@functools.lru_cache(maxsize=64)
def parse(text):
    """The rules of a file in order of dependency."""
    return SigmaCollection.from_yaml(text).rules


def alerting(rules):
    """The rule that nothing else names. Rules that a correlation names do not alert unless they have `generate`."""
    named = {str(each.rule.id) for rule in rules if isinstance(rule, SigmaCorrelationRule) for each in rule.rules}
    free = [rule for rule in rules if str(rule.id) not in named]
    if len(free) != 1:
        raise base_rules.Refused(f"{len(free)} rules alert, not one: {[rule.title for rule in free]}")
    return free[0]


class Scenario:
    """The events of one scenario that have a time, and what the rules made of them."""

    def __init__(self, events):
        times = [(ingest.time(event), number) for number, event in enumerate(events)]
        self.events = events
        self.order = sorted((time, number) for time, number in times if time is not None)
        self.hits = {}

    def base_hit(self, time, number):
        return correlate.Hit(time, number, (number,), lambda field: ingest.values(self.events[number], field))

    def learn_matches(self, rule, numbers):
        self.learn(rule, [self.base_hit(time, number) for time, number in self.order if number in numbers])

    def learn(self, rule, hits):
        """Correlations may name a rule by its name or by its id."""
        self.hits[rule.name] = self.hits[str(rule.id)] = hits


def answers(text, scenarios):
    rules = parse(text)
    top = alerting(rules)
    scenarios = [Scenario(events) for events in scenarios]
    every = [(scenario, number) for scenario in scenarios for _, number in scenario.order]
    database = base_rules.open_database()
    for rule in rules:
        if isinstance(rule, SigmaCorrelationRule):
            for scenario in scenarios:
                scenario.learn(rule, correlate.correlate(rule, scenario.hits))
            continue
        matched = base_rules.matches(database, rule, [scenario.events[number] for scenario, number in every])
        numbers = {}
        for place in matched:
            scenario, number = every[place]
            numbers.setdefault(scenario, set()).add(number)
        for scenario in scenarios:
            scenario.learn_matches(rule, numbers.get(scenario, ()))
    keys = top.group_by if isinstance(top, SigmaCorrelationRule) else []
    return [[row(hit, keys) for hit in scenario.hits[str(top.id)]] for scenario in scenarios]


def row(hit, keys):
    return {"events": list(hit.events), "key": [next(iter(hit.fields(key)), None) for key in keys]}


def answer(request):
    text = "---\n".join(part["text"] for part in request["parts"])
    try:
        return {"answers": answers(text, request["scenarios"])}
    except REFUSALS as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main():
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
