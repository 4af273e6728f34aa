"""Judges the YAML of a Sigma file, document by document: schemas of the specification, then the form our emitter promises.

In: the text. Out: problems, and the first line of each rule by its id. Must not know: pySigma.

SCHEMA the restated schemas of schema/     CS01 empty document          CS02 base rule without id or name
CS03 modifier, field or key outside our closed set                      CS04 reference to nothing earlier
CS05 scalar that YAML readers disagree on  CS06 null inside a list      CS07 condition that does not fit the type
CS08 alias and group-by do not fit         CS09 key written twice       CS10 not YAML
"""

import datetime
import json
import re
from pathlib import Path

import yaml
from batch import problem
from jsonschema import Draft202012Validator, FormatChecker

SCHEMAS = {
    kind: Draft202012Validator(
        json.loads((Path(__file__).parent / "schema" / f"{kind}.json").read_text(encoding="utf-8")),
        format_checker=FormatChecker(),
    )
    for kind in ("detection", "correlation")
}
MODIFIERS = {"contains", "startswith", "endswith", "all", "cased", "re", "i", "m", "s", "cidr", "fieldref"}
MODIFIERS |= {"gt", "gte", "lt", "lte"}
FIELD = re.compile(r"^[A-Za-z0-9_.\-]+$")
SAFE_PLAIN = re.compile(r"^(true|false|null|-?(0|[1-9]\d*)(\.\d+)?)$")
NUMBER_IN_YAML_12 = re.compile(r"^[-+]?(0o[0-7]+|0x[0-9a-fA-F]+|(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?)$")
CLOSED_KEYS = {"generate", "filter", "action"}


def problems(text):
    try:
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
        documents = [plain(document) for document in yaml.safe_load_all(text)]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return [problem(line, column, "CS10", getattr(error, "problem", error))], {}
    found, known, lines = [], {}, {}
    if not documents:
        found.append(problem(1, 1, "CS01", "the file has no document"))
    for node, document in zip(nodes, documents, strict=True):
        found += document_problems(node, document, known)
        if isinstance(document, dict):
            lines[str(document.get("id"))] = node.start_mark.line + 1
            known.update({document.get(key): document for key in ("id", "name") if document.get(key)})
    return found, lines


def plain(value):
    """YAML dates as the text that the schemas speak of."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


def document_problems(node, document, known):
    if not isinstance(document, dict):
        return [at(node, "CS01", "an empty document")]
    kind = "correlation" if "correlation" in document else "detection"
    found = [at(node_of(node, error.absolute_path), "SCHEMA", error.message) for error in SCHEMAS[kind].iter_errors(document)]
    found += [at(node, "CS03", f"the key {key} is not ours to emit") for key in document if key in CLOSED_KEYS]
    found += scalar_problems(node) + twice_written(node)
    if not found:
        found += detection_problems(node, document) if kind == "detection" else correlation_problems(node, document, known)
    return found


def at(node, code, message):
    return problem(node.start_mark.line + 1, node.start_mark.column + 1, code, message)


def node_of(node, path):
    """The YAML node at a path of keys and indexes; the nearest one above it where the path leaves the text."""
    for step in path:
        if isinstance(node, yaml.MappingNode):
            values = {key.value: value for key, value in node.value}
            node = values.get(str(step), node)
        elif isinstance(node, yaml.SequenceNode):
            node = node.value[step]
    return node


def scalars(node):
    """Every value below a node that is a scalar; keys are left out."""
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from scalars(item)
    else:
        for _, value in node.value:
            yield from scalars(value)


def scalar_problems(node):
    """Plain text that YAML 1.1 reads as a string and YAML 1.2 as a number, or the other way round."""
    return [
        at(scalar, "CS05", f"{scalar.value} is read as different types")
        for scalar in scalars(node)
        if scalar.style is None and readers_disagree(scalar)
    ]


def readers_disagree(scalar):
    is_number = bool(NUMBER_IN_YAML_12.match(scalar.value))
    was_number = scalar.tag.endswith((":int", ":float"))
    was_odd_bool = scalar.tag.endswith(":bool") and scalar.value not in ("true", "false")
    return is_number != was_number or was_odd_bool


def twice_written(node):
    found = []
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        found = [at(key, "CS09", f"{key.value} is written twice") for key, _ in node.value if keys.count(key.value) > 1]
    below = node.value if isinstance(node, yaml.SequenceNode) else []
    below = [value for _, value in node.value] if isinstance(node, yaml.MappingNode) else below
    return found + [problem_below for child in below for problem_below in twice_written(child)]


def detection_problems(node, document):
    found = []
    if not document.get("id") or not document.get("name"):
        found.append(at(node, "CS02", "a base rule needs an id and a name to be correlated"))
    detection = node_of(node, ["detection"])
    for key, selection in detection.value:
        if key.value != "condition":
            found += selection_problems(selection)
    return found


def selection_problems(selection):
    if isinstance(selection, yaml.SequenceNode):
        return [found for item in selection.value for found in selection_problems(item)]
    if not isinstance(selection, yaml.MappingNode):
        return [at(selection, "CS03", "a keyword search over the whole event")]
    return [found for key, value in selection.value for found in item_problems(key, value)]


def item_problems(key, value):
    field, *modifiers = key.value.split("|")
    found = []
    if not FIELD.match(field):
        found.append(at(key, "CS03", f"the field name {field}"))
    found += [at(key, "CS03", f"the modifier {name}") for name in modifiers if name not in MODIFIERS]
    for scalar in scalars(value):
        if scalar.style is None and not SAFE_PLAIN.match(scalar.value):
            found.append(at(scalar, "CS05", f"the text {scalar.value} is not quoted"))
    if isinstance(value, yaml.SequenceNode):
        found += [at(item, "CS06", "null inside a list") for item in value.value if item.tag.endswith(":null")]
    return found


def correlation_problems(node, document, known):
    correlation, place = document["correlation"], node_of(node, ["correlation"])
    rules, found = correlation["rules"], []
    condition = correlation.get("condition", {})
    if correlation["type"] in ("temporal_ordered", "temporal"):
        if condition != {"gte": len(rules)}:
            found.append(at(place, "CS07", f"the condition must be gte: {len(rules)}"))
    elif len(rules) != 1 or condition.get("gte", 0) < 2 or set(condition) - {"field"} != {"gte"}:
        found.append(at(place, "CS07", "a count must be of one rule, and gte: 2 or more"))
    elif ("field" in condition) != (correlation["type"] == "value_count"):
        found.append(at(place, "CS07", "value_count counts the values of a field, event_count does not"))
    found += [at(place, "CS04", f"no earlier rule {rule}") for rule in rules if rule not in known]
    return found + alias_problems(place, correlation, known)


def alias_problems(place, correlation, known):
    """An alias names rules of this correlation, and each base rule behind a key of `group-by`."""
    aliases, group_by = correlation.get("aliases", {}), correlation["group-by"]
    base_rules = {rule for rule in correlation["rules"] if "detection" in known.get(rule, {})}
    found = [at(place, "CS08", f"the alias {alias} is not in group-by") for alias in aliases if alias not in group_by]
    for alias, fields in aliases.items():
        strangers = set(fields) - set(correlation["rules"])
        found += [at(place, "CS08", f"{alias} names {rule}, which is not correlated") for rule in sorted(strangers)]
        found += [at(place, "CS08", f"{alias} gives no field of {rule}") for rule in sorted(base_rules - set(fields))]
    return found
