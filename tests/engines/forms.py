#!/usr/bin/env python3
"""Validates what Catena prints as JSON against the schemas of the documentation, and tries the schemas themselves.

In: on standard input {"schemas": FOLDER, "outputs": [{"schema", "name", "text", "lines"}]}; `lines`: each line is a
document. Out: a JSON list of problems on standard output. Must not know: Catena.

A schema is tried with each output: a member too many anywhere, and another type anywhere, must be refused. A property or
a word of a schema that no output has is a problem too: nobody would know whether it is so.
"""

import copy
import json
import pathlib
import re
import sys

import jsonschema

ID = re.compile(r"urn:catena:schema:[a-z-]+:[1-9][0-9]*")
# No form has a list of a list of a list, whatever else it lets through.
STRANGE = [[[]]]
# What a form takes over from elsewhere, whatever it is.
ANY = {"raw"}


class Schema:
    """A schema, and which of its properties and words outputs had."""

    def __init__(self, path):
        self.name, self.document = path.name, json.loads(path.read_text())
        self.seen, self.words = set(), set()
        own = jsonschema.Draft202012Validator.VALIDATORS

        def properties(validator, named, instance, schema):
            if isinstance(instance, dict):
                self.seen.update((id(named), name) for name in named if name in instance)
            yield from own["properties"](validator, named, instance, schema)

        def enum(validator, words, instance, schema):
            self.words.update((id(words), word) for word in words if word == instance)
            yield from own["enum"](validator, words, instance, schema)

        recording = {"properties": properties, "enum": enum}
        self.recorder = jsonschema.validators.extend(jsonschema.Draft202012Validator, recording)(self.document)
        self.validator = jsonschema.Draft202012Validator(self.document)

    def form(self):
        """What is wrong with the schema itself."""
        jsonschema.Draft202012Validator.check_schema(self.document)
        if not ID.fullmatch(self.document.get("$id", "")):
            yield f"{self.name}: `$id` is no name with a version"
        for key in ("title", "description"):
            if not self.document.get(key):
                yield f"{self.name}: no {key}"
        for place, part in parts(self.document, ""):
            if "properties" in part and "$ref" not in part and part.get("additionalProperties", True) is True:
                yield f"{self.name}{place}: neither closed nor are its other members typed"
            for name, own in part.get("properties", {}).items():
                named = self.document.get("$defs", {}).get(own.get("$ref", "").removeprefix("#/$defs/"), {})
                if not own.get("description") and not named.get("description"):
                    yield f"{self.name}{place}/{name}: no description"

    def unused(self):
        """What no output had."""
        for place, part in parts(self.document, ""):
            named = part.get("properties", {})
            yield from (f"{self.name}{place}/{name}" for name in named if (id(named), name) not in self.seen)
            words = part.get("enum", [])
            yield from (f"{self.name}{place}={word}" for word in words if (id(words), word) not in self.words)


def parts(node, place):
    """Every object of a schema that is a schema, or holds some."""
    if isinstance(node, dict):
        yield place, node
        for key, value in node.items():
            yield from parts(value, f"{place}/{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from parts(value, f"{place}/{number}")


def places(node, path=()):
    """Every object and list of a document, but for what may be anything."""
    if isinstance(node, (dict, list)):
        yield path, node
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if key not in ANY:
                yield from places(value, (*path, key))


def at(document, path):
    for key in path:
        document = document[key]
    return document


def wrong(document, known):
    """The document with one thing wrong, once for each form of its objects; `known` is what has been tried."""
    for path, node in places(document):
        if isinstance(node, list):
            continue
        form = (len(path), tuple(node))
        for key in ["no such member", *(key for key in node if key not in ANY)]:
            if (form, key) not in known:
                known.add((form, key))
                changed = copy.deepcopy(document)
                at(changed, path)[key] = STRANGE
                yield f"{'/'.join(map(str, path))}/{key}", changed


def documents(output):
    if output["lines"]:
        return [json.loads(line) for line in output["text"].splitlines()]
    return [json.loads(output["text"])]


def pieces(document):
    """The document with one item of its lists at a time: what a schema says of the others is the same."""
    if isinstance(document, list):
        yield from ([item] for item in document)
        return
    yield {key: value[:1] if isinstance(value, list) else value for key, value in document.items()}
    for key, value in document.items():
        if isinstance(value, list):
            first = {other: own[:1] if isinstance(own, list) else own for other, own in document.items()}
            yield from ({**first, key: [item]} for item in value[1:])


def main():
    task = json.load(sys.stdin)
    schemas = {path.name: Schema(path) for path in sorted(pathlib.Path(task["schemas"]).glob("*.json"))}
    named = {output["schema"] for output in task["outputs"]}
    problems = [problem for name in named for problem in schemas[name].form()]
    tried = {}
    for output in task["outputs"]:
        schema = schemas[output["schema"]]
        for document in documents(output):
            for error in schema.recorder.iter_errors(document):
                deep = jsonschema.exceptions.best_match([error])
                problems.append(f"{schema.name}: {output['name']}: {deep.json_path}: {deep.message[:300]}")
            for piece in pieces(document):
                for place, changed in wrong(piece, tried.setdefault(schema.name, set())):
                    if schema.validator.is_valid(changed):
                        problems.append(f"{schema.name}: {output['name']}: accepts something strange at {place}")
    problems += [f"{place}: in no output" for name in sorted(named) for place in schemas[name].unused()]
    json.dump(problems[:200], sys.stdout)


if __name__ == "__main__":
    main()
