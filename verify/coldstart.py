"""Measures the first `make local` in a new clone, and `make test` after it, in turn with those of an earlier commit.

Both commits are cloned into folders of their own below .build, and all caches are empty: those of Go's modules and
builds, of npm, of jsii and of the CDK. So everything is downloaded, and the time depends on the network; the CPU time
hardly does. A turn takes many minutes. It prints ratios: time, CPU time, and the peak memory of the largest process.
--update FILE replaces the figures in a page. The folders are removed at the end.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from baseline import ASKED, COMMIT, Cost, asked, clone_commit, describe, git, median, note, resolve, run, update
from serve import ROOT

STEPS = ("local", "test")
LIMITS = {"local": 0.5, "test": 0.7}


def start_cold(commit: str, steps: list[str], folder: Path) -> dict[str, Cost]:
    """Runs the steps in a new clone of the commit, and removes it."""
    clone, caches = folder / "clone", folder / "caches"
    clone_commit(commit, clone)
    environment = os.environ | {
        "GOCACHE": str(caches / "build"), "GOMODCACHE": str(caches / "modules"), "npm_config_cache": str(caches / "npm"),
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(caches / "jsii"), "CDK_HOME": str(caches / "cdk"),
        "XDG_CACHE_HOME": str(caches / "other")}
    environment.pop("PYTHONPATH", None)
    try:
        return {step: run(["make", step], clone, env=environment) for step in steps}
    finally:
        for path, folders, _ in os.walk(caches / "modules"):
            for name in folders:
                (Path(path) / name).chmod(0o755)  # Go's modules are read-only
        shutil.rmtree(folder)


def measure(runs: int, commit: str, steps: list[str]) -> dict[str, dict[str, Cost]]:
    """Returns the medians, by commit and step."""
    costs: dict[str, dict[str, list[Cost]]] = {}
    with tempfile.TemporaryDirectory(dir=ROOT / ".build", prefix="coldstart-") as temporary:
        for turn in range(runs):
            for name, version in (("this commit", "HEAD"), ("baseline", commit)):
                note(f"turn {turn + 1} of {runs}: {name}")
                for step, cost in start_cold(version, steps, Path(temporary) / name.replace(" ", "-")).items():
                    costs.setdefault(name, {}).setdefault(step, []).append(cost)
    note("")
    return {name: {step: median(all) for step, all in of.items()} for name, of in costs.items()}


def report(costs: dict[str, dict[str, Cost]], commit: str, runs: int) -> str:
    """Returns the figures as Markdown."""
    lines = [describe(commit, runs), "",
             "| Command | time, s | CPU, s | peak memory, MB |", "| --- | --- | --- | --- |"]
    for step in costs["baseline"]:
        for name, suffix in (("this commit", ""), ("baseline", ", baseline")):
            c = costs[name][step]
            lines.append(f"| make {step}{suffix} | {c.seconds:.0f} | {c.cpu:.0f} | {c.memory:.0f} |")
    lines += ASKED
    for step, before in costs["baseline"].items():
        now = costs["this commit"][step]
        for what, found in (("time", now.seconds / before.seconds), ("CPU time", now.cpu / before.cpu)):
            lines.append(asked(f"make {step}: at most {LIMITS[step]} × the baseline's {what}", LIMITS[step], found))
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"of {', '.join(STEPS)}, in this order (default: all)")
    parser.add_argument("--runs", type=int, default=1, help="runs of each (default 1)")
    parser.add_argument("--baseline", default=COMMIT, help=f"commit to compare with (default {COMMIT})")
    parser.add_argument("--update", type=Path, metavar="FILE", help="page whose figures are replaced")
    options = parser.parse_args()
    if options.runs < 1:
        parser.error(f"--runs: must be at least 1 (got {options.runs})")
    if unknown := [step for step in options.steps if step not in STEPS]:
        parser.error(f"STEP: must be of {', '.join(STEPS)} (got {unknown[0]})")
    steps = [step for step in STEPS if step in options.steps] or list(STEPS)

    if git("status", "--porcelain").stdout:
        sys.exit("there are changes that are not committed: a new clone would not have them")
    resolve(options.baseline)

    (ROOT / ".build").mkdir(exist_ok=True)
    figures = report(measure(options.runs, options.baseline, steps), options.baseline, options.runs)
    print(figures)
    if options.update:
        update(options.update, "coldstart", figures)


if __name__ == "__main__":
    main()
