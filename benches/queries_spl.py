#!/usr/bin/env python3
"""Compares emitted SPL with other idioms in the DuckDB lane: same worlds, same answers, and what each costs.

In: the searches of snapshots/spl; benches/queries/spl: the idiom with values() and mvmap at equal times and packed
evidence (`*.values.spl`), and a text written by hand for AN1318 (`aws.hand.spl`); real CloudTrail, where it lies in
../shared/data or CATENA_DATA. Out: figures, each beside its bar, `met` or `NOT MET`. Exit 1 if answers differ. A lane
is no Splunk: times show how a search grows, not how long it takes.

usage: .engines/duck/bin/python benches/queries_spl.py
"""

import collections
import json
import os
import pathlib
import random
import resource
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "engines" / "spl"))

import execute  # noqa: E402
import harness_selftest as made  # noqa: E402
import ingest  # noqa: E402
import translate  # noqa: E402
from sql_expression import quote  # noqa: E402

OTHERS = ROOT / "benches" / "queries" / "spl"
DATA = pathlib.Path(os.environ.get("CATENA_DATA", ROOT.parent / "shared" / "data"))
MEGABYTE = 1024
SAME = True


def texts(name):
    """The emitted text of a case first, then the others."""
    others = {path.name.split(".")[1]: path.read_text(encoding="utf-8") for path in sorted(OTHERS.glob(f"{name}.*.spl"))}
    return {"emitted": made.search(name), **others}


def told(what, figure, met=None):
    print(f"  {what:58} {figure:>14}" + ("" if met is None else "   met" if met else "   NOT MET"))


def held(worlds):
    """What Splunk holds of worlds of raw events."""
    found = {macro: [] for macro in ingest.MACROS.values()}
    for world in worlds:
        for source, macro in ingest.MACROS.items():
            raws = [event["raw"] for event in world if event["source"] == source]
            found[macro].append(ingest.events(source, raws, made.START))
    return found


def answers(text, worlds):
    """The rows of each world, in any order, and the seconds of work."""
    begin = time.process_time()
    rows = execute.rows(execute.connect(), translate.translate(text), held(worlds), {}, len(worlds))
    shown = [collections.Counter(json.dumps(row, sort_keys=True) for row in world) for world in rows]
    return shown, time.process_time() - begin


def worlds_of(name, count):
    """Random worlds around the hand-made trials of a case: several of them at once, with shifted times."""
    trials = [events for case, _, events, _ in made.TRIALS if case == name]
    rng = random.Random(name)
    return [[event for events in rng.choices(trials, k=3) for event in events] for _ in range(count)]


def behind(text):
    """Where the branches of a search end, or what reads the events of one without any."""
    branches, alone = text.rfind("\n    ]\n"), text.rfind("\n| fields - _raw\n")
    return branches + 7 if branches >= 0 else alone + 17


def compare(name, count=200):
    """Length and time of each text over the same worlds; evidence may be another valid path, so alerts are compared."""
    global SAME
    worlds = worlds_of(name, count)
    print(f"{name}: {count} worlds")
    alerts = {}
    for idiom, text in texts(name).items():
        rows, seconds = answers(text, worlds)
        steps = [name for name in translate.translate(text).columns if name.endswith("_time")]
        last = steps[-1].removesuffix("time")
        ends = [collections.Counter(str([row[c] for c in row if c.startswith(last)]) for row in map(json.loads, world.elements())) for world in rows]
        alerts[idiom] = ends
        tail = text[behind(text) :]
        told(f"{idiom}: characters, of them behind the branches", f"{len(text)}, {len(tail)}")
        told(f"{idiom}: seconds; alerts", f"{seconds:.1f}; {sum(sum(world.values()) for world in ends)}")
    same = all(found == alerts["emitted"] for found in alerts.values())
    SAME &= same
    told("same alerts", "yes" if same else "NO", same)


def burst(idiom, count):
    """One process for each, since memory is measured as its highest."""
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'benches')!r}); import queries_spl; queries_spl.run_burst({idiom!r}, {count})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(run.stdout[run.stdout.rindex("{") :])  # behind a progress bar


def run_burst(idiom, count):
    world = [made.login(5, event_id=f"login {number:05}") for number in range(count)]
    rows, seconds = answers(texts("one_event_both_steps")[idiom], [world])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE
    print(json.dumps({"alerts": sum(rows[0].values()), "seconds": seconds, "megabytes": memory}))


