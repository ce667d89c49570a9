"""Runs the blocks of a page as a reader would: one after the other in one bash, in a copy of the project."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from copies import copy_project
from serve import ROOT, Served

DOCS = ROOT / "verify" / "docs"

# The functions stand in for programs of the same name, in the blocks and their subshells. Programs that the blocks start,
# like `pipeline local`, still find the real ones. The trap notes each command that fails, inside functions and $( ), too;
# 141 is a pipe whose reader has enough.
PRELUDE = r"""
standin() { "$PYTHON" -IS "$STANDIN" "$@"; }
for program in aws npx npm go make; do eval "$program() { standin $program \"\$@\"; }"; done
make() { if [[ $1 == local ]]; then command make --no-print-directory -o pipeline -o need-node "$@"; else standin make "$@"; fi; }
.build/pipeline() { if [[ $DOCS_PARSE ]]; then standin .build/pipeline "$@"; else command .build/pipeline "$@"; fi; }
restore() { if [[ cdk.json -nt "$FAILED.times" || event-schema.json -nt "$FAILED.times" ]]; then command git checkout --quiet -- .; fi; }
note_time() { printf '%s %s\n' "$DOCS_BLOCK" "$EPOCHREALTIME" >>"$FAILED.times"; }
set -E -o pipefail
trap 'status=$?; ((status == 141)) || printf "%s %s\t%s\n" "$DOCS_BLOCK" $status "${BASH_COMMAND@Q}" >>"$FAILED"' ERR
"""


@dataclass
class Result:
    """What a block did: its output, the failed commands, and what the stand-ins noted."""
    output: str = ""
    failed: list[str] = field(default_factory=list)
    notes: list[dict] = field(default_factory=list)
    requests: int = 0  # to the domain
    problems: list[str] = field(default_factory=list)
    seconds: float = 0


class Desk:
    """A copy of the project with the stand-ins, beside the served model."""

    def __init__(self, folder: Path, served: Served, outputs: dict[str, str], domain):
        self.folder, self.domain = copy_project(folder / "project"), domain
        (self.folder / "node_modules").symlink_to(ROOT / "node_modules")
        (self.folder / ".build").mkdir()
        for name in ("pipeline", "functions", "synthesised"):
            (self.folder / ".build" / name).symlink_to(ROOT / ".build" / name)
        git = ["git", "-c", "user.name=docs", "-c", "user.email=docs@example.com", "-c", "gc.auto=0"]
        for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "docs"]):
            subprocess.run([*git, *command], cwd=self.folder, check=True)
        self.made, self.blocks = folder, 0
        config = folder / "config"
        config.write_text("[default]\nregion = us-east-1\n")
        self.journal, self.failed = folder / "journal", folder / "failed"
        self.journal.touch()
        programs = self.add_programs()
        self.environment = served.environment | {
            "PATH": f"{programs}:{os.environ['PATH']}", "AWS_CONFIG_FILE": str(config),
            "STANDINS": str(folder / "socket"), "STANDIN": str(DOCS / "standin.py"), "PYTHON": sys.executable,
            "FAILED": str(self.failed),
        }
        self.server = subprocess.Popen(
            [sys.executable, DOCS / "programs.py", folder / "socket", self.journal, json.dumps(outputs)],
            env=self.environment, stdout=subprocess.PIPE, text=True)
        if self.server.stdout.readline() != "listening\n":
            sys.exit("docs: the stand-ins did not start")

    def add_programs(self) -> Path:
        """Programs that a reader has installed. Guard is that of npm ci."""
        programs = self.made / "programs"
        programs.mkdir()
        (programs / "duckdb").symlink_to(Path(sys.executable).parent / "duckdb")
        (programs / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        (programs / "session-manager-plugin").write_text("#!/bin/sh\necho 1.2.764.0\n")
        (programs / "cfn-guard").symlink_to(ROOT / "node_modules/@cdklabs/cdk-validator-cfnguard/bin/ubuntu/x86_64/cfn-guard")
        for program in ("python3", "session-manager-plugin"):
            (programs / program).chmod(0o755)
        return programs

    def run(self, blocks: list[tuple[str, str]], **environment: str) -> list[Result]:
        """Runs blocks in one bash, each with the program that is only parsed. After each the project's files are as before."""
        script, first = [PRELUDE], self.blocks
        for text, parse in blocks:
            name = self.made / f"block-{self.blocks}"
            name.write_text(text)
            script.append(f'export DOCS_BLOCK={self.blocks} DOCS_PARSE={parse}; note_time; '
                          f'source {name} >{name}.out 2>&1; restore\n')
            self.blocks += 1
        script.append(f"DOCS_BLOCK={self.blocks}; note_time\n")
        self.failed.touch()
        subprocess.run(["bash", "-c", "\n".join(script)], cwd=self.folder, env=self.environment | environment,
                       stdin=subprocess.DEVNULL, timeout=300)
        return [self.result(number) for number in range(first, self.blocks)]

    def result(self, number: int) -> Result:
        output = self.made / f"block-{number}.out"
        found = Result(output.read_text(errors="replace") if output.exists() else "")
        if not output.exists():
            found.failed.append("did not run: an earlier block ended the shell")
        for line in self.failed.read_text().splitlines():
            at, _, command = line.partition(" ")
            # What a stand-in says of itself is in the journal; source ends with the status of the block's last command.
            if at == str(number) and f"'source {self.made}" not in command and '"$STANDIN"' not in command:
                found.failed.append(command)
        for line in self.journal.read_text().splitlines():
            note = json.loads(line)
            if note["block"] == str(number):
                found.notes.append(note)
        times = dict(line.split() for line in Path(f"{self.failed}.times").read_text().splitlines())
        start, end = (float(times.get(str(n), "inf")) for n in (number, number + 1))
        asked = [request for request in self.domain.requests if start <= request.time <= end]
        found.requests, found.seconds = len(asked), end - start
        found.problems = [request.problem for request in asked if request.problem]
        return found

    def close(self) -> None:
        self.server.terminate()
        self.server.wait(timeout=30)


def wait_until(done, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            sys.exit(f"docs: {what}: not within {seconds} s")
        time.sleep(0.1)
