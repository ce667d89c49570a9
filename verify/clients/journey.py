"""Follows one event as a person would.

It is put to both streams with the AWS CLI. Then it must be in the lake, in a real OpenSearch for a reader whose IAM
role may read, and in the log of the function that changed it."""

import base64
import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable

import pyarrow.parquet

from serve import ROOT, Checks, Served, serve

ANALYST = "arn:aws:iam::111122223333:role/Analyst"


class Search:
    """A real OpenSearch and its users."""

    def __init__(self, printed: str):
        exported = dict(re.findall(r"OPENSEARCH_(\w+)=(\S+)", printed))
        self.user, self.password, self.ca = exported["USER"], exported["PASSWORD"], exported["CA"]
        self.url = re.search(r"--opensearch (https://\S+)", printed).group(1)
        self.environment = {f"OPENSEARCH_{name}": value for name, value in exported.items()}

    def ask(self, user: str, password: str, method: str, path: str, body: object = None) -> tuple[int, object]:
        host, context = urllib.parse.urlparse(self.url).netloc, ssl.create_default_context(cafile=self.ca)
        connection = http.client.HTTPSConnection(host, context=context, timeout=30)
        credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text)


def within(seconds: float, look: Callable[[], object]) -> object:
    """Calls look until it finds something, and returns that."""
    deadline = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


def travel(served: Served, search: Search, check: Checks) -> None:
    aws = ROOT / ".build" / "venv" / "bin" / "aws"
    environment = served.environment | {"AWS1": str(aws)}
    event = {"event_id": "journey-1", "event_type": "purchase", "user_id": "42", "amount": "120.50",
        "timestamp": "2026-09-21T10:22:00Z"}
    for kind, stream in served.streams.items():
        data = base64.b64encode(json.dumps(event).encode()).decode()
        put = subprocess.run(
            [ROOT / "verify" / "aws2", "firehose", "put-record", "--delivery-stream-name", stream, "--record",
                f"Data={data}"],
            env=environment, capture_output=True, text=True,
        )
        check.equal(f"the AWS CLI puts the event to the {kind} stream", (put.returncode, "RecordId" in put.stdout),
            (0, True))

    def rows() -> list[dict]:
        files = list(served.out.glob("s3/*/transformed-data/**/*.parquet"))
        found = [row for f in files for row in pyarrow.parquet.read_table(f, partitioning=None).to_pylist()]
        return [row for row in found if row["event_id"] == "journey-1"]

    found = within(90, rows) or [{}]
    check.equal("it is in the lake once, its amount a number",
        [(r.get("amount"), r.get("event_category")) for r in found], [(120.5, "commerce")])

    status, _ = search.ask(search.user, search.password, "PUT", "/_plugins/_security/api/internalusers/analyst",
        {"password": search.password, "backend_roles": [ANALYST]})
    check.equal("a user represents the reader's IAM role", status, 201)

    def hits() -> list[dict]:
        status, answer = search.ask("analyst", search.password, "POST", "/realtime-events-2*/_search",
            {"query": {"term": {"event_id": "journey-1"}}})
        return [hit["_source"] for hit in answer["hits"]["hits"]] if status == 200 else []

    found = within(60, hits) or [{}]
    check.equal("a reader finds it in OpenSearch once", [(d.get("amount"), d.get("user_id")) for d in found],
        [(120.5, "42")])

    def logged(kind: str) -> list[dict]:
        files = served.out.glob(f"logs/aws/lambda/*-transform-{kind}.log")
        lines = [line for f in files for line in f.read_text().splitlines()]
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [metrics for metrics in found if metrics.get("Records")]

    for kind in served.streams:
        lines = within(30, lambda: logged(kind)) or []
        check.equal(f"the function's log of the {kind} stream has one record", len(lines), 1)
        check.equal(f"the log of the {kind} stream holds nothing of the event", "journey-1" in json.dumps(lines), False)


def main() -> None:
    check = Checks("journey")
    command = ROOT / ".build" / "opensearch"
    subprocess.run(["go", "build", "-o", command, "./verify/opensearch"], cwd=ROOT, check=True)
    with tempfile.TemporaryFile("w+") as printed:
        server = subprocess.Popen([command, "-port", "0"], stdout=printed, cwd=ROOT)
        try:
            def started() -> str:
                printed.seek(0)
                text = printed.read()
                if server.poll() is not None:
                    sys.exit(f"OpenSearch ended with status {server.returncode}")
                return text if "--opensearch" in text else ""

            search = Search(within(300, started) or sys.exit("OpenSearch did not start"))
            os.environ.update(search.environment)
            reader = f"openSearchReaderRoleArns={ANALYST}"
            with serve("--speed", "60", "--opensearch", search.url, "-c", reader) as served:
                travel(served, search, check)
        finally:
            server.terminate()
            server.wait(timeout=60)
    check.finish()


if __name__ == "__main__":
    main()
