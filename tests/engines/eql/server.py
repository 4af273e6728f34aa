"""Runs emitted EQL on a real Elasticsearch: indexes the documents, searches, writes the alerts of stages, answers as
harness.py does.

In: requests, as ../README.md has them; the environment: ELASTICSEARCH_URL, and ELASTICSEARCH_API_KEY (encoded) or
ELASTICSEARCH_USER and ELASTICSEARCH_PASSWORD. Needed there: the right to make, read, write and delete indices
`catena-*`. Out: an answer a line, at key level. Must not know: what the answer should be.

Each request has indices of its own, one for each data stream of the integration and one for alerts, mapped as
fields.json says; they are deleted before the answer is given. Elastic's pages:
- https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-eql-search and
  https://www.elastic.co/guide/en/elasticsearch/reference/8.18/eql-search-api.html: `size` is the most events or
  sequences that are returned, 10 unless said; `fetch_size` pages through the events inside and cuts nothing, up to
  `index.max_result_window`, 10,000; there is no next page of results, so as many as `size` may be too few;
  `is_partial`, `timed_out` and `shard_failures` say that some are missing; a search without wait_for_completion_timeout
  waits for all.
- https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk: lines of JSON, `errors`, `refresh=true`.
- https://www.elastic.co/docs/reference/elasticsearch/mapping-reference (ignore_above, ignore_malformed, dynamic,
  multi-fields).
- https://www.elastic.co/docs/deploy-manage/api-keys/elasticsearch-api-keys: `Authorization: ApiKey`.
What stages find becomes alerts by alerts.py, as in the harness; Kibana's detection engine itself is not run.
usage: .engines/eql/bin/python server.py < requests > answers
"""

import base64
import contextlib
import fnmatch
import json
import os
import sys
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

import query as texts
from alerts import INDEX as ALERTS
from alerts import is_searchable, latest, made_of
from check import FIELDS
from ingest import DEFAULT_IGNORE_ABOVE, IGNORE_ABOVE, document
from harness import parts_of, row
from predicate import address, address_text
from service import Refused, Service, Unanswered, run, setting, taken

STREAMS = ("logs-aws.cloudtrail-default", "logs-aws.vpcflow-default", ALERTS)
MOST = 10_000  # of answers to one search; the window of results, which no page says that `size` may exceed
PAGE = 1_000  # events that a search reads at a time, the default
AT_ONCE = 1_000  # documents in one bulk request


def authorization(environment):
    if environment.get("ELASTICSEARCH_API_KEY"):
        return f"ApiKey {environment['ELASTICSEARCH_API_KEY']}"
    if not environment.get("ELASTICSEARCH_USER"):
        raise Unanswered("set ELASTICSEARCH_API_KEY, or ELASTICSEARCH_USER and ELASTICSEARCH_PASSWORD")
    pair = f"{environment['ELASTICSEARCH_USER']}:{setting(environment, 'ELASTICSEARCH_PASSWORD')}"
    return "Basic " + base64.b64encode(pair.encode("utf-8")).decode("ascii")


def property_of(field, kind):
    if kind == "keyword":
        return {"type": kind, "ignore_above": IGNORE_ABOVE.get(field, DEFAULT_IGNORE_ABOVE)}
    malformed = {"ignore_malformed": True} if kind in ("ip", "long", "date") and field != "@timestamp" else {}
    return {"type": kind} | malformed


def mapping(stream):
    """The fields that the stream maps: alerts have those of the common schema and their own. Others are not searched."""
    fields = {
        name: kind
        for name, kind in FIELDS.items()
        if (name.startswith("kibana.") or is_searchable(name) if stream == ALERTS else not name.startswith("kibana."))
    }
    root = {"dynamic": False, "properties": {"@timestamp": property_of("@timestamp", "date")}}
    for name in sorted(fields):
        *parents, leaf = name.split(".")
        node = root
        for parent in parents:
            node = node.setdefault("properties", {}).setdefault(parent, {})
        inside = "fields" if "type" in node else "properties"  # a text beside its keyword is a multi-field
        node.setdefault(inside, {})[leaf] = property_of(name, fields[name])
    return {"mappings": root}


def source_of(one):
    """What is sent for a document: its values as texts where the harness keeps numbers."""
    plain = {"ip": address_text}
    return {
        field: [plain.get(FIELDS.get(field), lambda same: same)(value) for value in values]
        for field, values in one.fields.items()
    }


