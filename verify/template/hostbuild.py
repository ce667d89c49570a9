"""Builds and runs a copy of the project in a hostile environment.

The copy is below a folder with a go.work, in a repository of another owner. Go's settings for another machine are in
the environment and in the file of `go env -w`.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from copies import copy_project
from serve import ROOT

CHECKED = re.compile(r"^check: .* each one where it had to end, once$", re.M)


def go_env(name: str) -> str:
    return subprocess.run(["go", "env", name], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def make_repository(copy: Path) -> None:
    """Commits the copy, and gives it to another owner where that is possible."""
    git = ["git", "-c", "user.name=check", "-c", "user.email=check@example.com"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "copy"]):
        subprocess.run(git + arguments, cwd=copy, check=True)
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", "nobody", copy], check=True)
    else:
        print("hostbuild: only root can give the copy to another owner: not checked")


def hostile_environment(work: Path) -> dict[str, str]:
    """The environment without GOWORK, with Go's settings for machines that are not this one."""
    settings = Path(go_env("GOENV"))
    written = settings.read_text() if settings.is_file() else ""
    (work / "goenv").write_text(written + "GOARCH=s390x\n")
    environment = {name: value for name, value in os.environ.items() if name not in ("GOWORK", "PYTHONPATH")}
    return environment | {
        "GOCACHE": go_env("GOCACHE"), "GOMODCACHE": go_env("GOMODCACHE"), "GOENV": str(work / "goenv"),
        "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
        "GOOS": "plan9", "GOARCH": "mips", "GOFLAGS": "-mod=vendor",
    }


def run(copy: Path, environment: dict[str, str], *command: str) -> str:
    """Runs a command that must succeed in the copy, and returns its output."""
    done = subprocess.run(command, cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True)
    if done.returncode != 0:
        sys.exit(f"hostbuild: {' '.join(command)} failed:\n{done.stdout[-4000:]}")
    return done.stdout


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        work.chmod(0o755)
        copy = copy_project(work / "other's clone")
        (work / "go.work").write_text("go 1.26.0\n")
        make_repository(copy)
        environment = hostile_environment(work)
        plain = subprocess.run(["go", "build", "-o", work / "plain", "./cmd/pipeline"], cwd=copy, env=environment,
                               capture_output=True)
        if plain.returncode == 0:
            sys.exit("hostbuild: go build must fail here, or this checks nothing")
        printed = run(copy, environment, "make", "local")
        if not CHECKED.search(printed):
            sys.exit(f"hostbuild: make local printed no check:\n{printed[-4000:]}")
        print("make local, and the app of cdk.json in it: built and ran")
        run(copy, environment, "make", "test", "PACKAGES=./event ./internal/functionbuild")
        run(copy, environment, "sh", "internal/functionbuild/hostenv.sh", "go", "test", ".", "-run",
            "TestReadmeTables/folders")
        print("make test: formatting, vet and tests ran")


if __name__ == "__main__":
    main()
