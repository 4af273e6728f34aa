#!/usr/bin/env python3
"""Shows that a forgotten field does not compile: `tests/forgotten_field.py [STRUCT …]`.

In: nothing but the repository. A copy of it gets one more field in a struct of the IR or of the catalog, and is checked.
Out: for each struct the files that no longer compile, by room, and the rooms that should have refused and did not. Exit 0
if every room answers, 1 if one does not, 2 if the copy compiles for another reason than it should.

A field that compiles everywhere is a construct that some room drops in silence. So the rooms below take these structs
apart without `..`. Rooms in OPEN do not yet; a room that answers must be taken off that list.
"""

import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
COPIED = ("src", "grammar", "sources", "targets", "build.rs", "Cargo.toml", "Cargo.lock", "benches")
# Each room by the files that stand for it.
ROOMS = {
    "check": r"src/check/",
    "gate": r"src/backend/(caps|gate)",
    "bind": r"src/backend/(bind|schema)",
    "engine": r"src/engine/",
    "replay": r"src/replay/",
}
# Struct, where it is defined, the rooms that must answer for a new field of it.
STRUCTS = {
    "Rule": ("src/ir/mod.rs", ("check", "gate", "bind", "engine")),
    "Chain": ("src/ir/mod.rs", ("check", "gate", "bind", "engine")),
    "Step": ("src/ir/mod.rs", ("check", "gate", "bind", "engine", "replay")),
    "Link": ("src/ir/mod.rs", ("check", "gate", "bind", "engine")),
    "Alert": ("src/ir/mod.rs", ("check", "gate", "bind", "engine")),
    "SourceMapping": ("src/catalog.rs", ("bind",)),
    "Mapped": ("src/catalog.rs", ("bind",)),
    "FieldDef": ("src/catalog.rs", ("bind", "engine", "replay")),
}
# Rooms that do not answer yet.
OPEN = set()


def broken_files(copy, name, file):
    """The files with errors, each with their number, after the struct has one more field."""
    path = copy / file
    before = path.read_text()
    head = re.search(rf"pub struct {name} \{{\n", before)
    if head is None:
        sys.exit(f"{file} has no `pub struct {name}`")
    # Serde fills the field in where a source file is read; nothing else may.
    field = "    /// Not there.\n    #[serde(default)]\n    pub forgotten: Option<u8>,\n"
    path.write_text(before[: head.end()] + field + before[head.end() :])
    # Not the repository's own folder: the build script's output names the copy's files.
    environment = dict(os.environ, CARGO_TARGET_DIR=str(ROOT / "target" / "forgotten_field"))
    command = ["cargo", "check", "--lib", "--offline", "--message-format", "json"]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    path.write_text(before)
    found = collections.Counter()
    for line in done.stdout.splitlines():
        message = json.loads(line).get("message") or {}
        if message.get("level") == "error":
            code = (message.get("code") or {}).get("code")
            if code not in ("E0027", "E0063", None):
                sys.exit(f"{name}: another error than a forgotten field: {message['rendered']}")
            found.update({span["file_name"] for span in message["spans"] if span["is_primary"]})
    return found


def report(name, rooms, found):
    """Prints who refuses; returns whether all is as it should be."""
    print(f"{name}: {sum(found.values())} errors in {len(found)} files")
    answered = {room for room in ROOMS if any(re.match(ROOMS[room], file) for file in found)}
    for file in sorted(found):
        room = next((room for room in ROOMS if re.match(ROOMS[room], file)), "-")
        print(f"    {room:8}{file}")
    good = True
    for room in rooms:
        if room not in answered:
            is_open = (name, room) in OPEN
            print(f"    {'open' if is_open else 'MISSING'}: {room} compiles without an answer")
            good &= is_open
        elif (name, room) in OPEN:
            print(f"    {room} answers: take it off OPEN")
            good = False
    return good


def main(names):
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder)
        for part in COPIED:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, copy / part)
            elif source.exists():
                shutil.copy(source, copy / part)
        # The test target is not copied.
        (copy / "tests").mkdir()
        (copy / "tests" / "main.rs").write_text("")
        results = [
            report(name, rooms, broken_files(copy, name, file))
            for name, (file, rooms) in STRUCTS.items()
            if not names or name in names
        ]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
