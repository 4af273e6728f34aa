"""Windows over sorted rows, which duckdb-kql lacks: the end of a text that keeps the first row of each key and window.

In: a text. Out: the text before that end, and what the end does with its rows. Microsoft's pages: sort-operator,
row-window-session-function ("the value of Expr equals or exceeds the previous session value plus MaxDistanceFromFirst", or the
previous value plus MaxDistanceBetweenNeighbors, or Restart is true), prev-function (of the first row: null, of a text: empty),
arg-min-aggregation-function. Everything but the compiler's own form is refused.
"""

import datetime
import re

TICKS = 10_000_000
LENGTH = re.compile(r"time\((\d+)\.(\d\d):(\d\d):(\d\d)\.(\d{7})\)")
END = re.compile(
    r"\n\| sort by (?P<order>[^\n]+)"
    r"\n\| extend (?P<name>\w+) = row_window_session\((?P<time>\w+), (?P<first>time\([^)]*\)), (?P<next>time\([^)]*\)), (?P<restart>[^\n]+)\)"
    r"\n\| summarize arg_(?P<best>min|max)\((?P<least>\w+), \*\) by (?P<by>[^\n]+)"
    r"(?P<away>\n\| project-away [^\n]+)?(?P<stamp>\n\| extend TimeGenerated = \w+)?\s*$"
)
CHANGE = re.compile(r"(?:(\w+) != prev\(\1\)|tostring\((\w+)\) != tostring\(prev\((\w+)\)\))")


class Refused(Exception):
    """The end of a text has another form."""


def split(text):
    """The text that duckdb-kql runs, and the end that `Windows` runs over its rows; `None` if there is no such end."""
    if "row_window_session" not in text:
        return text, None
    match = END.search(text)
    if not match:
        raise Refused("row_window_session in another form")
    return text[: match.start()] + (match["stamp"] or ""), Windows(match)


class Windows:
    def __init__(self, match):
        self.order = [self.ascending(part) for part in match["order"].split(", ")]
        self.time, self.name, self.best = match["time"], match["name"], match["best"]
        self.first, self.next = ticks(match["first"]), ticks(match["next"])
        self.restarts = [] if match["restart"] == "false" else [changed(part) for part in match["restart"].split(" or ")]
        self.by = match["by"].split(", ")
        self.away = (match["away"] or "").removeprefix("\n| project-away ").split(", ")
        if match["least"] != self.time:
            raise Refused(f"arg_min of {match['least']}")

    @staticmethod
    def ascending(part):
        name, _, word = part.partition(" ")
        if word != "asc":
            raise Refused(f"sort by {part}")
        return name

    def run(self, names, rows):
        """Names and rows after it."""
        found = [dict(zip(names, row, strict=True)) for row in rows]
        found.sort(key=lambda row: [(row[name] is not None, row[name]) for name in self.order])
        before, opened = None, None
        for row in found:
            now = row[self.time]
            is_new = (
                opened is None
                or since(now, opened) >= self.first
                or since(now, before[self.time]) >= self.next
                or any((row[name] or "") != (before[name] or "") for name in self.restarts)
            )
            opened = now if is_new else opened
            row[self.name], before = opened, row
        kept = {}
        for row in found if self.best == "min" else reversed(found):
            kept.setdefault(tuple(row[name] for name in self.by), row)
        left = [name for name in names if name not in self.away]
        return left, [tuple(row[name] for name in left) for row in kept.values()]


def changed(part):
    match = CHANGE.fullmatch(part)
    if not match:
        raise Refused(f"the restart {part}")
    return match[1] or match[2]


def ticks(text):
    days, hours, minutes, seconds, fraction = map(int, LENGTH.fullmatch(text).groups())
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * TICKS + fraction


def since(now, then):
    return (now - then) // datetime.timedelta(microseconds=1) * 10
