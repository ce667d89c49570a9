"""Drives `pipeline local --serve` with clients that are not this project's: boto3 and the AWS CLI.

The CLI is version 1, because version 2 is not on PyPI. Version 1 takes a record's data as it is, version 2 in base64.
Version 1 needs --endpoint-url for SQS, where it ignores AWS_ENDPOINT_URL. All else is the same.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from serve import Checks, Served, serve

RECORD, BATCH, RECORDS = 1000 * 1024, 4 * 1024 * 1024, 500
GOOD = b'{"event_id":"good","event_type":"view","category_id":2103807459595387724}'
BAD = b'{"event_id":"bad"'


def failure(call, **arguments) -> str:
    """The name and HTTP status of the error that the call raises."""
    try:
        call(**arguments)
    except ClientError as error:
        return f"{error.response['Error']['Code']} {error.response['ResponseMetadata']['HTTPStatusCode']}"
    return "no error"


def with_boto3(served: Served, check: Checks) -> dict[str, int]:
    """Checks puts, singly, in batches and over each limit; returns how many records each stream accepted."""
    session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")
    once = Config(retries={"total_max_attempts": 1})
    # Rejected calls must fail at the endpoint, not in the client's own check of parameters.
    unchecked = once.merge(Config(parameter_validation=False))
    firehose = session.client("firehose", endpoint_url=served.url, config=unchecked)
    lake, search = served.streams["lake"], served.streams["search"]
    accepted = {lake: 0, search: 0}

    listed = firehose.list_delivery_streams()
    check.equal("boto3: streams are listed", (listed["DeliveryStreamNames"], listed["HasMoreDeliveryStreams"]),
        (sorted([lake, search]), False))
    page = firehose.list_delivery_streams(Limit=1)
    check.equal("boto3: a page of one", (page["DeliveryStreamNames"], page["HasMoreDeliveryStreams"]),
        (sorted([lake, search])[:1], True))
    page = firehose.list_delivery_streams(Limit=1, ExclusiveStartDeliveryStreamName=page["DeliveryStreamNames"][0])
    check.equal("boto3: the next page", (page["DeliveryStreamNames"], page["HasMoreDeliveryStreams"]),
        (sorted([lake, search])[1:], False))
    described = firehose.describe_delivery_stream(DeliveryStreamName=lake)["DeliveryStreamDescription"]
    check.equal("boto3: the lake stream is described",
        (described["DeliveryStreamStatus"], described["DeliveryStreamType"]), ("ACTIVE", "DirectPut"))

    for stream in (lake, search):
        one = firehose.put_record(DeliveryStreamName=stream, Record={"Data": GOOD})
        check.equal(f"boto3: one record to {stream}", (bool(one["RecordId"]), one["Encrypted"]), (True, True))
        records = [{"Data": GOOD}] * (RECORDS - 1) + [{"Data": BAD}]
        many = firehose.put_record_batch(DeliveryStreamName=stream, Records=records)
        answers = many["RequestResponses"]
        check.equal(f"boto3: 500 records to {stream}", (many["FailedPutCount"], len({a["RecordId"] for a in answers})),
            (0, RECORDS))
        accepted[stream] += 1 + RECORDS

    def put(name: str = lake, **record):
        return {"DeliveryStreamName": name, "Record": record}

    def put_batch(*records: bytes, name: str = lake):
        return {"DeliveryStreamName": name, "Records": [{"Data": r} for r in records]}

    full = [b"x" * RECORD] * 4 + [b"x" * (BATCH - 4 * RECORD)]
    for what, call, arguments, want in [
        ("a record above 1,000 KiB", firehose.put_record, put(Data=b"x" * (RECORD + 1)), "ValidationException 400"),
        ("a record above 1,000 KiB in a batch", firehose.put_record_batch, put_batch(GOOD, b"x" * (RECORD + 1)),
            "ValidationException 400"),
        ("501 records", firehose.put_record_batch, put_batch(*[GOOD] * (RECORDS + 1)), "ValidationException 400"),
        ("no record", firehose.put_record_batch, put_batch(), "ValidationException 400"),
        ("a batch above 4 MiB", firehose.put_record_batch, put_batch(*full, b"x"), "InvalidArgumentException 400"),
        ("a record without data", firehose.put_record, put(), "ValidationException 400"),
        ("a name that is a number", firehose.put_record, {"DeliveryStreamName": 5, "Record": {"Data": GOOD}},
            "SerializationException 400"),
        ("an unknown stream", firehose.put_record, put("other", Data=GOOD), "ResourceNotFoundException 400"),
        ("an unknown stream, batch", firehose.put_record_batch, put_batch(GOOD, name="other"),
            "ResourceNotFoundException 400"),
        ("an unknown stream, described", firehose.describe_delivery_stream, {"DeliveryStreamName": "other"},
            "ResourceNotFoundException 400"),
        ("a name with a blank", firehose.put_record, put("my stream", Data=GOOD), "ValidationException 400"),
        ("a name of 65 characters", firehose.put_record, put("x" * 65, Data=GOOD), "ValidationException 400"),
        ("a limit of 0", firehose.list_delivery_streams, {"Limit": 0}, "ValidationException 400"),
        ("an operation that is not modelled", firehose.delete_delivery_stream, {"DeliveryStreamName": lake},
            "UnknownOperationException 400"),
    ]:
        check.equal(f"boto3: {what} is rejected", failure(call, **arguments), want)

    answer = firehose.put_record_batch(**put_batch(*full, name=search))
    check.equal("boto3: a batch of exactly 4 MiB is accepted", answer["FailedPutCount"], 0)
    accepted[search] += len(full)
    batch = [GOOD] + [b"x" * RECORD] * 4
    answer = firehose.put_record_batch(**put_batch(*batch, name=search))
    codes = [r.get("ErrorCode") for r in answer["RequestResponses"]]
    rejected = answer["FailedPutCount"]
    check.equal("boto3: above the quota of a second records fail one by one", set(codes[len(batch) - rejected :]),
        {"ServiceUnavailableException"})
    check.equal("boto3: and those before them are accepted", set(codes[: len(batch) - rejected]), {None})
    accepted[search] += len(batch) - rejected
    answer = ""
    for _ in range(20):  # each of these takes a second's quota, whatever the time between them
        answer = failure(firehose.put_record, **put(search, Data=b"x" * RECORD))
        if answer != "no error":
            break
        accepted[search] += 1
    check.equal("boto3: and a single one fails whole", answer, "ServiceUnavailableException 500")
    return accepted


class CommandLine:
    """AWS CLI version 1."""

    def __init__(self, served: Served):
        self.program = Path(sys.executable).parent / "aws"
        self.served = served

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([self.program, "--endpoint-url", self.served.url, *arguments],
            env=self.served.environment, capture_output=True, text=True)

    def json(self, *arguments: str):
        done = self.run(*arguments, "--output", "json")
        if done.returncode != 0:
            sys.exit(f"aws {' '.join(arguments)}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def failure(self, *arguments: str) -> str:
        """The error's name, from "An error occurred (Name) when …"."""
        said = self.run(*arguments).stderr
        return said[said.find("(") + 1 : said.find(")")] if "An error occurred (" in said else said or "no error"


