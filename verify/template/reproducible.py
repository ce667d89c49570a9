"""Synthesises the stack twice, in two folders: as usual, and with another patch release of Go, GOARCH and umask.

Templates and asset hashes must be identical. OTHER_GO names the other release (default go1.26.5).
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from copies import copy_project

OTHER_GO = os.environ.get("OTHER_GO", "go1.26.5")
CONTEXT = '{"environment":"production"}'


def synthesise(folder: Path, build: dict[str, str], run: dict[str, str], umask: int) -> None:
    """Builds the app in the folder and runs it, each with its additions to the environment."""
    for command, environment in (
        (["go", "build", "-o", ".build/firehose-pipeline", "."], build),
        ([".build/firehose-pipeline"], build | run | {"CDK_CONTEXT_JSON": CONTEXT, "CDK_OUTDIR": "cdk.out",
                                                            "CDK_VALIDATION": "false"}),  # see verify/templates.sh
    ):
        done = subprocess.run(command, cwd=folder, env=os.environ | environment, umask=umask,
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"reproducible: {command[0]}: {done.stderr}")


def version(environment: dict[str, str]) -> subprocess.CompletedProcess:
    return subprocess.run(["go", "version"], env=os.environ | environment, capture_output=True, text=True)


def output(folder: Path, suffix: str) -> bytes:
    [file] = (folder / "cdk.out").glob(f"*.{suffix}")
    return file.read_bytes()


def main() -> None:
    toolchain = {"GOTOOLCHAIN": OTHER_GO}
    umask = os.umask(0o022)
    os.umask(umask)
    with tempfile.TemporaryDirectory() as temporary:
        one, two = (copy_project(Path(temporary) / name) for name in ("one", "two"))
        synthesise(one, {}, {"GOARCH": ""}, umask)
        other = version(toolchain)
        if other.returncode != 0:
            sys.exit(f"reproducible: {OTHER_GO} is not available here, so the comparison with another Go release "
                     f"did not run: {other.stderr}")
        synthesise(two, toolchain, {"GOARCH": "arm64"}, 0o077)
        print(f"one: {version({}).stdout.strip()}; two: {other.stdout.strip()}, GOARCH=arm64, umask 077")
        suffixes = ("template.json", "assets.json")
        different = [suffix for suffix in suffixes if output(one, suffix) != output(two, suffix)]
    if different:
        sys.exit(f"reproducible: different: {', '.join(different)}")
    print("reproducible: templates and asset hashes are identical")


if __name__ == "__main__":
    main()
