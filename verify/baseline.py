"""What the benchmarks against an earlier commit share: its clone, measured commands, and the place of the figures in a page."""

import datetime
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from serve import ROOT

COMMIT = "0b70590"


@dataclass
class Cost:
    seconds: float
    cpu: float  # seconds, of all processes
    memory: float  # MB, of the largest process


def median(costs: list[Cost]) -> Cost:
    """Returns the median of each figure."""
    return Cost(*(statistics.median(getattr(c, field) for c in costs) for field in ("seconds", "cpu", "memory")))


def run(command: list, folder: Path, **options) -> Cost:
    """Runs a command that must succeed, with options of subprocess.Popen."""
    with tempfile.TemporaryFile() as said:
        start = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=subprocess.STDOUT, **options)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            sys.exit(f"{' '.join(map(str, command))}: {said.read().decode(errors='replace')[-4000:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def git(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess:
    return subprocess.run(["git", "-c", "safe.directory=*", *arguments], cwd=folder, capture_output=True, text=True)


def resolve(commit: str) -> str:
    """Returns the hash of a commit that this clone must have."""
    if git("cat-file", "-e", commit + "^{commit}").returncode != 0:
        sys.exit(f"the commit {commit} is not in this clone, so there is nothing to compare with: "
                 "a shallow clone gets it by `git fetch --unshallow`")
    return git("rev-parse", commit).stdout.strip()


def clone_commit(commit: str, folder: Path) -> None:
    """Clones this repository at a commit into a folder that does not exist or is empty."""
    for done in (git("clone", "--quiet", "--no-checkout", str(ROOT), str(folder)),
                 git("checkout", "--quiet", "--detach", resolve(commit), folder=folder)):
        if done.returncode != 0:
            sys.exit(f"cloning {commit} into {folder}: {done.stderr}")


def prepare_baseline(commit: str) -> Path:
    """Clones this repository at the commit, unless it did before, and returns the folder."""
    full = resolve(commit)
    clone = ROOT / ".build" / f"baseline-{full[:12]}"
    if git("rev-parse", "--show-toplevel", "HEAD", folder=clone if clone.is_dir() else ROOT).stdout.split() != [
            str(clone), full]:
        clone_commit(full, clone)
    if not (clone / "node_modules").exists():
        (clone / "node_modules").symlink_to(ROOT / "node_modules")
    return clone


ASKED = ["", "| Asked | Found | |", "| --- | --- | --- |"]


def asked(question: str, limit: float, found: float, at_least: bool = False) -> str:
    """Returns a row of the table that ASKED begins."""
    met = found >= limit if at_least else found <= limit
    return f"| {question} | {found:.2f} × | {'met' if met else '**not met**'} |"


def note(text: str) -> None:
    """Shows progress on a terminal, in the place of what it showed before."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def describe(commit: str, runs: int) -> str:
    """Names the machine, the day, both commits and the number of runs."""
    version = git("rev-parse", "--short=12", "HEAD").stdout.strip()
    if git("status", "--porcelain").stdout:
        version += " with changes"
    return (f"{processor()}, {os.cpu_count()} CPUs, {platform.system().lower()}/{platform.machine()}, "
            f"{datetime.date.today()}, commit {version} against {commit}, "
            f"{f'medians of {runs}' if runs > 1 else 'one run'}.")


def processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M) if Path(
        "/proc/cpuinfo").exists() else None
    return found[1].strip() if found else platform.processor() or "unknown processor"


def update(page: Path, name: str, figures: str) -> None:
    """Replaces what a page has between the comments of this name."""
    text = page.read_text()
    marks = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
    before, start, rest = text.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not start or not end:
        sys.exit(f"{page}: must have the lines {marks[0].strip()} and {marks[1].strip()}")
    page.write_text(f"{before}{start}\n{figures}\n{end}{after}")
