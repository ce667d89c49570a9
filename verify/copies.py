"""Copies the project for checks that build it elsewhere."""

import shutil
import subprocess
from pathlib import Path

from serve import ROOT


def copy_project(to: Path) -> Path:
    """Copies the files that git tracks or would add, as they are in the work tree, and returns the folder."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():  # a deleted file is still listed
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    return to
