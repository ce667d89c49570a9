"""Runs the documented examples of sending events and looking at the lake, as they are printed, against `pipeline local --serve`.

The commands are those for a deployed stack; that they reach the local one is due to the environment alone (AWS_ENDPOINT_URL).
"""

import collections
import gzip
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet

from pages import only
from serve import ROOT, Checks, Served, serve

SHOP = (ROOT / "testdata" / "store-events.ndjson").read_bytes().splitlines(keepends=True)
EVENTS = len(SHOP)


class Shell:
    """Runs blocks as a reader would: one after the other in one folder, with the definitions of docs/deploy.md first."""

    def __init__(self, served: Served, folder: Path, check: Checks):
        programs = folder / "programs"
        programs.mkdir()
        (programs / "aws").symlink_to(ROOT / "verify" / "aws2")
        (programs / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        (programs / "python3").chmod(0o755)
        (folder / "testdata").symlink_to(ROOT / "testdata")
        self.environment = served.environment | {"PATH": f"{programs}:{os.environ['PATH']}", "AWS1": str(Path(sys.executable).parent / "aws")}
        self.folder, self.check = folder, check
        self.definitions = only("Outputs", "sh", "output()")

    def run(self, what: str, block: str) -> str:
        script = f"set -euo pipefail\n{self.definitions}\n{block}"
        done = subprocess.run(["bash", "-c", script], cwd=self.folder, env=self.environment, capture_output=True, text=True)
        self.check.equal(f"{what} succeeds", (done.returncode, done.stderr), (0, ""))
        return done.stdout


def rows(served: Served) -> int:
    return sum(pyarrow.parquet.read_metadata(file).num_rows for file in served.out.glob("s3/*/transformed-data/**/*.parquet"))


def documents(served: Served) -> int:
    return sum(file.read_bytes().count(b"\n") for file in served.out.glob("opensearch/*.ndjson"))


def copied(served: Served) -> bytes:
    """The records of the lake stream as received."""
    return b"".join(gzip.decompress(file.read_bytes()) for file in served.out.glob("s3/*/source-data/**/*.gz"))


def wait_for(count, want: int) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and count() < want:
        time.sleep(0.1)
    return count()


def main() -> None:
    check = Checks("readme")
    with tempfile.TemporaryDirectory() as temporary, serve("--speed", "60", "--check") as served:
        folder = Path(temporary)
        shell = Shell(served, folder, check)
        shell.run("asking the stack for an output", "")
        shell.run("sending with the AWS CLI", only("AWS CLI", "sh", "put-record"))
        (folder / "send.py").write_text(only("Python", "python"))
        shell.run("sending with Python", only("Python", "sh"))
        source = folder / "main.go"
        source.write_text(only("Go", "go"))
        subprocess.run(["go", "build", "-o", folder / "send", source], cwd=ROOT, check=True)
        shell.run("sending with Go", './send "$(output FirehoseStreamName)" "$(output SearchStreamName)" < testdata/store-events.ndjson')

        want = 1 + 2 * EVENTS  # the CLI sends one event, Python and Go the shop's
        check.equal("every event is in the lake", wait_for(lambda: rows(served), want), want)
        check.equal("every event is a document", wait_for(lambda: documents(served), want), want)
        wait_for(lambda: copied(served).count(b"\n"), want)
        lines = collections.Counter(copied(served).splitlines(keepends=True))
        by_command_line = [line for line in lines if line.startswith(b'{"event_id":"hello-1",') and line.endswith(b"}\n")]
        check.equal("the copy has a line for the AWS CLI's event", sum(lines.pop(line) for line in by_command_line), 1)
        check.equal("and those of `pipeline send` by Python and by Go, byte for byte", lines == collections.Counter(SHOP * 2), True)
        listed = shell.run("listing the lake", only("Look at the lake", "sh", "s3 ls"))
        check.equal("the lake's objects are listed", ".parquet" in listed, True)
        shell.run("copying the lake", only("Look at the lake", "sh", "s3 ls") + only("Other readers", "sh", "s3 sync"))
        check.equal("the copy has every row", sum(pyarrow.parquet.read_metadata(f).num_rows for f in folder.glob("lake/**/*.parquet")), want)
        shell.run("fetching the newest object", only("Look at the lake", "sh", "s3 ls") + only("Look at the lake", "sh", "latest.parquet"))
        check.equal("the newest object is Parquet", pyarrow.parquet.read_metadata(folder / "latest.parquet").num_rows > 0, True)
    check.finish()


if __name__ == "__main__":
    main()
