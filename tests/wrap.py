#!/usr/bin/env python3
"""Wraps comments (Rust) and prose (Markdown) at 120 columns: `tests/wrap.py FILE…`, or all tracked files if none is named.

In: files. Out: the same files; a paragraph changes from its first line that is too wide, and nothing else does. Code
blocks, tables, headings, generated parts and indented blocks stay as they are. tests/house.rs checks the width.
"""

import pathlib
import re
import subprocess
import sys
import textwrap

WIDTH = 120
ITEM = re.compile(r"\s*(?:[-*] |\d+\. )")
COMMENT = re.compile(r"(\s*(?:///|//!|//))(?: |$)")


def wrapped(lines, prefix):
    """One paragraph; its lines are without `prefix`."""
    wide = next((index for index, line in enumerate(lines) if len(prefix + line) > WIDTH and "://" not in line), None)
    if wide is None:
        return lines
    first = (ITEM.match(lines[0]) or re.match(r"\s*", lines[0])).group()
    rest = " " * len(first) if wide == 0 else re.match(r"\s*", lines[wide]).group()
    text = " ".join(
        [
            lines[wide].strip().removeprefix(first.strip()) if wide == 0 else lines[wide].strip(),
            *map(str.strip, lines[wide + 1 :]),
        ]
    )
    filled = textwrap.wrap(
        text.strip(),
        WIDTH,
        initial_indent=prefix + (first if wide == 0 else rest),
        subsequent_indent=prefix + rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines[:wide] + [line[len(prefix) :] for line in filled]


def flowed(lines, prefix, is_page):
    """Lines of a page or of one comment, paragraph by paragraph."""
    out, paragraph, in_block, generated = [], [], False, False
    for line in [*lines, None]:
        bare = "" if line is None else line.strip()
        in_block ^= bare.startswith("```")
        if is_page and bare.startswith("<!-- "):
            generated = not bare.startswith("<!-- end of")
        indented = not is_page and re.match(r"\s{4,}", line or "")
        stays = in_block or generated or not bare or bare.startswith(("```", "|", "#", "<!--")) or indented
        if stays or ITEM.match(line):
            out += wrapped(paragraph, prefix)
            paragraph = []
        if line is not None:
            (out if stays else paragraph).append(line)
    return out


def rust(lines):
    out, at = [], 0
    while at < len(lines):
        found = COMMENT.match(lines[at])
        if not found:
            out.append(lines[at])
            at += 1
            continue
        mark, comment = found.group(1), []
        while at < len(lines) and (same := COMMENT.match(lines[at])) and same.group(1) == mark:
            comment.append(lines[at][len(mark) + 1 :])
            at += 1
        out += [f"{mark} {line}".rstrip() for line in flowed(comment, mark + " ", False)]
    return out


def main(named):
    listed = subprocess.run(["git", "ls-files", "*.rs", "*.md"], capture_output=True, text=True, check=True)
    for name in named or listed.stdout.split():
        path = pathlib.Path(name)
        before = path.read_text()
        lines = before.split("\n")
        after = "\n".join(flowed(lines, "", True) if path.suffix == ".md" else rust(lines))
        if after != before:
            path.write_text(after)
            print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
