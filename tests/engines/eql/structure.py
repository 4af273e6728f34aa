"""What the Python parser accepts and Elasticsearch, its detection engine or its documents refuse.

In: the parser's concrete syntax tree and the field types. Out: problems (common/batch.py).
Must not know: where the text came from.

CE01 fewer than two items     CE02 only missing items      CE03 no maxspan            CE04 runs out of range
CE05 fork or alias            CE06 join                    CE07 child of, event of    CE08 pipe
CE09 function                 CE10 cidrMatch not on an ip  CE11 pattern on a non-keyword
CE12 ip in a list             CE13 key is not a field      CE14 flattened field       CE15 text or unknown field
CE16 field not searchable in alerts                        CE17 key without a null guard
CE18 regular expression that is not Lucene's
"""

import re

from batch import problem
from lark import Token

FUNCTIONS = {
    "add",
    "between",
    "cidrMatch",
    "concat",
    "divide",
    "endsWith",
    "indexOf",
    "length",
    "modulo",
    "multiply",
    "number",
    "startsWith",
    "string",
    "stringContains",
    "substring",
    "subtract",
}
CASELESS_FUNCTIONS = {"between~", "endsWith~", "indexOf~", "startsWith~", "stringContains~"}
PIPES = {"head", "tail"}
MAX_RUNS = 100
KEY_SIZED = {"keyword", "long", "boolean", "ip", "date"}
NOT_LUCENE = re.compile(r"\(\?|^\^|\$$|\\[bBAzZ]")


# Fields that an integration adds to the common schema: the index of alerts does not map them.
INTEGRATIONS = (
    "aws.", "azure.", "azure_network_watcher_vnet.", "data_stream.", "gcp.", "github.", "kubernetes.", "m365_defender.", "o365.",
    "okta.", "servicenow.", "winlog.",
)


def is_tree(node):
    return not isinstance(node, Token)


def data_of(node):
    return str(node.data) if is_tree(node) else node.type


def children(node, kind):
    return [child for child in node.children if child is not None and data_of(child) == kind]


def descendants(node, kind):
    """Every node of a kind below a node, itself included."""
    stack, found = [node], []
    while stack:
        node = stack.pop()
        if data_of(node) == kind:
            found.append(node)
        if is_tree(node):
            stack.extend(child for child in reversed(node.children) if child is not None)
    return found


def first_token(node):
    while is_tree(node):
        node = next((child for child in node.children if child is not None), None)
        if node is None:
            return None
    return node


def text_of(node):
    token = first_token(node)
    return str(token) if token is not None else ""


def at(node, code, message):
    token = first_token(node)
    line, column = (token.line, token.column) if token is not None else (1, 1)
    return problem(line, column, code, message)


def field_name(node):
    """The plain dotted name of a field node."""
    return text_of(node).removeprefix("?").replace("`", "")


def is_field(node):
    return is_tree(node) and data_of(node) in ("field", "base_field")


def fields_in(node):
    return descendants(node, "field") + descendants(node, "base_field")


def sequence_items(tree):
    return [item for sequence in descendants(tree, "sequence") for item in children(sequence, "subquery_by")]


def is_missing_item(item):
    return bool(descendants(children(item, "subquery")[0], "MISSING_EVENT_OPEN"))


def check_sequences(tree, types):
    for sequence in descendants(tree, "sequence"):
        items = children(sequence, "subquery_by")
        if len(items) < 2 and not children(items[0], "repeated_sequence"):
            yield at(sequence, "CE01", "a sequence needs two items")
        if all(is_missing_item(item) for item in items):
            yield at(sequence, "CE02", "a sequence needs an item that must happen")
        if not children(sequence, "with_params"):
            yield at(sequence, "CE03", "the sequence has no maxspan")
    for runs in descendants(tree, "repeated_sequence"):
        count = int(str(runs.children[-1]))
        if not 1 <= count <= MAX_RUNS:
            yield at(runs, "CE04", f"runs={count}; Elasticsearch takes 1 to {MAX_RUNS}")


def check_forms(tree, types):
    for kind, code, message in (
        ("fork_param", "CE05", "fork is not Elasticsearch EQL"),
        ("sequence_alias", "CE05", "an alias is not Elasticsearch EQL"),
        ("join", "CE06", "join is not Elasticsearch EQL"),
        ("named_subquery", "CE07", "subqueries of the form `child of [...]` are not Elasticsearch EQL"),
        ("method_chain", "CE09", "method calls are not Elasticsearch EQL"),
    ):
        yield from (at(node, code, message) for node in descendants(tree, kind))
    for pipe in descendants(tree, "pipe"):
        if text_of(pipe) not in PIPES:
            yield at(pipe, "CE08", f"pipe {text_of(pipe)} is not Elasticsearch EQL")


