"""The frame of every Python checker: a JSON batch on stdin, a JSON verdict on stdout.

In: [{"name": "...", "text": "..."}], plus the further string keys that a checker asks for.
Out: [{"name": "...", "problems": ["line:col CODE message"]}], same order.
Exit 0 when the checker ran (problems are data), 2 on misuse or internal failure; `--selftest` runs the self-test instead.
Must not know: any target.
"""

import json
import sys
import traceback


def problem(line, column, code, message):
    """One problem in the form that the Rust suite prints; the message is kept on one line."""
    return f"{line}:{column} {code} {' '.join(str(message).split())}"


def place(text, offset):
    """Line and column, both from 1, of an offset."""
    line_start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - line_start + 1


def read_batch(keys):
    batch = json.load(sys.stdin)
    if not isinstance(batch, list) or not all(is_entry(entry, keys) for entry in batch):
        raise ValueError(f"stdin must hold a JSON array of objects with the strings {', '.join(keys)}")
    return batch


def is_entry(entry, keys):
    return isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in keys)


def guarded(check):
    """A check whose crash on one entry becomes that entry's problem, so that the batch goes on."""

    def checked(*arguments):
        try:
            return check(*arguments)
        except Exception as error:
            return [problem(1, 1, "CRASH", f"the checker failed: {type(error).__name__}: {error}")]

    return checked


def each(check_text):
    """Lifts a check of one text to a batch."""
    checked = guarded(check_text)
    return lambda batch: [checked(entry["text"]) for entry in batch]


def run(check_batch, selftest, keys=("name", "text")):
    """Runs a checker; `check_batch` maps entries to one list of problems each."""
    try:
        if sys.argv[1:] == ["--selftest"]:
            selftest()
        elif sys.argv[1:]:
            raise ValueError("usage: check.py [--selftest] < batch.json")
        else:
            write_verdicts(read_batch(keys), check_batch)
    except Exception:
        traceback.print_exc()
        sys.exit(2)


def write_verdicts(batch, check_batch):
    verdicts = zip(batch, check_batch(batch), strict=True)
    json.dump([{"name": entry["name"], "problems": problems} for entry, problems in verdicts], sys.stdout, indent=1)
    sys.stdout.write("\n")


def expect_verdicts(label, check_batch, good, bad):
    """Self-test: no problem in a good entry; the expected code in every bad one, given as (code, entry) pairs."""
    verdicts = check_batch(good + [entry for _, entry in bad])
    wrong = [
        f"good text {number} should pass: {problems}{excerpt(entry)}"
        for number, (entry, problems) in enumerate(zip(good, verdicts))
        if problems
    ]
    wrong += [
        f"bad text {number} should give {code}: {problems or 'nothing'}{excerpt(entry)}"
        for number, ((code, entry), problems) in enumerate(zip(bad, verdicts[len(good) :]))
        if code not in [p.split(" ")[1] for p in problems]
    ]
    if wrong:
        raise AssertionError("\n".join(wrong))
    print(f"{label}: {len(good)} good and {len(bad)} bad texts judged rightly", file=sys.stderr)


def excerpt(entry):
    return f"\n  {entry['text'][:300]}" if len(entry["text"]) < 1000 else ""
