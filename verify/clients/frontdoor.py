"""Puts 10,000 events through the front door of `pipeline local --serve`, which renders the mapping templates of the
synthesised stack, by four clients: Go with the signer of aws-sdk-go-v2, boto3's signer, the AWS CLI's own session and
curl with --aws-sigv4. Each event must be in each store once, its undeclared part byte for byte. Twice: before the data
stream, where lake and index get the events, and before the lake stream of a stack without search.

The AWS CLI has no command for an API of one's own: its credentials and signer are those of botocore, which the CLI's
own Python runs here. The lake is JSON, because Parquet has the declared fields only.
"""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request

import boto3
from awscli.clidriver import create_clidriver
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from serve import ROOT, Checks, Served, serve
from stores import check_store

BY_GO, BY_BOTO3, BY_CLI, BY_CURL = 5000, 3000, 1500, 500
EVENTS = BY_GO + BY_BOTO3 + BY_CLI + BY_CURL
JSON, LINES = "application/json", "application/x-ndjson"
KEY = "local-api-key"


def undeclared(n: int) -> str:
    """A member that nothing must touch: spelling of numbers, escapes, quotes, VTL and order. (The transform removes white space.)"""
    return (f'"extra":{{"z":{n}.10,"a":1E{n % 400},"text":"\\u00e9 \\/ \\"{n}\\" Grüße 😀 $input.body #end",'
            f'"big":{10**18 + n}}}')


def event(n: int) -> str:
    return f'{{"event_id":"d-{n:05d}","event_type":"view","amount":{n}.5,{undeclared(n)}}}'


def lines(first: int, count: int) -> bytes:
    return "".join(event(n) + "\n" for n in range(first, first + count)).encode()


def batches(first: int, count: int, size: int = 500):
    for at in range(first, first + count, size):
        yield at, min(size, first + count - at)


def post(url: str, body: bytes, content_type: str, session=None, key: str | None = KEY, signed: bool = True):
    """Returns status, headers and body of the response to a request that botocore has signed."""
    session = session or boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")
    headers = {"Content-Type": content_type} | ({"x-api-key": key} if key else {})
    request = AWSRequest("POST", url, data=body, headers=headers)
    if signed:
        SigV4Auth(session.get_credentials(), "execute-api", "us-east-1").add_auth(request)
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, dict(request.headers))) as answer:
            return answer.status, answer.headers, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.headers, json.load(error)


def post_all(url: str, first: int, count: int, session=None) -> None:
    """Posts batches, and again what was throttled, as a client has to. The first ten events go one by one."""
    for at, size in [*batches(first, 10, 1), *batches(first + 10, count - 10)]:
        body, content_type = (event(at).encode(), JSON) if size == 1 else (lines(at, size), LINES)
        while True:
            status, headers, answer = post(url, body, content_type, session)
            if status == 200 and answer == {"events": size, "failed": 0, "failures": []}:
                break
            if status == 207:
                failed = [f["event"] - 1 for f in answer["failures"]]
                body, size = b"".join(body.splitlines(keepends=True)[i] for i in failed), len(failed)
            elif status != 429:
                sys.exit(f"POST {url}: {status} {answer}")
            time.sleep(int(headers.get("Retry-After", "1")) / 10)


def by_cli(served: Served, url: str, first: int, count: int) -> None:
    driver = create_clidriver()
    driver.session.set_credentials("local", "local")
    post_all(url, first, count, driver.session)


def by_go(served: Served, url: str, first: int, count: int) -> None:
    text = b"".join(lines(at, size) for at, size in batches(first, count))
    done = subprocess.run(["go", "run", "./verify/clients/post", "-url", url, "-key", KEY], cwd=ROOT, input=text,
        capture_output=True)
    if done.returncode != 0:
        sys.exit(f"verify/clients/post: {done.stderr.decode()}")


def by_curl(served: Served, url: str, first: int, count: int) -> None:
    for at, size in batches(first, count, 100):
        while True:
            done = subprocess.run(["curl", "-sS", "--aws-sigv4", "aws:amz:us-east-1:execute-api", "--user", "local:local",
                "-H", f"Content-Type: {LINES}", "-H", f"x-api-key: {KEY}", "-w", "\n%{http_code}", "--data-binary", "@-",
                url], input=lines(at, size), capture_output=True)
            answer, _, status = done.stdout.decode().rpartition("\n")
            if status == "200" and json.loads(answer)["failed"] == 0:
                break
            if done.returncode != 0 or status != "429":
                sys.exit(f"curl: {status} {answer} {done.stderr.decode()}")
            time.sleep(0.1)


def check_errors(check: Checks, url: str, keyed: bool, event_bytes: int) -> None:
    for what, want, body, content_type, options in [
        ("not signed", 403, b"{}", JSON, {"signed": False}),
        ("another content type", 415, b"{}", "text/csv", {}),
        ("a list", 400, b"[]", JSON, {}),
        ("not JSON", 400, b"{", JSON, {}),
        ("no event", 400, b"\n\n", LINES, {}),
        ("501 lines", 413, b"{}\n" * 501, LINES, {}),
        ("an event at the end of 2,000 lines", 413, b"\n" * 2000 + b"{}", LINES, {}),
        ("an event that is too large", 413, b'{"a":"' + b"x" * event_bytes + b'"}', JSON, {}),
        ("over 10 MB", 413, b"x" * (10 * 1024 * 1024 + 1), LINES, {}),
    ] + ([("no API key", 403, b"{}", JSON, {"key": None})] if keyed else []):
        status, _, answer = post(url, body, content_type, **options)
        check.equal(f"{what}: status {want} with a message", (status, bool(answer.get("message"))), (want, True))


def check_door(check: Checks, event_bytes: int, index: bool, keyed: bool, *stack: str) -> None:
    with serve("--speed", "60", *stack) as served:
        url = served.url + "/v1/events"
        check_errors(check, url, keyed, event_bytes)
        by_go(served, url, 0, BY_GO)
        post_all(url, BY_GO, BY_BOTO3)
        by_cli(served, url, BY_GO + BY_BOTO3, BY_CLI)
        by_curl(served, url, EVENTS - BY_CURL, BY_CURL)
        check_store(check, "lake", served.out, EVENTS, undeclared)
        if index:
            check_store(check, "index", served.out, EVENTS, undeclared)


def main() -> None:
    check = Checks("front door")
    common = ["-c", "enableApi=true", "-c", "dataFormat=json", "-c", "bufferIntervalSeconds=60"]
    check_door(check, 1024 * 1024, True, False, "-c", "ingestion=kinesis", *common)
    check_door(check, 1000 * 1024, False, True, "-c", "enableOpenSearch=false", "-c", 'apiKeys=["shop"]', *common)
    check.finish()


if __name__ == "__main__":
    main()
