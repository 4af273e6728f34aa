"""Checks SPL against our closed list of commands and functions, and with splint-spl's rules on join, transaction and sort.

In and out: see common/batch.py. Codes: SPL... are splint's, CP.. are ours (commands.py). No package parses or runs all of
SPL, so the closed list with its own lexer and expression grammar is the check: what is not on it was never thought through.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "common"))

import batch  # noqa: E402
import commands  # noqa: E402
import lexer  # noqa: E402
import splint.parser  # noqa: E402
import splint.rules  # noqa: E402

CLOSED = json.loads((HERE / "closed_list.json").read_text(encoding="utf-8"))
SPLINT_RULES = [rule for rule in splint.rules.ALL_RULES if rule.code in ("SPL003", "SPL004", "SPL005")]


def closed_list_problems(text):
    try:
        pipeline = lexer.parse(text)
    except lexer.Fault as fault:
        found = [(fault.offset, fault.code, fault.message)]
    else:
        judge = commands.Judge(text, CLOSED)
        judge.pipeline(pipeline)
        found = judge.found
    return [batch.problem(*batch.place(text, offset), code, message) for offset, code, message in sorted(found)]


def splint_problems(text):
    """The rules are called one by one, because splint lets a comment in the text switch them off."""
    parsed = splint.parser.parse(text)
    return [
        batch.problem(found.position.line, found.position.column, found.code, found.message)
        for rule in SPLINT_RULES
        for found in rule.check(parsed)
    ]


def check_text(text):
    return closed_list_problems(text) + splint_problems(text)


def selftest():
    from selftest import BAD, GOOD

    entries = [{"name": "good", "text": text} for text in GOOD]
    bad = [(code, {"name": "bad", "text": text}) for code, text in BAD]
    batch.expect_verdicts("spl check", batch.each(check_text), entries, bad)


if __name__ == "__main__":
    batch.run(batch.each(check_text), selftest)