def arguments(call):
    lists = children(call, "expressions")
    return [child for child in lists[0].children if child is not None] if lists else []


def check_functions(tree, types):
    for call in descendants(tree, "function_call"):
        name = text_of(call)
        if name not in FUNCTIONS | CASELESS_FUNCTIONS:
            yield at(call, "CE09", f"no function {name}")
        if name == "cidrMatch":
            first = (arguments(call) or [None])[0]
            if first is None or not is_field(first) or types.get(field_name(first)) != "ip":
                yield at(call, "CE10", "cidrMatch takes a field of type ip")


def check_predicates(tree, types):
    for predicate in descendants(tree, "string_predicate"):
        subject, operator = predicate.children[0], str(predicate.children[1])
        kind = types.get(field_name(subject)) if is_field(subject) else None
        if kind not in (None, "keyword"):
            yield at(predicate, "CE11", f"`{operator}` on a field of type {kind}")
        if operator.startswith("regex"):
            yield from check_regexes(predicate)
    for kind in ("in_set", "not_in_set"):
        for node in descendants(tree, kind):
            subject = node.children[0]
            if is_field(subject) and types.get(field_name(subject)) == "ip":
                yield at(node, "CE12", "an ip is not compared with a list; use cidrMatch or ==")


def check_regexes(predicate):
    for literal in descendants(predicate, "string"):
        pattern = text_of(literal).strip('"')
        if NOT_LUCENE.search(pattern):
            yield at(literal, "CE18", "not Lucene: patterns match the whole value, without anchors, \\b or (?...)")


def check_keys(tree, types):
    for keys in descendants(tree, "join_values"):
        for key in children(keys, "expressions")[0].children:
            if key is None:
                continue
            if not is_field(key):
                yield at(key, "CE13", "a key must be a field")
            elif types.get(field_name(key)) not in KEY_SIZED:
                yield at(key, "CE13", f"{field_name(key)} cannot be a key")


def check_fields(tree, types):
    for field in fields_in(tree):
        name = field_name(field)
        if name.startswith("aws.cloudtrail.flattened"):
            yield at(field, "CE14", f"{name} is flattened, which EQL cannot read")
        elif types.get(name) not in KEY_SIZED:
            yield at(field, "CE15", f"{name} is {types.get(name, 'not a known field')}")


def reads_alerts(item):
    """An item that reads alert documents: it demands event.kind == "signal"."""
    for comparison in descendants(item, "comparison"):
        if field_name(comparison.children[0]) == "event.kind" and '"signal"' in map(text_of, comparison.children):
            return True
    return False


def is_in_alerts(name):
    return not name.startswith(INTEGRATIONS) and name != "related.entity"


def check_alert_items(tree, types):
    shared = [keys for sequence in descendants(tree, "sequence") for keys in children(sequence, "join_values")]
    for item in filter(reads_alerts, sequence_items(tree) + descendants(tree, "event_query")):
        read = fields_in(item) + [field for keys in shared for field in fields_in(keys)]
        for field in read:
            if not is_in_alerts(field_name(field)):
                yield at(field, "CE16", f"{field_name(field)} is not searchable in the alerts index")


def guarded_fields(item):
    """The fields that an item demands to be present, by `f != null`."""
    guards = [c for c in descendants(item, "comparison") if "!=" in map(str, c.children) and descendants(c, "null")]
    return {field_name(guard.children[0]) for guard in guards}


def check_guards(tree, types):
    for sequence in descendants(tree, "sequence"):
        shared = [field for keys in children(sequence, "join_values") for field in fields_in(keys)]
        for item in children(sequence, "subquery_by"):
            own = [field for keys in children(item, "join_values") for field in fields_in(keys)]
            for field in shared + own:
                if field_name(field) not in guarded_fields(item) and not is_missing_item(item):
                    yield at(item, "CE17", f"the item does not demand {field_name(field)} != null")


CHECKS = (
    check_sequences,
    check_forms,
    check_functions,
    check_predicates,
    check_keys,
    check_fields,
    check_alert_items,
    check_guards,
)


def problems(tree, types):
    found = [found for check in CHECKS for found in check(tree, types)]
    return list(dict.fromkeys(found))