def with_command_line(served: Served, check: Checks) -> dict[str, int]:
    aws = CommandLine(served)
    version = aws.run("--version").stdout.split()[0]
    lake, search = served.streams["lake"], served.streams["search"]
    listed = aws.json("firehose", "list-delivery-streams")
    check.equal(f"{version}: streams are listed", listed["DeliveryStreamNames"], sorted([lake, search]))
    for stream in (lake, search):
        one = aws.json("firehose", "put-record", "--delivery-stream-name", stream, "--record",
            json.dumps({"Data": GOOD.decode()}))
        check.equal(f"{version}: one record to {stream}", bool(one["RecordId"]), True)
        batch = aws.json("firehose", "put-record-batch", "--delivery-stream-name", stream, "--records",
            json.dumps([{"Data": GOOD.decode()}] * 2))
        check.equal(f"{version}: two records to {stream}", (batch["FailedPutCount"], len(batch["RequestResponses"])),
            (0, 2))
    many = Path(served.out).parent / "records.json"
    many.write_text(json.dumps([{"Data": "{}"}] * (RECORDS + 1)))
    for what, arguments, want in [
        ("501 records", ["put-record-batch", "--delivery-stream-name", lake, "--records", f"file://{many}"],
            "ValidationException"),
        ("an unknown stream", ["put-record", "--delivery-stream-name", "other", "--record", '{"Data":"{}"}'],
            "ResourceNotFoundException"),
        ("an operation that is not modelled", ["delete-delivery-stream", "--delivery-stream-name", lake],
            "UnknownOperationException"),
    ]:
        check.equal(f"{version}: {what} is rejected", aws.failure("firehose", *arguments), want)
    return {lake: 3, search: 3}


