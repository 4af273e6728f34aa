#!/usr/bin/env python3
"""Compares what two builds of catena emit: `tests/emissions.py OLD NEW [FILE.chain …]`.

In: two binaries; rule files (all shipped rules, cases and examples if none are named). Out: a line for each emission that
differs, then a count. Comments, notes and headings may change their words; every other byte of a query, its parts, names,
ids, fidelity and level must not. Exit 0 if nothing differs, 1 if something does, 2 if a build could not be run.
"""

import difflib
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGETS = ("spl", "sigma", "kql", "eql")


def rule_files():
    for folder in ("rules", "tests/cases", "docs/examples"):
        yield from sorted((ROOT / folder).rglob("*.chain"))


def emissions(binary, file, target):
    command = [binary, "compile", str(file), "--target", target, "--format", "json", "--allow-subset"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode not in (0, 1):
        return None
    return json.loads(done.stdout or "[]")


def without_comments(target, text):
    """The query without its comments. A block between triple backticks is SPL's comment, `#` at the start of a line Sigma's."""
    if target == "spl":
        return re.sub(r"```.*?```\n?", "", text, flags=re.S)
    mark = {"kql": "//", "eql": "//", "sigma": "#"}[target]
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(mark))


def comparable(target, emission):
    parts = [
        (part["name"], part["id"], part["role"], without_comments(target, part["text"])) for part in emission["parts"]
    ]
    effects = sorted(note["effect"] for note in emission["notes"])
    return {
        "rule": emission["rule"],
        "fidelity": emission["fidelity"],
        "level": emission["level"],
        "effects": effects,
        "parts": parts,
    }


def show(old, new):
    for key in old:
        if old[key] != new[key] and key != "parts":
            print(f"    {key}: {old[key]} -> {new[key]}")
    for before, after in zip(old["parts"], new["parts"]):
        for line in difflib.unified_diff(before[3].split("\n"), after[3].split("\n"), lineterm="", n=0):
            print(f"    {line}")


def compare(old, new, file, target):
    before, after = emissions(old, file, target), emissions(new, file, target)
    if (before is None) != (after is None):
        print(f"{file.relative_to(ROOT)} {target}: only one of the two compiles it")
        return 1, 1
    before, after = before or [], after or []
    differences = 0
    if len(before) != len(after):
        print(f"{file.relative_to(ROOT)} {target}: {len(before)} emissions before, {len(after)} after")
        differences += 1
    for one, other in zip(before, after):
        one, other = comparable(target, one), comparable(target, other)
        if one != other:
            print(f"{file.relative_to(ROOT)} {target} {one['rule']}: differs")
            show(one, other)
            differences += 1
    return len(before), differences


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    old, new, *named = arguments
    files = [pathlib.Path(name).resolve() for name in named] or list(rule_files())
    total = differing = 0
    for file in files:
        for target in TARGETS:
            count, differences = compare(old, new, file, target)
            total += count
            differing += differences
    print(f"{total} emissions of {len(files)} files compared, {differing} differences")
    return 1 if differing or not total else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
