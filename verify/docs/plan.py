"""The blocks of shell commands in the pages, and how each is checked. check.py fails for a block without an entry, for an
entry without a block, and when a block did not run as its entry says."""

from dataclasses import dataclass, field
from enum import Enum


class How(Enum):
    SERVED = "run as printed"  # against the model that `pipeline local --serve` serves
    MODELLED = "run, with answers from the AWS CLI's models"  # some call is of a service that the local model lacks
    PARSED = "parsed"  # some command cannot run here; reason says why
    ELSEWHERE = "run by another check"  # reason is its file


@dataclass
class Entry:
    heading: str
    holding: str = ""  # a text of the block, where the heading has several; each line of a block begins with \n
    how: How = How.SERVED
    reason: str = ""  # why a command cannot run here; the file of the other check; why a command ends with the status
    fill: dict[str, str] = field(default_factory=dict)  # what a reader writes in place of an example's value
    fails: str = ""  # one command fails, and reason says why: a regular expression of its status, a tab and the command
    prints: str = ""  # a regular expression of a part of the output
    stream: bool = False  # against a stack with a data stream and a front door
    parse: str = ""  # a program that is only parsed


M, P, E = How.MODELLED, How.PARSED, How.ELSEWHERE

# Why a command cannot run here.
CDK = "cdk changes an AWS account"
TESTS = "make test is the whole test suite, which CI runs before"
TRACE = r"4\t.*pipeline trace|4\t.*pipeline \"\$@\""
UNDECIDED = "trace ends with 4, not decided: the served model has no search domain"

# Blocks of other pages that a page tells its reader to run first.
OUTPUTS = ("Outputs", "output()")
RUNBOOK = [("Before you start", "metric()"), ("Before you start", "ask()")]
BEFORE = {
    ("docs/symptoms.md", False): RUNBOOK,
    ("docs/runbook.md", True): [*RUNBOOK, ("Before you start", "output DataStreamName")],
    **{(f"docs/{page}.md", stream): [OUTPUTS] for stream in (False, True)
       for page in ("api", "changes", "replay", "send", "trace", "use", "vpc")},
}

