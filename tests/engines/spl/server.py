"""Runs emitted searches on a real Splunk: loads the events over HEC, searches over REST, answers as harness.py does.

In: requests, as ../README.md has them; the environment: SPLUNK_URL (management port), SPLUNK_TOKEN, SPLUNK_HEC_URL,
SPLUNK_HEC_TOKEN, SPLUNK_INDEX (`main` if left out). Needed there: the Splunk Add-on for AWS, extractions for custom
flow formats as in catena.yaml, the right to write macros and lookups of the app `search`. Out: an answer a line. Must
not know: what the answer should be.

It writes events (each request's under a source of its own), the macros of the source files, and lookups. From Splunk's
manuals: REST API Reference (search/jobs, configs/conf-{file}); Getting Data In (services/collector/event); limits.conf.
usage: python3 server.py < requests > answers
"""

import datetime
import json
import os
import sys
import time
import urllib.parse
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

import ingest
import lists
from answers import holds_time
from service import Refused, Service, Unanswered, by_scenario, run, setting, taken

SOURCETYPES = {"aws.cloudtrail": "aws:cloudtrail", "aws.vpcflow": "aws:cloudwatchlogs:vpcflow"}
ALL_TIME = {"earliest_time": 0, "latest_time": 4_102_444_800}
# One page of the manual says that streamstats sees 10,000 events without a window, another that it sees all.
PROBE = "| makeresults count=20001 | streamstats window=0 count | stats max(count) AS most"


class Splunk:
    def __init__(self, environment, patience=60):
        names = ("SPLUNK_URL", "SPLUNK_TOKEN", "SPLUNK_HEC_URL", "SPLUNK_HEC_TOKEN")
        url, token, hec_url, hec_token = (setting(environment, name) for name in names)
        self.rest = Service(url, {"Authorization": f"Bearer {token}"})
        self.hec = Service(hec_url, {"Authorization": f"Splunk {hec_token}"})
        self.index, self.patience = environment.get("SPLUNK_INDEX", "main"), patience
        self.run, self.count = f"catena-{uuid.uuid4()}", 0

    def form(self, path, **fields):
        body = urllib.parse.urlencode(fields | {"output_mode": "json"})
        return self.rest.call("POST", path, body, "application/x-www-form-urlencoded")

    def search(self, text, fault=Unanswered):
        """The rows of a search that runs to its end; a column that a row lacks is None. `fault`: what a refusal is."""
        try:
            found = self.form("/services/search/jobs", search=text, exec_mode="oneshot", count=0, **ALL_TIME)
        except Unanswered as error:
            # REST API Reference: a search that cannot be parsed is a bad request.
            raise fault(str(error)) if error.status == 400 else error
        faults = [str(note.get("text")) for note in found.get("messages", []) if note.get("type") in ("FATAL", "ERROR", "WARN")]
        if faults:
            raise fault("; ".join(faults))
        names = [taken(field, "name", kind=str) for field in found.get("fields", [])]
        return [{name: row.get(name) for name in names} for row in taken(found, "results")]

    def configure(self, file, name, **settings):
        """Makes a stanza of a conf file, or changes it."""
        path = f"/servicesNS/nobody/search/configs/conf-{file}"
        try:
            self.form(path, name=name, **settings)
        except Unanswered as error:
            if error.status != 409:
                raise
            self.form(f"{path}/{urllib.parse.quote(name, safe='')}", **settings)

    def probe(self):
        most = [row.get("most") for row in self.search(PROBE)]
        if most != ["20001"]:
            raise Unanswered(f"streamstats saw {most} of 20001 events: chains would be lost here")

    def load(self, request):
        """Sends the events of all scenarios and waits until a search finds them; the name of their source."""
        self.count += 1
        source, lines = f"{self.run}-{self.count}", []
        for start, scenario in zip(request["starts"], request["scenarios"]):
            for name, sourcetype in SOURCETYPES.items():
                raws = [event["raw"] for event in scenario if event["source"] == name]
                for event in ingest.events(name, raws, start):
                    envelope = {"time": event["_time"], "event": event["_raw"], "sourcetype": sourcetype}
                    lines.append(json.dumps(envelope | {"index": self.index, "source": source}))
        if lines:
            self.hec.call("POST", "/services/collector/event", "\n".join(lines))
        deadline = time.monotonic() + self.patience
        while self.indexed(source) < len(lines):
            if time.monotonic() > deadline:
                raise Unanswered(f"{len(lines)} events sent, {self.indexed(source)} found after {self.patience} s")
            time.sleep(1)
        return source

    def indexed(self, source):
        rows = self.search(f'search index="{self.index}" source="{source}" | stats count')
        return sum(int(taken(row, "count", kind=str)) for row in rows)

    def look_up(self, name, text):
        """A CSV file, written by a search since REST takes none, and its definition as a query requires it."""
        held = lists.rows(text)
        cells = (f"{until:10} {value}".replace("\\", "\\\\").replace('"', '\\"') for value, until in held)
        rows = ", ".join(f'"{cell}"' for cell in cells)
        rows = f"eval row=mvappend({rows}) | mvexpand row" if held else "where false()"
        columns = "eval until=trim(substr(row, 1, 10)), value=substr(row, 12) | table value, until"
        self.search(f'| makeresults | {rows} | {columns} | outputlookup "catena_{name}.csv"')
        self.configure("transforms", name, filename=f"catena_{name}.csv", case_sensitive_match=1)

    def answer(self, request):
        (part,) = request["parts"]
        source = self.load(request)
        for name, macro in ingest.MACROS.items():
            terms = f'index="{self.index}" source="{source}" sourcetype="{SOURCETYPES[name]}"'
            self.configure("macros", macro, definition=terms)
        for name, text in request["lists"].items():
            self.look_up(name, text)
        found = self.search(part["text"], Refused)
        rows = [{name: shown(name, value) for name, value in row.items()} for row in found]
        if any(row.get("_time") is None for row in rows):
            raise Refused("a row without _time")
        return by_scenario(rows, request, lambda row: row["_time"] // 1_000_000)


def shown(name, value):
    """Times in microseconds: `_time` comes as ISO 8601, other columns as seconds."""
    if value is None or not holds_time(name):
        return value
    if name == "_time":
        value = datetime.datetime.fromisoformat(value).timestamp()
    return round(float(value) * 1_000_000)


def connect():
    splunk = Splunk(os.environ)
    splunk.probe()
    return splunk.answer


if __name__ == "__main__":
    run(connect)
