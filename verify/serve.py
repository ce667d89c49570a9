"""Starts `pipeline local --serve` for a check, with the project's own stack on a free port, and stops it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = ROOT / ".build" / "pipeline"


@dataclass
class Served:
    url: str
    streams: dict[str, str]  # lake and search: names of the delivery streams; data: of the data stream, if there is one
    out: Path  # folder of the results
    environment: dict[str, str]  # for clients that are started as processes


def build() -> Path:
    subprocess.run(["go", "build", "-o", COMMAND, "./cmd/pipeline"], cwd=ROOT, check=True)
    return COMMAND


@contextlib.contextmanager
def serve(*flags: str) -> Iterator[Served]:
    """Runs the command until the block ends; then it has to deliver, report and exit with status 0."""
    command = build()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        log = Path(folder) / "log"
        with log.open("w") as writing:
            process = subprocess.Popen(
                [command, "local", "--serve", "--listen", "127.0.0.1:0", "--out", out, *flags],
                cwd=ROOT, stdout=writing, stderr=subprocess.STDOUT,
            )
        try:
            printed = wait_for(process, log, "sqs receive-message")
            url = re.search(r"served on (http://127\.0\.0\.1:\d+)$", printed, re.M).group(1)
            exported = re.findall(r"export (DATA|LAKE|SEARCH)_STREAM=(\S+)$", printed, re.M)
            streams = {kind.lower(): name for kind, name in exported}
            yield Served(url, streams, out, client_environment(url, folder))
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            status = process.wait(timeout=60)
        if status != 0:
            sys.exit(f"pipeline local --serve ended with status {status}:\n{log.read_text()}")


def wait_for(process: subprocess.Popen, log: Path, text: str) -> str:
    deadline = time.monotonic() + 180  # the first time, the functions are built
    while time.monotonic() < deadline and process.poll() is None:
        printed = log.read_text()
        if text in printed:
            return printed
        time.sleep(0.05)
    sys.exit(f"pipeline local --serve did not start:\n{log.read_text()}")


def client_environment(url: str, home: str) -> dict[str, str]:
    """The caller's environment without its AWS settings, and with those that the command prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return environment | {
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_CONFIG_FILE": f"{home}/none",
        "AWS_SHARED_CREDENTIALS_FILE": f"{home}/none",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
    }


class Checks:
    """Counts what was checked and prints it; ends the program with status 1 when something was wrong."""

    def __init__(self, name: str):
        self.name, self.done, self.wrong = name, 0, 0

    def equal(self, what: str, got: object, want: object) -> None:
        self.done += 1
        if got == want:
            print(f"ok    {what}")
        else:
            self.wrong += 1
            print(f"WRONG {what}\n      got  {got!r}\n      want {want!r}")

    def finish(self) -> None:
        print(f"{self.name}: {self.done - self.wrong} passed, {self.wrong} failed")
        if self.wrong or not self.done:
            sys.exit(1)
