"""Puts 10,000 events to the data stream of `pipeline local --serve` with ingestion kinesis, by three clients: `pipeline
send` (AWS SDK for Go), boto3 and the AWS CLI. Each event must be in the lake and in the index once, its undeclared part
byte for byte.

The lake is JSON here, because Parquet has the declared fields only.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from serve import COMMAND, Checks, Served, serve
from stores import check_store

BY_SEND, BY_BOTO3, BY_CLI = 6000, 3600, 400
EVENTS = BY_SEND + BY_BOTO3 + BY_CLI
STACK = "kinesis-firehose-pipeline-dev"


def undeclared(n: int) -> str:
    """A member that the transform must not touch: spelling of numbers, escapes, order and repeated white space."""
    return f'"extra":{{"z":{n}.10,"a":1E{n % 300},"text":"\\u00e9 \\/ {n}","big":{10**17 + n}}}'


def event(n: int) -> str:
    return f'{{"event_id":"d-{n:05d}","event_type":"view","amount":{n}.5,{undeclared(n)}}}'


def by_send(served: Served, first: int, count: int) -> None:
    text = "".join(event(n) + "\n" for n in range(first, first + count))
    done = subprocess.run([COMMAND, "send", "--events", "-", "--stack", STACK, "--format", "json"],
        input=text, env=served.environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"pipeline send: {done.stderr}")


def by_boto3(served: Served, first: int, count: int) -> None:
    """Resends the records that the stream did not accept, as a producer has to."""
    session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")
    kinesis = session.client("kinesis", endpoint_url=served.url, config=Config(retries={"total_max_attempts": 1}))
    records = [{"Data": event(n).encode(), "PartitionKey": f"user-{n}"} for n in range(first, first + count)]
    while records:
        batch, records = records[:500], records[500:]
        answer = kinesis.put_records(StreamName=served.streams["data"], Records=batch)
        rejected = [r for r, result in zip(batch, answer["Records"]) if "ErrorCode" in result]
        if rejected:
            time.sleep(0.2)
        records = rejected + records


def by_command_line(served: Served, first: int, count: int) -> None:
    program = Path(sys.executable).parent / "aws"
    entries = [{"Data": event(n), "PartitionKey": f"user-{n}"} for n in range(first, first + count)]
    done = subprocess.run([program, "--endpoint-url", served.url, "kinesis", "put-records", "--stream-name",
        served.streams["data"], "--records", json.dumps(entries), "--output", "json"],
        env=served.environment, capture_output=True, text=True)
    if done.returncode != 0 or json.loads(done.stdout)["FailedRecordCount"]:
        sys.exit(f"aws kinesis put-records: {done.stdout[:500]} {done.stderr}")


def check_errors(served: Served, check: Checks) -> None:
    session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")
    once = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    kinesis = session.client("kinesis", endpoint_url=served.url, config=once)
    firehose = session.client("firehose", endpoint_url=served.url, config=once)
    data = served.streams["data"]

    def failure(call, **arguments) -> str:
        try:
            call(**arguments)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "no error"

    for what, call, arguments, want in [
        ("a put to the lake stream itself", firehose.put_record,
            {"DeliveryStreamName": served.streams["lake"], "Record": {"Data": b"{}"}}, "InvalidArgumentException"),
        ("501 records", kinesis.put_records,
            {"StreamName": data, "Records": [{"Data": b"{}", "PartitionKey": "k"}] * 501}, "ValidationException"),
        ("a record without a partition key", kinesis.put_record, {"StreamName": data, "Data": b"{}"},
            "ValidationException"),
        ("a record above 1 MiB", kinesis.put_record,
            {"StreamName": data, "Data": b"x" * 1024 * 1024, "PartitionKey": "k"}, "InvalidArgumentException"),
        ("an unknown stream", kinesis.describe_stream, {"StreamName": "other"}, "ResourceNotFoundException"),
    ]:
        check.equal(f"{what} is rejected", failure(call, **arguments), want)
    summary = kinesis.describe_stream_summary(StreamName=data)["StreamDescriptionSummary"]
    check.equal("the data stream is described", (summary["StreamStatus"], summary["OpenShardCount"],
        summary["EncryptionType"], summary["StreamModeDetails"]["StreamMode"]), ("ACTIVE", 4, "KMS", "ON_DEMAND"))
    described = firehose.describe_delivery_stream(DeliveryStreamName=served.streams["search"])
    check.equal("a delivery stream names its source", described["DeliveryStreamDescription"]["Source"]
        ["KinesisStreamSourceDescription"]["KinesisStreamARN"], summary["StreamARN"])


def main() -> None:
    check = Checks("data stream")
    stack = ["-c", "ingestion=kinesis", "-c", "dataFormat=json", "-c", "bufferIntervalSeconds=60"]
    if len(sys.argv) == 2:  # the template of such a stack, to save the synthesis
        stack = ["--template", sys.argv[1]]
    with serve("--speed", "60", *stack) as served:
        check_errors(served, check)
        by_send(served, 0, BY_SEND)
        by_boto3(served, BY_SEND, BY_BOTO3)
        by_command_line(served, BY_SEND + BY_BOTO3, BY_CLI)
        check_store(check, "lake", served.out, EVENTS, undeclared)
        check_store(check, "index", served.out, EVENTS, undeclared)
    check.finish()


if __name__ == "__main__":
    main()
