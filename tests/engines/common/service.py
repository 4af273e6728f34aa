"""Requests to a product over HTTP, and the loop of a lane that runs on one.

In: a base URL, headers; a function that answers requests. Out: parsed JSON; an answer a line. Must not know: any target.
"""

import json
import sys
import urllib.error
import urllib.request


class Unanswered(Exception):
    """The product refused a request, or was not there."""


class Service:
    def __init__(self, url, headers, timeout=120):
        self.url, self.headers, self.timeout = url.rstrip("/"), headers, timeout

    def call(self, method, path, body=None, content_type="application/json"):
        """The parsed answer; `body` is text. A status of 400 and above is `Unanswered`, with what the product said."""
        data = None if body is None else body.encode("utf-8")
        headers = self.headers | ({"Content-Type": content_type} if data is not None else {})
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:
                return json.loads(response.read() or b"{}")
        except urllib.error.HTTPError as error:
            said = " ".join(error.read().decode("utf-8", "replace").split())
            raise Unanswered(f"{method} {path}: status {error.code}: {said[:1000]}") from error
        except (OSError, ValueError) as error:
            raise Unanswered(f"{method} {path}: {error}") from error


def serve(answer):
    """Answers each line of standard input by one line."""
    for line in sys.stdin:
        json.dump(respond(answer, json.loads(line)), sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
        sys.stdout.flush()


def respond(answer, request):
    try:
        return {"answers": answer(request)}
    except Unanswered as error:
        return {"error": str(error)}


def by_world(rows, request, seconds_of):
    """Rows by the world in whose span of time they lie."""
    worlds = [[] for _ in request["worlds"]]
    starts = request["starts"][: len(worlds)]
    for row in rows:
        at = sum(start <= seconds_of(row) for start in starts) - 1
        if at < 0:
            raise Unanswered(f"an answer from before the first world: {row}")
        worlds[at].append(row)
    return worlds
