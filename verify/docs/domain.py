"""A stand-in of the search domain for the documented requests with curl: signed, to a path that OpenSearch has."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Method and path of OpenSearch 2.19's APIs, and a response with the members that the documented filters name. Sources:
# docs.opensearch.org/2.19: api-reference/cluster-api, api-reference/cat, im-plugin/ism/api, security/access-control/api.
ANSWERS = [
    ("GET", r"/_cluster/health", {"status": "green"}),
    ("GET", r"/_cluster/allocation/explain", {"index": "realtime-events-2026-01-31"}),
    ("GET", r"/_cluster/settings\?flat_settings=true", {"persistent": {}, "transient": {}}),
    ("GET", r"/_cat/(indices|allocation|shards|thread_pool/write)\?v=true", "index shard node\n"),
    ("GET", r"/_plugins/_ism/explain(\?size=\d+|/realtime-events-[-0-9]+)",
     {"realtime-events-2026-01-31": {"enabled": False, "info": {"message": "failed"}}, "total_managed_indices": 1}),
    ("GET", r"/_plugins/_security/api/rolesmapping/realtime-events-writer", {"realtime-events-writer": {}}),
    ("PUT", r"/_plugins/_security/api/rolesmapping/realtime-events-writer", {"status": "OK"}),
    ("POST", r"/_msearch", {"responses": [{"hits": {"hits": [{"_source": {"event_id": "e"}}]}}]}),
]


@dataclass
class Request:
    time: float  # seconds since 1970
    problem: str  # empty for a right one


class Handler(BaseHTTPRequestHandler):
    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        problem = self.problem(body)
        text = next((a for m, p, a in ANSWERS if m == self.command and re.fullmatch(p, self.path)), "")
        self.server.requests.append(Request(time.time(), problem and f"{self.command} {self.path}: {problem}"))
        self.send_response(400 if problem else 200)
        self.end_headers()
        self.wfile.write((text if isinstance(text, str) else json.dumps(text)).encode())

    def problem(self, body: bytes) -> str:
        if not any(m == self.command and re.fullmatch(p, self.path) for m, p, _ in ANSWERS):
            return "the domain has no such request"
        if "/us-east-1/es/aws4_request" not in self.headers.get("Authorization", ""):
            return "not signed for the service es"
        if "x-amz-security-token" not in self.headers:
            return "without the session's token"
        try:
            for line in body.splitlines() if self.path == "/_msearch" else filter(None, [body]):
                json.loads(line)
        except ValueError as error:
            return f"the body is not JSON: {error}"
        return ""

    do_GET = do_PUT = do_POST = do_DELETE = answer

    def log_message(self, *_) -> None:
        pass


@contextmanager
def serve_domain() -> Iterator[ThreadingHTTPServer]:
    """Serves on 127.0.0.1; the server's member requests lists them."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