PLAN: dict[str, list[Entry]] = {
    "README.md": [
        Entry("Try it", "make local", P, TESTS),
        Entry("Try it", "--serve", P, "the other blocks run against this server", parse=".build/pipeline"),
        Entry("Try it", "--fault all"),
        Entry("Your own events"),
        Entry("Deploy", "cdk bootstrap", P, CDK),
        Entry("Deploy", "cp examples"),
        Entry("Deploy", "pipeline cost"),
        Entry("Send"),
        Entry("Replay"),
        Entry("Trace", fails=TRACE, reason=UNDECIDED),
        Entry("Destroy", how=P, reason=CDK),
    ],
    "CONTRIBUTING.md": [
        Entry(heading, how=E, reason="verify/recipes.py")
        for heading in ("A setting", "An alarm", "A field of the event", "An enrichment", "A fault of the local model")
    ]
    + [
        Entry("Proof that the tests can fail", text, P, "builds the tests again and again, for minutes") for text in ("make mutants", "make mutation-score")
    ],
    "docs/api.md": [
        Entry("The front door", how=P, reason=CDK, stream=True),
        Entry("Requests", prints=r'"failed": ?0\b', stream=True),
        Entry("API keys", how=M, stream=True),
    ],
    "docs/changes.md": [
        Entry("After `enableDataTransformation`"),
        Entry("A rollback that fails", how=M),
        Entry("Another data format", stream=True),
        Entry("Moving the domain into a VPC, or out of it", how=P, reason=CDK),
        Entry("Turning retention on and off", how=M),
        Entry("What destroy removes and keeps", how=P, reason=CDK),
        Entry("Network interfaces that outlive their owner", how=M),
    ],
    "docs/cost.md": [
        Entry("Cost"),
        Entry("Variants"),
        Entry("Prices", how=P, reason="asks AWS's price list", parse=".build/pipeline"),
    ],
    "docs/deploy.md": [Entry("Deploy", how=P, reason=CDK), Entry("Outputs")],
    "docs/event-schema.md": [Entry("The event schema")],
    "docs/extend.md": [
        Entry("Change the fields and rules", "git show"),
        Entry("Change the fields and rules", "make test", P, f"{TESTS}; {CDK}"),
    ],
    "docs/local.md": [
        Entry("A real OpenSearch", how=P, reason="needs an installation of OpenSearch; make verify runs the test when there is one"),
    ],
    "docs/reliability.md": [
        Entry("Simulation", how=P, reason="runs for minutes; make verify simulates other seeds"),
        Entry("Fuzzing", how=P, reason="runs for half an hour"),
    ],
    "docs/replay.md": [Entry("Read the dead letters"), Entry("Replay")],
    "docs/rules.md": [
        Entry("Check a template of your own", "\ncfn-guard"),
        Entry("Check a template of your own", "\nnode_modules"),
    ],
    "docs/runbook.md": [
        Entry("Before you start", "metric()", M),
        Entry("Before you start", "describe-alarms", M),
        Entry("Before you start", "ask()", M),
        Entry("Before you start", "output DataStreamName", stream=True),
        Entry("lake-delivery-failing, lake-delivery-lagging", how=M),
        Entry("search-delivery-failing, search-delivery-lagging", how=M),
        Entry("lake-stalled, search-stalled", how=M),
        Entry("lake-backup-failing", how=M),
        Entry("search-backup-failing", how=M),
        Entry("lake-conversion-failing", how=M, fill={"format-conversion-failed": "processing-failed"}),  # the model's failures
        Entry("search-refused", "RoleARN", M),
        Entry("search-refused", "-X PUT", M),
        Entry("search-rejected", how=M),
        Entry("lake-throttled, search-throttled", how=M),
        Entry("lake-near-limit, search-near-limit", how=M),
        Entry("api-failing", how=M),
        Entry("api-rejecting", how=M),
        Entry("api-slow", how=M),
        Entry("lake-transform-failing, lake-transform-errors, search-transform-failing, search-transform-errors", how=M),
        Entry("lake-transform-throttles, search-transform-throttles", how=M),
        Entry("lake-transform-slow, search-transform-slow", how=M),
        Entry("lake-transform-too-large, search-transform-too-large", how=M),
        Entry("error-handler-errors, error-handler-throttles, error-handler-slow, error-handler-behind", how=M),
        Entry("error-handler-events-dropped, error-handler-destination-failing", how=M),
        Entry("dead-letters", "del(.rawData)"),
        Entry("dead-letters", "unpacked"),
        Entry("dead-letters", "s3api", fill={"error-data/…": "{error_object}"}),
        Entry("dead-letters-expiring", fill={"seq 1 100": "seq 1 3"}),
        Entry("data-stream-write-throttled", how=M, stream=True),
        Entry("data-stream-read-throttled, lake-reading-throttled, search-reading-throttled", how=M, stream=True),
        Entry("lake-reading-behind, search-reading-behind, lake-reading-expiring, search-reading-expiring", how=M, stream=True),
        Entry("domain-red", how=M),
        Entry("domain-storage-low", "FreeStorageSpace", M),
        Entry("domain-storage-low", "_ism", M),
        Entry("domain-writes-blocked", how=M),
        Entry("domain-node-missing", how=M),
        Entry("domain-cpu-high, domain-memory-high, domain-old-memory-high, domain-write-queue, domain-writes-rejected", how=M),
        Entry("domain-key-error, domain-key-inaccessible", how=M),
        Entry("domain-master-cpu-high, domain-master-memory-high, domain-master-unreachable", how=M),
        Entry("Replaying dead letters", "--canary"),
        Entry("Replaying dead letters", "--prefix"),
        Entry("Running the error handler again", how=M, fill={"error-data/lake/processing-failed/…": "{error_object}"}),
    ],
    "docs/send.md": [
        Entry("With a data stream", stream=True),
        Entry("The operator's command"),
        Entry("AWS CLI"),
        Entry("Python", how=E, reason="verify/readme.py"),
    ],
    "docs/settings.md": [Entry("Examples", how=P, reason="make test synthesises each file of examples")],
    "docs/symptoms.md": [
        Entry("An event is missing", fails=TRACE, reason=UNDECIDED),
        Entry("Events are not accepted", how=M),
        Entry("The lake is late", how=M),
        Entry("Search is late", how=M),
        Entry("Records fail", '"$stack"\n'),
        Entry("Records fail", "--canary"),
        Entry("The domain is in danger", how=M),
        Entry("The failure path is broken", how=M),
        Entry("A field is empty", how=M),
        Entry("Alarms are silent", "list-subscriptions", M),
        Entry("Alarms are silent", "sns publish", M),
    ],
    "docs/trace.md": [
        Entry("Where one event is", "--json", fails=TRACE, reason=UNDECIDED),
        Entry("Where one event is", "--results", fails=TRACE, reason=UNDECIDED),
    ],
    "docs/use.md": [
        Entry("Look at the lake", "--human-readable"),
        Entry("Look at the lake", "latest.parquet"),
        Entry("Look at the lake", "ignore_errors", fails=r"\d\t.*jq -c \.", reason="jq stops at a record that is not JSON"),
        Entry("Athena", how=M),
        Entry("Other readers", "s3 sync"),
        Entry("Other readers", "read_parquet", E, "verify/lake/readers.py"),
        Entry("Other readers", "read_json_objects", E, "verify/lake/readers.py"),
        Entry("Search", how=M),
        Entry("Logs and metrics", "logs tail", M),
        Entry("Logs and metrics", "get-metric-statistics", M),
    ],
    "docs/vpc.md": [Entry("Reaching the domain", how=M)],
}
