"""Measures `cdk synth`, repeated without a change, against that of an empty CDK app in Go, in turn.

It prints the ratio of the medians. --runs N sets the number of counted runs of each, after one that is not counted.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from serve import ROOT

EMPTY = "go build -o .build/emptyapp ./verify/template/emptyapp && .build/emptyapp"


def synthesise(out: Path, app: str = "") -> float:
    """Runs cdk synth for the app, or for that of cdk.json, and returns the milliseconds."""
    command = ["npx", "--no-install", "cdk", "synth", "--quiet", "--output", out]
    start = time.monotonic()
    done = subprocess.run(command + (["--app", app] if app else []), cwd=ROOT, capture_output=True, text=True)
    took = 1000 * (time.monotonic() - start)
    if done.returncode != 0:
        sys.exit(f"cdk synth: {done.stderr}")
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each app (default 5)")
    runs = parser.parse_args().runs
    if runs < 1:
        parser.error(f"--runs: must be at least 1 (got {runs})")
    pipeline, empty = [], []
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary)
        for run in range(runs + 1):
            pipeline.append(synthesise(out / "pipeline"))
            empty.append(synthesise(out / "empty", EMPTY))
    own, floor = statistics.median(pipeline[1:]), statistics.median(empty[1:])
    print(f"cdk synth without a change, median of {runs}: pipeline {own:.0f} ms, empty app {floor:.0f} ms, "
          f"ratio {own / floor:.2f}")


if __name__ == "__main__":
    main()