class Elasticsearch:
    def __init__(self, environment):
        url, self.count, self.run = setting(environment, "ELASTICSEARCH_URL"), 0, uuid.uuid4().hex[:12]
        self.service = Service(url, {"Authorization": authorization(environment)})

    def greet(self):
        """https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-info"""
        version = taken(self.service.call("GET", "/"), "version", "number", kind=str)
        print(f"EQL runs on Elasticsearch {version} at {self.service.url}", file=sys.stderr)

    @contextlib.contextmanager
    def indices(self):
        """Stream to index, while it is needed."""
        self.count += 1
        names = {stream: f"catena-{self.run}-{self.count}-{number}" for number, stream in enumerate(STREAMS)}
        try:
            for stream, name in names.items():
                self.service.call("PUT", f"/{name}", json.dumps(mapping(stream)))
            yield names
        except BaseException:
            try:
                self.delete(names)
            except Unanswered as error:
                print(f"the indices {', '.join(names.values())} may be left: {error}", file=sys.stderr)
            raise
        self.delete(names)

    def delete(self, names):
        self.service.call("DELETE", f"/{','.join(names.values())}?ignore_unavailable=true")

    def load(self, names, documents):
        """`documents`: id to document, in the order in which they arrive."""
        lines = [
            json.dumps({"index": {"_index": names[one.index], "_id": key}}) + "\n" + json.dumps(source_of(one)) + "\n"
            for key, one in documents.items()
        ]
        for start in range(0, len(lines), AT_ONCE):
            body = "".join(lines[start : start + AT_ONCE])
            found = self.service.call("POST", "/_bulk?refresh=true", body, "application/x-ndjson")
            failed = [item for item in taken(found, "items") if "error" in str(item.get("index", "error"))]
            if failed or found.get("errors") is not False:
                raise Unanswered(f"documents were not indexed: {json.dumps(failed[:3] or found)[:1000]}")

    def search(self, names, query, text):
        """What a text finds: (values of the key, ids)."""
        targets = [names[stream] for stream in STREAMS if any(fnmatch.fnmatch(stream, one) for one in query.indexes)]
        if not targets:
            raise Refused(f"none of {', '.join(STREAMS)} is in {', '.join(query.indexes)}")
        body = {"query": text, "size": MOST, "fetch_size": PAGE}
        body |= {"timestamp_field": "@timestamp", "event_category_field": "event.category"}
        try:
            found = self.service.call("POST", f"/{','.join(targets)}/_eql/search", json.dumps(body))
        except Unanswered as error:
            raise Refused(str(error)) if error.status == 400 else error
        if found.get("is_partial") or found.get("timed_out") or found.get("shard_failures"):
            raise Unanswered("an answer is not complete")
        single = query.span is None
        hits = taken(found, "hits", "events" if single else "sequences")
        if len(hits) >= MOST:
            raise Unanswered(f"{MOST} answers or more: ask with fewer scenarios")
        ids = [[taken(event, "_id", kind=str) for event in ([hit] if single else taken(hit, "events"))] for hit in hits]
        keys = [() if single else tuple(taken(hit, "join_keys")) if query.items[0].keys else () for hit in hits]
        return list(zip(keys, ids))

    def answer(self, request):
        try:
            parts = parts_of(request)
            scenarios = request["scenarios"]
            documents = {
                f"{number}-{place}": found
                for number, scenario in enumerate(scenarios)
                for place, event in enumerate(scenario)
                if (found := document(place, event))
            }
        except texts.Refused as refusal:
            raise Refused(str(refusal)) from refusal
        with self.indices() as names:
            self.load(names, documents)
            for part, query, _ in parts[:-1]:
                alerts = self.alerts(part, self.search(names, query, part["text"]), documents)
                self.load(names, alerts)
                documents |= alerts
            part, query, _ = parts[-1]
            found = self.search(names, query, part["text"])
        rows = [[] for _ in scenarios]
        for key, ids in found:
            rows[scenario_of(ids)].append(row(query, typed(query, key), [documents[one] for one in ids]))
        return rows

    def alerts(self, part, found, documents):
        made = {}
        for number, (_, ids) in enumerate(found):
            sequence = [documents[one] for one in ids]
            for place, alert in enumerate(made_of(part, sequence, latest(part, sequence))):
                made[f"{scenario_of(ids)}-{part['id']}-{number}-{place}"] = alert
        return made


def scenario_of(ids):
    """Scenarios lie apart by more than any window, so a sequence is of one."""
    scenarios = {int(one.partition("-")[0]) for one in ids}
    if len(scenarios) != 1:
        raise Refused(f"a sequence of the events {', '.join(ids)}")
    return scenarios.pop()


def typed(query, key):
    """The values of a key as documents hold them."""
    names = [name for name, _ in query.items[0].keys]
    if len(names) != len(key):
        raise Refused(f"a key of {len(key)} values for {', '.join(names)}")
    return [address(value) if FIELDS.get(name) == "ip" and value is not None else value for name, value in zip(names, key)]


def connect():
    elasticsearch = Elasticsearch(os.environ)
    elasticsearch.greet()
    return elasticsearch.answer


if __name__ == "__main__":
    run(connect)
