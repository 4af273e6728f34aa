"""The execution harness of SPL: runs emitted searches over raw events, in DuckDB (translate.py says what that can show).

In: a request a line, as ../README.md has it; `kept` and `clocks` too: the rows of lists that searches keep, and when it runs. Out: an answer a line; `{"error": …}` for a text outside the closed subset, a list
that is not there or a search that fails. Must not know: what the answer should be.
usage: .engines/duck/bin/python harness.py < requests > answers
"""

import functools
import json
import sys
import traceback

import duckdb
import execute
import ingest
from answers import holds_time
from lexer import Fault
from translate import Refused, translate

translated = functools.lru_cache(maxsize=64)(translate)


def holdings(request):
    """What Splunk holds: per macro, the events of each scenario."""
    held = {}
    for macro in ingest.MACROS.values():
        held[macro] = [[] for _ in request["scenarios"]]
    for at, (start, scenario) in enumerate(zip(request["starts"], request["scenarios"])):
        for source, macro in ingest.MACROS.items():
            raws = [event["raw"] for event in scenario if event["source"] == source]
            held[macro][at] = ingest.events(source, raws, start)
    unknown = {event["source"] for scenario in request["scenarios"] for event in scenario} - set(ingest.MACROS)
    if unknown:
        raise Refused(f"events of {', '.join(sorted(unknown))}")
    return held


def shown(name, value):
    """A value as the contract wants it: times in microseconds, whole numbers without a point."""
    if not isinstance(value, float):
        return value
    if holds_time(name):
        return round(value * 1_000_000)
    return int(value) if value.is_integer() else value


def answer(connection, request):
    (part,) = request["parts"]
    search = translated(part["text"])
    missing = search.lookups - set(request["lists"])
    if missing:
        raise Refused(f"the lookup {', '.join(sorted(missing))} is not there")
    held = holdings(request)
    unheld = set(search.sources) - set(held)
    if unheld:
        raise Refused(f"the macro {', '.join(sorted(unheld))}")
    kept, clocks = request.get("kept"), request.get("clocks")
    rows = execute.rows(connection, search, held, request["lists"], len(request["scenarios"]), kept, clocks)
    return {"answers": [[{name: shown(name, value) for name, value in row.items()} for row in scenario] for scenario in rows]}


def respond(connection, line):
    request = json.loads(line)
    try:
        return answer(connection, request)
    except (Refused, Fault, duckdb.Error, OverflowError) as error:
        return {"error": " ".join(f"{type(error).__name__}: {error}".split())[:2000]}


def main():
    connection = execute.connect()
    for line in sys.stdin:
        json.dump(respond(connection, line), sys.stdout, ensure_ascii=False, allow_nan=False)
        sys.stdout.write("\n")
        sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except Exception:
        traceback.print_exc()
        sys.exit(2)
