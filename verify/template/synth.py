"""Measures, warm and without a change, `cdk synth` and `pipeline local`, in turn with those of an earlier commit.

The commit (--baseline) is built in a clone below .build. `cdk synth` is also compared with that of an empty CDK app in
Go. It prints ratios of medians: time, CPU time, and the peak memory of the largest process. --runs N sets the number of
counted runs of each, after one that is not counted. --update FILE replaces the figures in a page.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

from baseline import ASKED, COMMIT, Cost, asked, describe, median, prepare_baseline, run, update
from serve import ROOT

EMPTY = "go build -o .build/emptyapp ./verify/template/emptyapp && .build/emptyapp"
EVENTS = 700


def synthesise(folder: Path, out: Path, app: str = "") -> Cost:
    command = ["npx", "--no-install", "cdk", "synth", "--quiet", "--output", out]
    return run(command + (["--app", app] if app else []), folder)


def pipe(folder: Path, events: Path, out: Path) -> Cost:
    """Runs events through the local model."""
    return run([folder / ".build" / "pipeline", "local", "--events", events, "--out", out], folder)


def write_events(path: Path) -> Path:
    lines = (ROOT / "testdata" / "store-events.ndjson").read_text().splitlines(keepends=True)
    path.write_text("".join((lines * (EVENTS // len(lines) + 1))[:EVENTS]))
    return path


def measure(runs: int, clone: Path) -> dict[str, Cost]:
    """Returns the medians, after one run of each that is not counted."""
    for folder in (ROOT, clone):
        subprocess.run(["go", "build", "-o", ".build/pipeline", "./cmd/pipeline"], cwd=folder, check=True)
    costs: dict[str, list[Cost]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary)
        events = write_events(out / "events.ndjson")
        for counted in range(-1, runs):
            turn = {
                "synth": synthesise(ROOT, out / "synth"),
                "synth of the baseline": synthesise(clone, out / "baseline"),
                "synth of an empty app": synthesise(ROOT, out / "empty", EMPTY),
                "local": pipe(ROOT, events, out / "local"),
                "local of the baseline": pipe(clone, events, out / "baseline-local"),
            }
            for name, cost in turn.items():
                if counted >= 0:
                    costs.setdefault(name, []).append(cost)
    return {name: median(all) for name, all in costs.items()}


def report(costs: dict[str, Cost], commit: str, runs: int) -> str:
    """Returns the figures as Markdown."""
    lines = [describe(commit, runs), "",
             "| Command | time, s | CPU, s | peak memory, MB |", "| --- | --- | --- | --- |"]
    lines += [f"| {name} | {c.seconds:.2f} | {c.cpu:.2f} | {c.memory:.0f} |" for name, c in costs.items()]
    lines += ASKED
    synth, before = costs["synth"], costs["synth of the baseline"]
    local, local_before = costs["local"], costs["local of the baseline"]
    lines += [asked(*row) for row in (
        ("synth: at most 0.35 × the baseline's time", 0.35, synth.seconds / before.seconds),
        ("synth: at most 0.35 × its CPU time", 0.35, synth.cpu / before.cpu),
        ("synth: at most 0.4 × its memory", 0.4, synth.memory / before.memory),
        (f"`pipeline local` with {EVENTS} events: at most 0.2 × its time", 0.2, local.seconds / local_before.seconds),
        (f"`pipeline local` with {EVENTS} events: at most 0.2 × its CPU time", 0.2, local.cpu / local_before.cpu),
    )]
    empty = costs["synth of an empty app"]
    lines += ["", f"`cdk synth` needs {synth.seconds / empty.seconds:.2f} × the time of an empty app's, which the CDK "
              "validates each time.", ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each (default 5)")
    parser.add_argument("--baseline", default=COMMIT, help=f"commit to compare with (default {COMMIT})")
    parser.add_argument("--update", type=Path, metavar="FILE", help="page whose figures are replaced")
    options = parser.parse_args()
    if options.runs < 1:
        parser.error(f"--runs: must be at least 1 (got {options.runs})")
    figures = report(measure(options.runs, prepare_baseline(options.baseline)), options.baseline, options.runs)
    print(figures)
    if options.update:
        update(options.update, "synth", figures)


if __name__ == "__main__":
    main()
