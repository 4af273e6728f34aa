#!/usr/bin/env python3
"""Prints the figures of the code: `benches/house.py [--src DIR]`.

In: the Rust files under src. Out: lines without tests, for each folder; lines of function bodies; long files; import
cycles between the files of a folder; documented public items; the share of plain comments; each beside its bar, `met`
or `NOT MET`. Exit 0 always: these are measurements. What must hold is in tests/house.rs and clippy.toml.

A line counts if it is outside `tests.rs` files and `#[cfg(test)]` items; blank lines and comments count. A body is what
is between the braces of a function. A plain comment is a line that starts with `//` but is no documentation.
"""

import argparse
import pathlib
import re
import statistics

ROOT = pathlib.Path(__file__).resolve().parent.parent

TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|b?r(?P<hash>\#*)".*?"(?P=hash)|b?"(?:\\.|[^"\\])*"|b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^'\\\n])'""",
    re.S,
)


def blanked(text):
    """The text with comments and literals replaced by spaces, so that braces and words are code."""
    return TOKEN.sub(lambda token: re.sub(r"[^\n]", " ", token.group()), text)


def closing(code, opening):
    """The offset behind the brace that closes the one at `opening`."""
    depth = 0
    for place in re.finditer(r"[{}]", code[opening:]):
        depth += 1 if place.group() == "{" else -1
        if depth == 0:
            return opening + place.end()
    return len(code)


def without_tests(text):
    """The text without items under `#[cfg(test)]`, and its blanked form."""
    code = blanked(text)
    while found := re.search(r"^[ \t]*#\[cfg\(test\)\]", code, re.M):
        brace, semicolon = code.find("{", found.end()), code.find(";", found.end())
        end = closing(code, brace) if 0 <= brace and (semicolon < 0 or brace < semicolon) else semicolon + 1
        end += code[end : end + 1] == "\n"
        text, code = text[: found.start()] + text[end:], code[: found.start()] + code[end:]
    return text, code


def function_bodies(code):
    for found in re.finditer(r"\bfn\s+\w+", code):
        brace, semicolon = code.find("{", found.end()), code.find(";", found.end())
        if brace < 0 or 0 <= semicolon < brace:
            # An array type such as `[u8; 4]` in the signature is no end of it.
            if brace < 0 or code[found.end() : brace].count("[") == 0:
                continue
        lines = code[brace : closing(code, brace)].count("\n")
        yield max(lines - 1, 1 if lines == 0 else 0)


def public_items(text):
    """Whether each public item has documentation; a module's own stands in its file."""
    documented = False
    for line in text.split("\n"):
        line = line.strip()
        if line.startswith(("///", "#[doc", "#[expect(missing_docs", "#[allow(missing_docs")):
            documented = True
        elif re.match(r"pub (?:const fn|async fn|fn|struct|enum|trait|type|const|static)\b", line):
            yield documented
            documented = False
        elif line and not line.startswith(("#[", "//")):
            documented = False


def imports(path, code, files):
    """The files of the same folder that a file names: by `super::`, `self::` or the folder's path from `crate`."""
    folder = path.parent
    here = "::".join(folder.relative_to(SRC).parts)
    prefix = r"super::" if path.name != "mod.rs" else r"(?:self::)?"
    names = set()
    for start in (prefix, rf"crate::{here}::" if here else r"crate::"):
        names.update(re.findall(rf"\b{start}(\w+)", code) if start != r"(?:self::)?" else [])
        for group in re.findall(rf"\b{start}\{{([^;]*)\}}", code) if start != r"(?:self::)?" else []:
            names.update(re.findall(r"(?:^|,)\s*(\w+)", group))
    for name in names:
        for target in (folder / f"{name}.rs", folder / name / "mod.rs"):
            if target in files and target != path and path.name != "mod.rs":
                yield target


def cycles(graph):
    """Groups of files that import each other, by Tarjan's algorithm."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = [stack.pop()]
            while group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def bar(name, value, wanted, met):
    print(f"{name:<44}{value:>14}   {wanted:<12}{'met' if met else 'NOT MET'}")


def is_test(path):
    """Whether a file belongs to the tests: by its name, or declared under `#[cfg(test)]` beside it."""
    parent = path.parent / "mod.rs"
    declared = parent.exists() and re.search(
        rf"#\[cfg\(test\)\]\s*(?:pub(?:\([^)]*\))? )?mod {path.stem};", parent.read_text()
    )
    return path.name == "tests.rs" or "tests" in path.relative_to(SRC).parts or bool(declared)


def main():
    global SRC
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--src", type=pathlib.Path, default=ROOT / "src")
    SRC = parser.parse_args().src.resolve()
    files = sorted(path for path in SRC.rglob("*.rs") if not is_test(path))
    folders, bodies, items, graph, long, headless, plain = {}, [], [], {}, [], [], 0
    known = set(files)
    for path in files:
        whole = path.read_text()
        text, code = without_tests(whole)
        lines = text.count("\n")
        parts = path.relative_to(SRC).parts
        folder = parts[0] if len(parts) > 1 else "(top)"
        folders[folder] = folders.get(folder, 0) + lines
        bodies += function_bodies(code)
        items += public_items(text)
        graph[path] = set(imports(path, code, known))
        plain += len(re.findall(r"^\s*//(?![/!])", text, re.M))
        if whole.count("\n") > 500:
            long.append(path)
        if not whole.startswith("//!"):
            headless.append(path)
    print(f"{'folder':<44}{'lines':>14}")
    for folder, lines in sorted(folders.items(), key=lambda entry: -entry[1]):
        print(f"{folder:<44}{lines:>14,}")
    total = sum(folders.values())
    bodies.sort()
    p50, p90, most = statistics.median_low(bodies), bodies[len(bodies) * 9 // 10], bodies[-1]
    circles = cycles(graph)
    share = 100 * plain / total
    documented = 100 * sum(items) / max(len(items), 1)
    print(f"\n{'figure':<44}{'value':>14}   {'bar':<12}")
    bar("lines of src without tests", f"{total:,}", "<= 30,500", total <= 30_500)
    backend = folders.get("backend", 0)
    bar("lines of src/backend without tests", f"{backend:,}", "< 7,500", backend < 7_500)
    bar(
        f"lines of {len(bodies):,} functions, p50 / p90 / max",
        f"{p50} / {p90} / {most}",
        "6 / 22 / 60",
        p50 <= 6 and p90 <= 22 and most <= 60,
    )
    bar(f"files over 500 lines, of {len(files)}", len(long), "0", not long)
    bar("files without a head (//!)", len(headless), "0", not headless)
    bar("import cycles inside a folder", len(circles), "0", not circles)
    bar(f"documented, of {len(items)} public items", f"{documented:.1f} %", "100 %", documented == 100)
    bar(f"plain comments ({plain} lines)", f"{share:.2f} %", ">= 2 %", share >= 2)
    for group in circles:
        print("cycle: " + ", ".join(str(path.relative_to(SRC)) for path in group))
    for path in long + headless:
        print(f"long or without a head: {path.relative_to(SRC)}")


if __name__ == "__main__":
    main()
