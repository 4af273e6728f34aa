"""Proves how requests fail: what is sent again, what ends a harness, and that a harness says so in a line.

usage: python3 service_selftest.py
"""

import io
import sys
import time

from service import ATTEMPTS, LONGEST_WAIT, Refused, Service, Unanswered, respond, run, setting, taken, wait
from stub import raises, served


class Answers:
    """Gives the answers of a list, one a request, and the last one for ever."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, method, path, headers, body):
        self.asked.append((method, path, dict(headers), body))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def called(*answers, timeout=120):
    """A call under these answers: what it gave or how it failed, what was asked, how long it waited."""
    stub, waits = Answers(*answers), []
    with served(stub) as url:
        service = Service(url + "/", {"Authorization": "Bearer t"}, timeout, waits.append)
        try:
            found = service.call("POST", "/a", '{"q": "ü"}')
        except Unanswered as error:
            found = error
    return found, stub.asked, waits


def plain():
    found, asked, waits = called((200, {"a": 1}))
    assert (found, len(asked), waits) == ({"a": 1}, 1, [])
    method, path, headers, body = asked[0]
    assert (method, path, body) == ("POST", "/a", '{"q": "ü"}')
    assert (headers["Authorization"], headers["Content-Type"]) == ("Bearer t", "application/json")
    assert called((204, b""))[0] == {}


def again():
    throttled = (429, {"error": "slow down"}, {"Retry-After": "7"})
    found, asked, waits = called(throttled, (503, b"busy"), (200, {}))
    assert (found, len(asked), waits) == ({}, 3, [7, 4]), (found, waits)
    found, asked, waits = called(throttled)
    assert (found.status, len(asked), len(waits)) == (429, ATTEMPTS, ATTEMPTS - 1)
    assert [wait("9999", 1), wait("Fri, 31 Dec 1999 23:59:59 GMT", 3), wait(None, 1)] == [LONGEST_WAIT, 8, 2]


def at_once():
    for status, body in ((401, {"error": "no\nkey"}), (403, b""), (404, {}), (413, {}), (500, b"<html>"), (504, {})):
        found, asked, waits = called((status, body))
        assert (found.status, len(asked), waits) == (status, 1, []), status
        assert f"POST /a: status {status}" in str(found) and "\n" not in str(found)
    for body in (b"<html>", b'{"a": ', b"\xff"):
        assert "not JSON" in str(called((200, body))[0]), body
    slow = Answers((200, {}))
    with served(lambda *asked: time.sleep(1) or slow(*asked)) as url:
        assert "timed out" in raises(Unanswered, Service(url, {}, 0.2).call, "GET", "/")
    assert "GET /" in raises(Unanswered, Service("http://127.0.0.1:9", {}).call, "GET", "/")
    assert "no URL" in raises(Unanswered, Service, "localhost", {})
    broken, *_ = called((200, b"{}", {"Transfer-Encoding": "chunked"}))
    assert "POST /a" in str(broken), broken


def ends():
    def answer(request):
        if request == 2:
            raise Refused("a bad text")
        if request == 3:
            raise Unanswered("status 401")
        return [request]

    out = io.StringIO()
    try:
        run(lambda: answer, ["1\n", "2\n", "3\n", "4\n"], out)
    except SystemExit as end:
        assert end.code == "status 401"  # printed on standard error, with status 1
    assert out.getvalue() == '{"answers": [1]}\n{"error": "a bad text"}\n', out.getvalue()
    assert respond(answer, 5) == {"answers": [5]}
    assert "set A" in raises(Unanswered, setting, {"A": ""}, "A")
    for found in ({}, {"a": []}, {"a": {"b": 1}}, [], None):
        assert "`a.b`" in raises(Unanswered, taken, found, "a", "b")
    assert taken({"a": {"b": [1]}}, "a", "b") == [1]


def main():
    for check in (plain, again, at_once, ends):
        check()
    print("service: answers, refusals and failures told apart", file=sys.stderr)


if __name__ == "__main__":
    main()
