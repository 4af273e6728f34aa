"""A product's server on 127.0.0.1 that answers as it is told, for the self-tests of lanes that need the product.

In: a function from (method, path, headers, body) to (status, JSON). Out: its URL, while it runs. Must not know: any target.
"""

import contextlib
import http.server
import json
import threading


@contextlib.contextmanager
def served(answer):
    class Handler(http.server.BaseHTTPRequestHandler):
        def reply(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode("utf-8")
            status, found = answer(self.command, self.path, self.headers, body)
            data = json.dumps(found).encode("utf-8")
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
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
