"""Proves what server.py sends, how it reads answers and that it leaves nothing behind, against a stub that searches what it was
sent with the harness's own matcher. Nothing here says that a real Elasticsearch does the same.

usage: .engines/eql/bin/python server_selftest.py
"""

import json
import os
import sys
from pathlib import Path

import ingest
import harness
import query as texts
import server
from harness_events import console, flow, launch
from harness_selftest import ALICE, CALL, CASES, CHAIN, REFUSED, STAGED, single

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

from service import Unanswered, respond  # noqa: E402
from stub import ended, raises, served  # noqa: E402

SERVER = Path(__file__).with_name("server.py")
KEY = {"ELASTICSEARCH_API_KEY": "id:key"}
DAY = 86_400
LATER = [console(DAY), launch(DAY + 240, enis=["eni-1"]), flow(DAY + 360, "eni-1")]
REQUEST = {"rule": "r", "parts": STAGED, "lists": {}, "starts": [0, DAY // 2, DAY], "scenarios": [CHAIN, [], LATER]}


class Stub:
    """Indices with what was put into them. `faults`: (method, end of the path) to an answer in place of the right one."""

    def __init__(self):
        self.indices, self.asked, self.faults, self.made, self.arrived = {}, [], {}, 0, 0

    def __call__(self, method, path, headers, body):
        path, _, options = path.partition("?")
        self.asked.append((method, path, options, dict(headers), body))
        assert headers["Authorization"] in ("ApiKey id:key", "Basic dTpw")
        for (of, end), answer in self.faults.items():
            if method == of and path.endswith(end):
                return answer
        if method == "GET" and path == "/":
            return 200, {"version": {"number": "9.9.9"}, "tagline": "You Know, for Search"}
        if path == "/_bulk":
            return self.bulk(headers, options, body)
        names = path.removeprefix("/").removesuffix("/_eql/search").split(",")
        if method == "PUT":
            return self.make(names[0], json.loads(body))
        if method == "DELETE":
            assert options == "ignore_unavailable=true"
            for name in names:
                self.indices.pop(name, None)
            return 200, {"acknowledged": True}
        assert all(name in self.indices for name in names), path
        assert (method, path.endswith("/_eql/search"), headers["Content-Type"]) == ("POST", True, "application/json")
        return self.search(names, json.loads(body))

    def make(self, name, body):
        assert name.startswith("catena-") and name == name.lower() and name not in self.indices
        assert body["mappings"]["dynamic"] is False
        self.indices[name], self.made = (body["mappings"], {}), self.made + 1
        return 200, {"acknowledged": True, "index": name}

    def bulk(self, headers, options, body):
        assert (headers["Content-Type"], options) == ("application/x-ndjson", "refresh=true") and body.endswith("\n")
        lines = [json.loads(line) for line in body.splitlines()]
        for action, source in zip(lines[::2], lines[1::2], strict=True):
            mapping, documents = self.indices[action["index"]["_index"]]
            for field in source:
                mapped(mapping, field)
            self.arrived += 1
            documents[action["index"]["_id"]] = self.arrived, source
        return 200, {"errors": False, "items": [{"index": {"status": 201}} for _ in lines[::2]]}

    def search(self, names, body):
        assert (body["size"], body["fetch_size"], body["timestamp_field"]) == (10_000, 1_000, "@timestamp")
        found = [(*put, name, key) for name in names for key, put in self.indices[name][1].items()]
        documents = [ingest.Document(name, one["@timestamp"][0], typed(one), key) for _, one, name, key in sorted(found)]
        documents.sort(key=lambda one: one.time)  # stable: what is simultaneous stays in the order of arrival
        try:
            query, stages = harness.read(body["query"])
            found = harness.search(query, stages, documents)
        except texts.Refused as refusal:
            return 400, {"error": {"type": "verification_exception", "reason": str(refusal)}}
        events = [[{"_index": one.index, "_id": one.place, "_source": {}} for one in matched] for _, matched in found]
        if query.span is None:
            hits = {"events": [event for one in events for event in one]}
        else:
            hits = {"sequences": [{"join_keys": shown(query, key), "events": one} for (key, _), one in zip(found, events)]}
        return 200, {"is_partial": False, "is_running": False, "took": 1, "timed_out": False, "hits": hits}


def mapped(mapping, field):
    """A field must be mapped with the type it has in fields.json, or searching it would find nothing."""
    for name in field.split("."):
        mapping = mapping["properties"][name]
    assert mapping["type"] == server.FIELDS.get(field, "date"), field


def typed(source):
    return {field: [ingest.as_type(field, value) for value in values] for field, values in source.items()}


def shown(query, key):
    names = [name for name, _ in query.items[0].keys]
    return [server.address_text(one) if server.FIELDS[name] == "ip" else one for name, one in zip(names, key)]


def connected(url, settings=KEY):
    return server.Elasticsearch(settings | {"ELASTICSEARCH_URL": url})


def agreed(url, stub):
    """The cases of the harness's own self-test, through the server and back."""
    elasticsearch = connected(url)
    for name, parts, scenario, _ in CASES:
        if name == "other indexes are not searched":
            continue  # here a text names an index in which nothing lies; there it names one that is not asked
        request = {"rule": name, "parts": parts, "scenarios": [[], scenario]}
        wanted, got = harness.answer(request), respond(elasticsearch.answer, request)
        assert "answers" in got and ordered(got) == ordered(wanted), f"{name}: {got}, not {wanted}"
    chain = [{"events": [0, 1, None], "key": [ALICE]}]
    assert elasticsearch.answer(REQUEST) == [chain, [], chain]
    for name, parts, said in REFUSED:
        request = {"parts": parts, "scenarios": [[console(0, userAgent="")]]}
        assert said in respond(elasticsearch.answer, request).get("error", "-"), name
    texts_sent = {json.loads(body)["query"] for _, path, *_, body in stub.asked if path.endswith("/_eql/search")}
    assert {part["text"] for part in STAGED} <= texts_sent, "the texts are not sent byte for byte"
    assert stub.made > 0 and not stub.indices, f"left behind: {list(stub.indices)}"


def ordered(answer):
    return [sorted(map(json.dumps, rows)) for rows in answer["answers"]]


def paged(url, stub):
    """More documents than one bulk request holds; as many answers as a search gives at most."""
    elasticsearch = connected(url, {"ELASTICSEARCH_USER": "u", "ELASTICSEARCH_PASSWORD": "p"})
    scenario = [flow(second, "e") for second in range(server.AT_ONCE + 1)]
    request = {"parts": single(CALL.replace("cloudtrail", "vpcflow").format("true")), "scenarios": [scenario]}
    (rows,) = elasticsearch.answer(request)
    assert len(rows) == len(scenario) and sum(path == "/_bulk" for _, path, *_ in stub.asked) == 2
    hits = {"events": [{"_id": "0-0"}] * server.MOST}
    stub.faults["POST", "/_eql/search"] = 200, {"hits": hits}
    assert "or more" in raises(Unanswered, elasticsearch.answer, request)


FAULTS = [
    (("PUT", ""), (403, {"error": "no right to make indices"}), "status 403"),
    (("POST", "/_bulk"), (413, b""), "status 413"),
    (("POST", "/_bulk"), (200, {"errors": True, "items": [{"index": {"error": {"type": "full"}}}]}), "not indexed"),
    (("POST", "/_bulk"), (200, {}), "`items`"),
    (("POST", "/_eql/search"), (500, b"<html>"), "status 500"),
    (("POST", "/_eql/search"), (200, b"<html>"), "not JSON"),
    (("POST", "/_eql/search"), (200, {"is_partial": True, "hits": {}}), "not complete"),
    (("POST", "/_eql/search"), (200, {"timed_out": True, "hits": {}}), "not complete"),
    (("POST", "/_eql/search"), (200, {"hits": {"events": []}}), "`hits.sequences`"),
    (("POST", "/_eql/search"), (200, {"hits": {"sequences": [{"events": []}]}}), "`join_keys`"),
    (("DELETE", ""), (500, b""), "status 500"),
]


def failed(url, stub):
    """Each failure ends the harness with a message and status 1, and the indices are gone unless deleting is what fails."""
    settings = KEY | {"ELASTICSEARCH_URL": url, "PATH": os.environ["PATH"]}
    for place, answer, said in FAULTS:
        stub.faults = {place: answer}
        status, out, error = ended(SERVER, settings, REQUEST)
        assert (status, out) == (1, "") and said in error, f"{place}: {status} {error}"
        assert not stub.indices or place[0] == "DELETE", f"{place}: left behind {list(stub.indices)}"
    stub.faults = {("POST", "/_bulk"): (500, b""), ("DELETE", ""): (403, b"")}
    assert "may be left" in ended(SERVER, settings, REQUEST)[2]
    stub.faults = {("GET", "/"): (401, {"error": {"type": "security_exception"}})}
    status, out, error = ended(SERVER, settings, REQUEST)
    assert (status, out) == (1, "") and "status 401" in error, error
    for missing in ({"ELASTICSEARCH_URL": ""} | KEY, {"ELASTICSEARCH_URL": url}):
        assert ended(SERVER, missing, REQUEST)[2].startswith("set ELASTICSEARCH_")


def main():
    for check in (agreed, paged, failed):
        stub = Stub()
        with served(stub) as url:
            check(url, stub)
    print(f"eql server: {len(CASES)} cases and {len(FAULTS)} failures as against a stub", file=sys.stderr)


if __name__ == "__main__":
    main()
