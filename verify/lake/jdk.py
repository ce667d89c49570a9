"""Finds a Java that a check can run with."""

import glob
import os
import re
import shutil
import sys
from pathlib import Path

# Where JDKs are installed on Linux, by SDKMAN and on macOS.
PLACES = (
    "/usr/lib/jvm/*",
    "/opt/*",
    "~/.sdkman/candidates/java/*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
)


def home(program: str, lowest: int, highest: int) -> Path:
    """Returns the folder of the oldest JDK from lowest to highest; ends the check when there is none."""
    # GitHub's runners have JAVA_HOME_17_X64 and the like.
    candidates = [os.environ.get("JAVA_HOME", "")]
    candidates += [v for k, v in sorted(os.environ.items()) if k.startswith("JAVA_HOME_")]
    if java := shutil.which("java"):
        candidates.append(str(Path(java).resolve().parent.parent))
    for place in PLACES:
        candidates += sorted(glob.glob(os.path.expanduser(place)))
    found = {major: Path(folder) for folder in reversed(candidates) if folder and (major := version(Path(folder)))}
    fitting = [major for major in found if lowest <= major <= highest]
    if not fitting:
        versions = ", ".join(map(str, sorted(found))) or "none"
        sys.exit(f"Java is missing: {program} needs a JDK {lowest} to {highest} (found {versions}). "
                 f"Install one from https://adoptium.net, or name one in JAVA_HOME")
    return found[min(fitting)]


def version(folder: Path) -> int | None:
    """The major version of the JDK in the folder, or None when it has none."""
    release = folder / "release"
    if not (folder / "bin" / "java").is_file() or not release.is_file():
        return None
    found = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', release.read_text(), re.M)
    return int(found.group(1)) if found else None
