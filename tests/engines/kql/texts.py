"""What the harnesses of KQL read from a text, and how they give rows: whichever engine runs it.

In: a text of the compiler's own form, the tables of schema.json. Out: the columns it names, the lists it asks for; rows by
scenario. Must not know: engines.
"""

import bisect
import datetime
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

from lists import rows as rows_of
from parts import Refused, only_query

SCHEMA = json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8"))["tables"]
EPOCH, MICROSECOND = datetime.datetime(1970, 1, 1), datetime.timedelta(microseconds=1)
# The time of the last step, as every answer has it.
STAMP = "TimeGenerated"
WORD = re.compile(r"\w+")
LIST = re.compile(r'_GetWatchlist\("(\w+)"\)')

# learn.microsoft.com/azure/sentinel/watchlists-queries: the rows of one watchlist, found by its alias.
WATCHLISTS = {"Alias": "string", "SearchKey": "string", "until": "string"}


def named(text):
    """The columns of the tables that the text names: fewer are faster to load and to carry along."""
    words = set(WORD.findall(text))
    whole = "pack_all" in words
    schema = {
        table: {name: kind for name, kind in columns.items() if whole or name in words} for table, columns in SCHEMA.items()
    }
    return {table: columns for table, columns in schema.items() if columns and table in words}


def watchlists(text, lists):
    """The rows of all lists: (alias, value, last day)."""
    unknown = set(LIST.findall(text)) - set(lists)
    if unknown:
        raise Refused(f"the text reads lists that the request does not have: {', '.join(sorted(unknown))}")
    return [(name, *row) for name, text in lists.items() for row in rows_of(text)]


def plain(value):
    """A value in the words of the contract. A text that is missing is empty in KQL."""
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // MICROSECOND
    return None if value == "" else value


def answers(names, rows, starts):
    """The rows of each scenario: that in which the last step lies."""
    if STAMP not in names:
        raise Refused(f"the answer has no column {STAMP}")
    found = [[] for _ in starts]
    for values in rows:
        row = {name: plain(value) for name, value in zip(names, values, strict=True)}
        scenario = bisect.bisect_right(starts, row[STAMP] / 1_000_000) - 1
        if scenario < 0:
            raise Refused(f"an answer before the first scenario: {row}")
        found[scenario].append(row)
    return found
