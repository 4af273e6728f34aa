"""A product's server on 127.0.0.1 that answers as it is told, for the self-tests of harnesses that need the product.

In: a function from (method, path, headers, body) to (status, JSON or bytes) or (status, JSON or bytes, headers). Out: its URL,
while it runs; how a harness ends that runs on it. Must not know: any target.
"""

import contextlib
import http.server
import json
import subprocess
import sys
import threading


@contextlib.contextmanager
def served(answer):
    faults = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def reply(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode("utf-8")
            try:
                status, found, *more = answer(self.command, self.path, self.headers, body)
            except Exception as fault:
                faults.append(fault)
                status, found, more = 500, {}, []
            data = found if isinstance(found, bytes) else json.dumps(found).encode("utf-8")
            self.send_response(status)
            for name, value in (more[0] if more else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # a client that has not waited
                self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = reply

        def log_message(self, *arguments):
            """Silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        if faults:
            raise AssertionError("a request is not as it should be") from faults[0]


def ended(script, environment, request):
    """Runs a harness on one request: (status, standard output, standard error)."""
    ran = subprocess.run(
        [sys.executable, script], input=json.dumps(request) + "\n", env=environment, capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.returncode, ran.stdout, ran.stderr.strip()


def raises(kind, run, *arguments):
    """The message with which a call fails."""
    try:
        run(*arguments)
    except kind as error:
        return str(error)
    raise AssertionError(f"{run} should have failed")
