"""Checks Sigma files: our form rules and the specification's schemas, pySigma's parser, and `sigma check`.

In: see common/batch.py; every entry also carries "file", the file name, which the validators judge.
Out: see common/batch.py. Codes: CS.. and SCHEMA are ours (documents.py), the others are pySigma's class names.
Each entry is a collection of its own. Nothing is downloaded: HOME is a scratch folder whose caches offline.py fills.
"""

import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENGINES = Path(os.environ.get("CATENA_ENGINES", HERE.parents[2] / ".engines"))
sys.path.append(str(HERE.parent / "common"))

import batch  # noqa: E402


class Checker:
    """pySigma with the validators of validators.yml, working in a scratch folder."""

    def __init__(self, scratch):
        from sigma.collection import SigmaCollection
        from sigma.plugins import InstalledSigmaPlugins
        from sigma.rule import SigmaRule
        from sigma.validation import SigmaValidator

        self.scratch = scratch
        self.collection, self.rule, self.validator = SigmaCollection, SigmaRule, SigmaValidator
        self.config = (HERE / "validators.yml").read_text(encoding="utf-8")
        self.validators = InstalledSigmaPlugins.autodiscover().validators

    def folder(self, number):
        return self.scratch / str(number)

    def problems(self, number, file, text):
        self.folder(number).mkdir()
        path = self.folder(number) / file
        path.write_text(text, encoding="utf-8", newline="")
        collection = self.collection.load_ruleset([path], collect_errors=True)
        broken = [error for rule in collection.rules for error in rule.errors]
        if broken or collection.errors:
            return broken + collection.errors
        collection.resolve_rule_references()
        self.parse_conditions(collection)
        return self.validator.from_yaml(self.config, self.validators).validate_rules(collection.rules)

    def parse_conditions(self, collection):
        for rule in collection.rules:
            if isinstance(rule, self.rule):
                for condition in rule.detection.parsed_condition:
                    condition.parse()


def described(found, lines):
    """A pySigma error or issue as a problem, at the document of the rule that it names first."""
    rules = getattr(found, "rules", None)
    line = lines.get(str(rules[0].id), 1) if rules else 1
    message = str(found) if not rules else f"{found.description} {details(found)}"
    return batch.problem(line, 1, type(found).__name__, message)


def details(issue):
    hidden = ("rules", "severity", "description")
    return " ".join(f"{key}={value}" for key, value in vars(issue).items() if key not in hidden)


def check_entry(checker, number, entry):
    import documents

    text, file = entry["text"], entry["file"]
    if Path(file).name != file or not file:
        return [batch.problem(1, 1, "CS00", f"{file!r} is not a plain file name")]
    problems, lines = documents.problems(text)
    try:
        found = checker.problems(number, file, text)
    except Exception as error:  # pySigma lets YAML errors and its own crashes through
        found = [error]
    return problems + [described(item, lines).replace(f"{checker.folder(number)}/", "") for item in found]


def check_batch(entries):
    ENGINES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sigma-home-", dir=ENGINES) as scratch:
        os.environ["HOME"] = scratch
        import offline

        offline.seed(Path(scratch))
        checker = Checker(Path(scratch))
        checked = batch.guarded(check_entry)
        return [checked(checker, number, entry) for number, entry in enumerate(entries)]


def selftest():
    from selftest import BAD, GOOD

    batch.expect_verdicts("sigma check", check_batch, GOOD, BAD)


if __name__ == "__main__":
    batch.run(check_batch, selftest, keys=("name", "text", "file"))