def delivered(served: Served, check: Checks) -> None:
    """Lists and fetches the objects and reads the queue, with both clients, once the buffers have been delivered."""
    session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")
    s3, sqs = session.client("s3", endpoint_url=served.url), session.client("sqs", endpoint_url=served.url)
    [bucket] = [b["Name"] for b in s3.list_buckets()["Buckets"]]

    def keys(prefix: str) -> list[str]:
        return [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]

    prefixes = ["transformed-data/", "source-data/", "error-data/lake/", "error-data/search/"]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not all(keys(prefix) for prefix in prefixes):
        time.sleep(0.1)
    for prefix in prefixes:
        check.equal(f"boto3: {prefix} has objects", bool(keys(prefix)), True)
    key = keys("transformed-data/")[0]
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    check.equal("boto3: an object of the lake is Parquet", (content[:4], content[-4:]), (b"PAR1", b"PAR1"))
    aws = CommandLine(served)
    lines = aws.run("s3", "ls", "--recursive", f"s3://{bucket}/transformed-data/").stdout.splitlines()
    check.equal("aws: the same objects are listed", sorted(line.split()[3] for line in lines),
        sorted(keys("transformed-data/")))
    copy = Path(served.out).parent / "copy.parquet"
    done = aws.run("s3", "cp", f"s3://{bucket}/{key}", str(copy))
    check.equal("aws: an object is copied", (done.returncode, copy.exists() and copy.read_bytes() == content),
        (0, True))

    [queue] = sqs.list_queues()["QueueUrls"]
    letters: set[tuple[str, str]] = set()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not {("lake", "UnexpectedEnd"), ("search", "UnexpectedEnd")} <= letters:
        # Nothing is deleted: --check looks for every dead letter at the end.
        received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=3)
        for message in received.get("Messages", []):
            letter = json.loads(message["Body"])
            letters.add((letter["stream"], letter["reason"]))
    for stream in ("lake", "search"):
        check.equal(f"boto3: the queue has the dead letter of {stream}", (stream, "UnexpectedEnd") in letters, True)
    received = aws.json("sqs", "receive-message", "--queue-url", queue, "--wait-time-seconds", "10").get("Messages", [])
    check.equal("aws: the queue is read", [json.loads(m["Body"])["kind"] for m in received], ["record"])


def main() -> None:
    check = Checks("clients")
    with serve("--speed", "60", "--check") as served:
        accepted = with_boto3(served, check)
        for stream, n in with_command_line(served, check).items():
            accepted[stream] += n
        delivered(served, check)
    print(f"records accepted: {accepted}")
    check.finish()


if __name__ == "__main__":
    main()
