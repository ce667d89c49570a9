"""The AWS CLI in this process, with the calls that `pipeline local --serve` does not know answered from the CLI's own models.

Its parser judges commands, options and the shapes of parameters. Two commands of version 2 are added, which version 1 lacks.
"""

import contextlib
import importlib.machinery
import importlib.util
import json
import os
from pathlib import Path

import jmespath
from awscli.clidriver import create_clidriver
from awscli.customizations.commands import BasicCommand

import samples

ROOT = Path(__file__).resolve().parent.parent.parent
# What the local model serves; any other operation of these services, and any other service, is answered from the models.
SERVED = {"firehose": None, "s3": None, "sqs": None, "cloudformation": {"DescribeStacks"},
          "kinesis": {"DescribeStreamSummary", "PutRecord", "PutRecords"}}
# Most blocks use these.
SERVICES = ("cloudformation", "cloudwatch", "firehose", "logs", "s3", "sqs", "opensearch", "kms", "kinesis")


def load_aws2():
    """verify/aws2, which translates the arguments of version 2 to version 1."""
    path = str(ROOT / "verify" / "aws2")
    spec = importlib.util.spec_from_loader("aws2", importlib.machinery.SourceFileLoader("aws2", path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Tail(BasicCommand):
    """Version 2's `aws logs tail`: https://docs.aws.amazon.com/cli/latest/reference/logs/tail.html."""

    NAME = "tail"
    ARG_TABLE = [
        {"name": "group_name", "positional_arg": True},
        {"name": "since", "default": "10m"},
        {"name": "follow", "action": "store_true"},
        {"name": "format", "choices": ["detailed", "short", "json", "none"], "default": "detailed"},
        {"name": "filter-pattern"},
        {"name": "log-stream-names", "nargs": "+"},
        {"name": "log-stream-name-prefix"},
    ]

    def _run_main(self, args, globals_):
        call = {"logGroupName": args.group_name, "interleaved": True}
        if args.filter_pattern is not None:
            call["filterPattern"] = args.filter_pattern
        if args.log_stream_names is not None:
            call["logStreamNames"] = args.log_stream_names
        if args.since[-1:] not in "smhdw" or not args.since[:-1].isdigit():
            raise ValueError(f"--since: must be a number and one of s, m, h, d, w (got {args.since!r})")
        for event in self._session.create_client("logs").filter_log_events(**call)["events"]:
            print("2026-01-31T12:00:00", event["message"])
        return 0


class ExportCredentials(BasicCommand):
    """Version 2's `aws configure export-credentials`.

    https://docs.aws.amazon.com/cli/latest/reference/configure/export-credentials.html
    """

    NAME = "export-credentials"
    FORMATS = ["process", "env", "env-no-export", "powershell", "windows-cmd", "fish"]
    ARG_TABLE = [{"name": "format", "choices": FORMATS, "default": "process"}]

    def _run_main(self, args, globals_):
        if args.format != "env":
            raise ValueError("--format: this check knows env only")
        for name, value in zip(("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"), ("local", "local", "token")):
            print(f"export AWS_{name}={value}")
        return 0


class CommandLine:
    """Runs commands one at a time, and remembers what each called. outputs are those of the template."""

    def __init__(self, outputs: dict[str, str]):
        self.aws2, self.outputs = load_aws2(), outputs
        self.driver = create_clidriver()
        session = self.driver.session
        session.register("building-command-table.logs", lambda command_table, session, **_: command_table.update(
            tail=Tail(session)))
        session.register("building-command-table.configure", lambda command_table, session, **_: command_table.update(
            {"export-credentials": ExportCredentials(session)}))
        session.register("before-parameter-build", self.note_parameters)
        session.register("before-call", self.answer)
        session.register("after-call", self.judge)
        self.query, self.calls, self.problems = None, [], []

    def warm(self) -> None:
        """Reads the models that most commands need, so that each command's own process finds them read."""
        session = self.driver.session
        for service in SERVICES:
            session.create_client(service)
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            self.run(["cloudwatch", "list-metrics"])
            self.run(["cloudformation", "describe-stacks"])

    def run(self, given: list[str]) -> int:
        self.query, self.calls, self.problems = None, [], []
        if "--query" in given:
            self.query = jmespath.compile(given[given.index("--query") + 1])
        status = self.driver.main(self.aws2.arguments(given))
        if status == 0 and not self.calls and given[0] != "configure":
            self.problems.append("calls no operation")
        return status

    def note_parameters(self, params, model, **_) -> None:
        service = model.service_model.service_name
        operations = SERVED.get(service, set())
        served = operations is None or model.name in operations
        plain = json.loads(json.dumps(params, default=str))
        self.calls.append({"service": service, "operation": model.name, "served": served, "parameters": plain})

    def answer(self, model, **_):
        if self.calls[-1]["served"]:
            return None
        tokens = samples.page_tokens(self.driver.session, model.service_model.service_name, model.name)
        return type("Answered", (), {"status_code": 200, "headers": {}}), samples.response(model, tokens)

    def judge(self, parsed, model, **_) -> None:
        """Looks for members that do not exist in the query, and for outputs that the template lacks."""
        if model.name == "DescribeStacks" and "Stacks" in parsed:
            outputs = parsed["Stacks"][0].setdefault("Outputs", [])
            known = {output["OutputKey"] for output in outputs}
            outputs += [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items() if k not in known]
            if self.query and samples.has_nothing(self.query.search(parsed)):
                self.problems.append(f"the query {self.query.expression} finds nothing in the stack's outputs")
        elif self.query:
            sample = samples.response(model, set())
            if samples.has_nothing(self.query.search(sample)):
                self.problems.append(f"the query {self.query.expression} names a member that {model.name} does not return")
