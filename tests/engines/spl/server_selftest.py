"""Proves what server.py sends and how it reads answers, against a stub: nothing here says that a real Splunk does the same.

usage: python3 server_selftest.py
"""

import json
import sys
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

from server import PROBE, Splunk
from service import Unanswered, respond
from stub import ended, raises, served

SERVER = Path(__file__).with_name("server.py")
SETTINGS = {"SPLUNK_TOKEN": "rest", "SPLUNK_HEC_TOKEN": "hec", "SPLUNK_INDEX": "test"}

START = 1_767_225_600
TEXT = "| multisearch [ search `cloudtrail` ] [ search `cloudwatchlogs_vpcflow` ] | table _time, one_time, one_x, one_y"
ROW = {"_time": "2026-01-02T00:00:09.000+00:00", "one_time": "1767312009.5", "one_x": "a"}
FIELDS = [{"name": name} for name in ("_time", "one_time", "one_x", "one_y")]
FLOW = {"version": "2", "interface-id": "eni-1", "start": str(START + 1), "end": str(START + 60), "action": "ACCEPT"}
REQUEST = {
    "rule": "r",
    "parts": [{"name": "r", "id": "r", "role": "query", "text": TEXT}],
    "lists": {"approved": 'value,until\n"a""b",\nc\\d,2026-12-31\n', "empty": "value,until\n"},
    "starts": [START, START + 86_400, START + 172_800],
    "scenarios": [
        [{"source": "aws.vpcflow", "raw": FLOW}],
        [{"source": "aws.cloudtrail", "raw": {"eventTime": "2026-01-02T00:00:09Z", "eventName": "ü"}}],
    ],
}


class Stub:
    """Keeps what it is sent; says that a stanza exists when it is made for the second time."""

    def __init__(self):
        self.events, self.stanzas, self.searches, self.lost, self.most, self.messages = [], {}, [], 0, "20001", []
        self.unparsable, self.status = False, 200

    def __call__(self, method, path, headers, body):
        assert method == "POST", method
        if self.status != 200:
            return self.status, {"messages": [{"type": "WARN", "text": "call not properly authenticated"}]}
        if path == "/services/collector/event":
            assert headers["Authorization"] == "Splunk hec"
            self.events += [json.loads(line) for line in body.splitlines()]
            return 200, {"text": "Success", "code": 0}
        assert headers["Authorization"] == "Bearer rest" and headers["Content-Type"] == "application/x-www-form-urlencoded"
        form = dict(urllib.parse.parse_qsl(body, strict_parsing=True))
        assert form.pop("output_mode") == "json"
        return self.search(form) if path == "/services/search/jobs" else self.configure(path, form)

    def configure(self, path, form):
        prefix = "/servicesNS/nobody/search/configs/conf-"
        assert path.startswith(prefix), path
        file, _, name = path.removeprefix(prefix).partition("/")
        if "name" in form:
            if (file, form["name"]) in self.stanzas:
                return 409, {"messages": [{"type": "ERROR", "text": "it is there"}]}
            name = form.pop("name")
        self.stanzas[file, name] = form
        return 200, {}

    def search(self, form):
        text = form["search"]
        assert (form["exec_mode"], form["count"], form["earliest_time"]) == ("oneshot", "0", "0"), form
        self.searches.append(text)
        if text == PROBE:
            return 200, {"fields": [{"name": "most"}], "results": [{"most": self.most}]}
        if text.endswith("| stats count"):
            found = sum(f'source="{event["source"]}"' in text for event in self.events) - self.lost
            return 200, {"fields": [{"name": "count"}], "results": [{"count": str(found)}]}
        if text == TEXT and self.unparsable:
            return 400, {"messages": [{"type": "FATAL", "text": "Error in 'search' command: Unable to parse the search"}]}
        if text == TEXT:
            return 200, {"messages": self.messages, "fields": FIELDS, "results": [ROW]}
        return 200, {"fields": [], "results": []}


def splunk(url):
    return Splunk(SETTINGS | {"SPLUNK_URL": url, "SPLUNK_HEC_URL": url + "/"}, patience=0)


def answered(url, stub):
    server = splunk(url)
    server.probe()
    row = {"_time": (START + 86_409) * 1_000_000, "one_time": 1_767_312_009_500_000, "one_x": "a", "one_y": None}
    assert respond(server.answer, REQUEST) == {"answers": [[], [row]]}
    first, second = stub.events
    assert (first["event"], first["time"], first["sourcetype"]) == (
        f"2 - eni-1 - - - - - - - {START + 1} {START + 60} ACCEPT -",
        START + 60,
        "aws:cloudwatchlogs:vpcflow",
    ), first
    assert json.loads(second["event"]) == REQUEST["scenarios"][1][0]["raw"] and second["index"] == "test", second
    macro = stub.stanzas["macros", "cloudtrail"]["definition"]
    assert macro == f'index="test" source="{first["source"]}" sourcetype="aws:cloudtrail"', macro
    assert stub.stanzas["transforms", "approved"] == {"filename": "catena_approved.csv", "case_sensitive_match": "1"}
    rows = 'mvappend("           a\\"b", "2026-12-31 c\\\\d") | mvexpand row'
    written = f"| makeresults | eval row={rows} | eval until=trim(substr(row, 1, 10)), value=substr(row, 12) | table value, until"
    assert f'{written} | outputlookup "catena_approved.csv"' in stub.searches, stub.searches
    assert respond(server.answer, REQUEST)["answers"][1] == [row]
    assert stub.stanzas["macros", "cloudtrail"]["definition"] != macro, "a second request reads the events of the first"


def refused(url, stub):
    server = splunk(url)
    stub.messages = [{"type": "FATAL", "text": "no such macro"}]
    assert respond(server.answer, REQUEST) == {"error": "no such macro"}
    stub.messages, stub.unparsable = [], True
    assert "status 400" in respond(server.answer, REQUEST)["error"]
    stub.unparsable = False


def failed(url, stub):
    """What ends the harness, with a message and a status."""
    server = splunk(url)
    stub.lost = 1
    assert "found after" in raises(Unanswered, server.answer, REQUEST)
    stub.most = "10000"
    assert "10000'] of 20001" in raises(Unanswered, server.probe)
    settings = SETTINGS | {"SPLUNK_URL": url, "SPLUNK_HEC_URL": url}
    status, out, said = ended(SERVER, settings, REQUEST)
    assert (status, out) == (1, "") and "of 20001 events" in said, said
    stub.status = 401
    status, out, said = ended(SERVER, settings, REQUEST)
    assert (status, out) == (1, "") and "status 401" in said, said
    status, out, said = ended(SERVER, {"SPLUNK_URL": url}, REQUEST)
    assert (status, out, said) == (1, "", "set SPLUNK_TOKEN"), said


def main():
    for check in (answered, refused, failed):
        stub = Stub()
        with served(stub) as url:
            check(url, stub)
    print("spl server: requests and answers as the stub expects them", file=sys.stderr)


if __name__ == "__main__":
    main()
