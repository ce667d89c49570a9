"""Checks of the stores of `pipeline local --serve` after numbered events: their ids are d-00000, d-00001 and so on. The lake is
JSON, because Parquet has the declared fields only.
"""

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path

from serve import Checks

SECONDS = 120  # in which the events have to arrive


def lake_lines(out: Path) -> list[str]:
    return [line for path in sorted(out.glob("s3/*/transformed-data/**/*")) if path.is_file()
            for line in gzip.decompress(path.read_bytes()).decode().split("\n") if line]


def index_lines(out: Path) -> list[str]:
    return [line for path in out.glob("opensearch/*.ndjson") for line in path.read_text().split("\n") if line]


def check_store(check: Checks, store: str, out: Path, events: int, undeclared: Callable[[int], str]) -> None:
    """Waits for the events in "lake" or "index". Each must be there once, with its undeclared part byte for byte."""
    read = {"lake": lake_lines, "index": index_lines}[store]
    deadline = time.monotonic() + SECONDS
    while len(found := read(out)) < events and time.monotonic() < deadline:
        time.sleep(0.5)
    numbers = sorted(json.loads(line)["event_id"] for line in found)
    check.equal(f"each of {events} events is in the {store} once", numbers == [f"d-{n:05d}" for n in range(events)], True)
    kept = sum(undeclared(int(json.loads(line)["event_id"][2:])) in line for line in found)
    check.equal(f"undeclared parts in the {store} are kept byte for byte", kept, events)
