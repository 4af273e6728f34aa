"""Which columns of an answer hold times, told by their names.

In: the catalog's source files. Must not know: how an answer came about.
"""

import functools
import pathlib
import re

SOURCES = pathlib.Path(__file__).resolve().parents[3] / "sources"
TIME_FIELD = re.compile(r"^  (\S+):\n    type: time$", re.MULTILINE)


@functools.cache
def time_suffixes():
    """`<step>_time`, and `<step>_<field>` of every field of that type."""
    fields = {name for path in SOURCES.glob("*.yaml") for name in TIME_FIELD.findall(path.read_text(encoding="utf-8"))}
    return ("_time", *sorted("_" + name.replace(".", "_") for name in fields))


def holds_time(name):
    return name.endswith(time_suffixes())