def bursts():
    global SAME
    print("events of one key in one second, both steps match (one_event_both_steps)")
    found = {}
    for idiom, counts in (("emitted", (500, 1000, 2000, 4000)), ("values", (500, 1000, 2000))):
        for count in counts:
            found[idiom, count] = figures = burst(idiom, count)
            told(f"{idiom}, {count} events: seconds, megabytes", f"{figures['seconds']:.1f}, {figures['megabytes']:.0f}")
            SAME &= figures["alerts"] == count
    small, large = found["emitted", 1000], found["emitted", 4000]
    linear = large["seconds"] < 5 * small["seconds"] and large["megabytes"] < 2 * small["megabytes"]
    told("4 times the events: at most 5 times the time, 2 times the memory", "", linear)


def trails():
    """Every record of the real CloudTrail logs."""
    for folder in ("invictus-ir_aws_dataset", "stratus"):
        for path in sorted((DATA / folder).rglob("*.json")):
            content = json.loads(path.read_text(encoding="utf-8"))
            yield from content.get("Records", [content]) if isinstance(content, dict) else content


def fetched(text, base, events):
    """How many events a base search reads, and the rows of the first branch."""
    first = text[text.index("[ search ") + 2 : text.index("\n    ]\n")] if "[ search " in text else text
    lines = first.splitlines()
    lines[0] = base or lines[0]
    counts = []
    for search in (lines[0], "\n".join(lines)):
        translation = translate.translate(search)
        connection = execute.connect()
        for macro, fields in translation.sources.items():
            execute.load(connection, macro, fields | {"_raw"}, [events])
        counts.append(connection.execute(f"SELECT count(*) FROM ({translation.sql}) {quote('all')}").fetchone()[0])
    return counts


def real(what):
    """The events of the real CloudTrail logs; none, which is told, where they are not."""
    records = list(trails())
    print(f"{what}, over real CloudTrail: {len(records)} events")
    if not records:
        print(f"  NOT MEASURED: no real logs at {DATA}")
        return None
    return ingest.events("aws.cloudtrail", records, made.START)


def prefilter():
    global SAME
    events = real("console step of AN1318")
    if not events:
        return
    text = made.search("aws")
    read, kept = fetched(text, None, events)
    all_read, all_kept = fetched(text, "search `cloudtrail`", events)
    told("events fetched", f"{read}", read <= 0.1 * all_read)
    told("events fetched without the prefilter", f"{all_read}")
    told("true events kept", f"{kept} of {all_kept}", kept == all_kept)
    SAME &= kept == all_kept


def bases(text):
    """The base searches of a text, each with the paths that are read of every event that it fetches."""
    found = []
    for line in text.splitlines():
        line = line.strip()
        if line.removeprefix("[ ").startswith("search `"):
            found.append([line.removeprefix("[ "), 0])
        elif line.startswith("| where "):
            found[-1].append("judged")
        elif line.startswith("| spath ") and len(found[-1]) == 2:
            found[-1][1] += 1
    return [(base, paths) for base, paths, *_ in found]


def shared():
    """What steps that share a search fetch and read, beside a branch for each."""
    events = real("steps that share a search")
    if not events:
        return
    for name in ("shared_search", "repeated_first"):
        for idiom, text in texts(name).items():
            found = [(fetched(base, base, events)[0], paths) for base, paths in bases(text)]
            told(f"{name}, {idiom}: searches, events fetched", f"{len(found)}, {sum(count for count, _ in found)}")
            told(f"{name}, {idiom}: texts read by spath", f"{sum(count * paths for count, paths in found)}")


def tails():
    print("characters behind the branches, three steps without a total that binds")
    for path in sorted((ROOT / "snapshots" / "spl").glob("*.snap")):
        text = made.search(path.stem)
        if text.count("\n    [ search ") == 3 and " last(" in text:
            length = len(text[text.rindex("\n    ]\n") + 7 :])
            told(path.stem, f"{length}", length <= 1500)


def main():
    for name in ("aws", "one_event_both_steps", "key_changes_twice", "shared_search", "repeated_first"):
        compare(name)
    tails()
    prefilter()
    shared()
    bursts()
    sys.exit(0 if SAME else 1)


if __name__ == "__main__":
    main()
