"""Requests to a product over HTTP, and the loop of a harness that runs on one.

In: a base URL, headers; a function that answers requests. Out: parsed JSON; an answer a line. Must not know: any target.

Two things can go wrong, and a comparison must not mix them up: the product refuses a text (an answer, `{"error": …}`), or it
does not do its work, be it the address, the credentials or the load (no answer: the harness ends with a message and status 1).
"""

import http.client
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

# Statuses after which the same request may be sent again (RFC 9110, 10.2.3; RFC 6585, 4), how often, and how long to wait.
LATER = (429, 503)
ATTEMPTS = 6
LONGEST_WAIT = 120


class Unanswered(Exception):
    """The product is not there, or does not serve us."""

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status


class Refused(Exception):
    """The product refused the text of a query."""


class Service:
    def __init__(self, url, headers, timeout=120, sleep=time.sleep):
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise Unanswered(f"`{url}` is no URL of a server")
        self.url, self.headers, self.timeout, self.sleep = url.rstrip("/"), headers, timeout, sleep

    def call(self, method, path, body=None, content_type="application/json"):
        """The parsed answer; `body` is text. A status of 400 and above is `Unanswered`, with what the product said."""
        data = None if body is None else body.encode("utf-8")
        headers = self.headers | ({"Content-Type": content_type} if data is not None else {})
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with urllib.request.urlopen(request, timeout=self.timeout) as response:
                    return self.parsed(response.read())
            except urllib.error.HTTPError as error:
                if error.code not in LATER or attempt == ATTEMPTS:
                    said = " ".join(error.read().decode("utf-8", "replace").split())
                    raise Unanswered(f"{method} {path}: status {error.code}: {said[:1000]}", error.code) from error
                self.sleep(wait(error.headers.get("Retry-After"), attempt))
            except (OSError, ValueError, http.client.HTTPException) as error:
                raise Unanswered(f"{method} {path}: {error}") from error

    @staticmethod
    def parsed(data):
        try:
            return json.loads(data or b"{}")
        except ValueError as error:
            raise ValueError(f"the answer is not JSON ({error}): {data[:200]!r}") from None


def wait(said, attempt):
    """Seconds as the product asks for them; twice as many each time where it names none, or a date."""
    asked = int(said) if said and said.strip().isdecimal() else 2**attempt
    return min(asked, LONGEST_WAIT)


def taken(found, *path, kind=list):
    """A part of an answer, which must be there and of this kind."""
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, kind):
        raise Unanswered(f"the answer has no `{'.'.join(path)}`, or another one than is documented")
    return found


def setting(environment, name):
    if not environment.get(name):
        raise Unanswered(f"set {name}")
    return environment[name]


def run(connect, lines=sys.stdin, out=sys.stdout):
    """A harness: `connect` gives the function that answers a request; each line is answered by one line."""
    try:
        answer = connect()
        for line in lines:
            json.dump(respond(answer, json.loads(line)), out, ensure_ascii=False)
            out.write("\n")
            out.flush()
    except Unanswered as error:
        sys.exit(str(error))


def respond(answer, request):
    try:
        return {"answers": answer(request)}
    except Refused as error:
        return {"error": str(error)}


def by_scenario(rows, request, seconds_of):
    """Rows by the scenario in whose span of time they lie."""
    scenarios = [[] for _ in request["scenarios"]]
    starts = request["starts"][: len(scenarios)]
    for row in rows:
        at = sum(start <= seconds_of(row) for start in starts) - 1
        if at < 0:
            raise Unanswered(f"an answer from before the first scenario: {row}")
        scenarios[at].append(row)
    return scenarios
