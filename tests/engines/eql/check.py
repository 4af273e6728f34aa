"""Checks EQL with Elastic's own Python parser in Elasticsearch syntax, then for what only Elasticsearch refuses.

In and out: see common/batch.py. Field types come from fields.json. The parser's problems carry the name of its error
class (EqlSyntaxError, EqlSchemaError, ...); ours are the CE codes of structure.py.
The `eql` package is AGPL-3.0: this process is the only place that loads it.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "common"))

import batch  # noqa: E402
import structure  # noqa: E402
from eql.errors import EqlError  # noqa: E402
from eql.parser import (  # noqa: E402
    allow_negation,
    allow_runs,
    allow_sample,
    elasticsearch_syntax,
    elasticsearch_validate_optional_fields,
    lark_parser,
    parse_query,
)
from eql.schema import Schema  # noqa: E402
from lark.exceptions import LarkError  # noqa: E402

FIELDS = json.loads((HERE / "fields.json").read_text(encoding="utf-8"))
PARSER_TYPES = {"keyword": "string", "ip": "string", "date": "string", "long": "number", "boolean": "boolean"}
# https://www.elastic.co/docs/reference/ecs/ecs-allowed-values-event-category
CATEGORIES = (
    "api authentication configuration database driver email file host iam intrusion_detection library malware network "
    "package process registry session threat vulnerability web"
).split()


def nested(fields):
    """The dotted names as the tree of objects that the parser's schema wants."""
    tree = {}
    for name, kind in fields.items():
        *parents, leaf = name.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = kind
    return tree


def parser_schema():
    typed = {name: PARSER_TYPES[kind] for name, kind in FIELDS.items() if kind in PARSER_TYPES}
    # Every category of events has all fields.
    return Schema({category: nested(typed) for category in CATEGORIES}, allow_any=True, allow_generic=False, allow_missing=False)


SCHEMA = parser_schema()


def parser_problems(text):
    try:
        with SCHEMA, elasticsearch_syntax, elasticsearch_validate_optional_fields:
            with allow_negation, allow_runs, allow_sample:
                parse_query(text, implied_any=False, implied_base=False)
        return []
    except EqlError as error:
        line, column = getattr(error, "line", 0), getattr(error, "column", 0)
        message = getattr(error, "error_msg", str(error))
        return [batch.problem((line or 0) + 1, (column or 0) + 1, type(error).__name__, message)]


def structural_problems(text):
    try:
        tree = lark_parser.parse(text + "\n", start="piped_query")
    except LarkError:
        return []  # the parser has already said so
    return structure.problems(tree, FIELDS)


def check_text(text):
    return parser_problems(text) + structural_problems(text)


def selftest():
    from selftest import BAD, GOOD

    entries = [{"name": "good", "text": text} for text in GOOD]
    bad = [(code, {"name": "bad", "text": text}) for code, text in BAD]
    batch.expect_verdicts("eql check", batch.each(check_text), entries, bad)


if __name__ == "__main__":
    batch.run(batch.each(check_text), selftest)
