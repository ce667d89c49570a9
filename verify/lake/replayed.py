"""Writes a lake with duplicates and failures, over a year, and reads its source-data by itself.

Events are put a second time days and weeks later, as a replay puts them, some with another amount. The reader shares no
code with the project: it decompresses the objects of source-data and parses their lines.
"""

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from serve import ROOT, build

STORE = ROOT / "testdata" / "store-events.ndjson"
COUNT = 320  # events; with the copies and the broken lines some 460 records, 17 hours apart, within a year
RATE = "0.000016"
TODAY = 60  # events of the other run
GAP = timedelta(seconds=62500)
NEAR, FAR = 2, 60  # records between an event and its copy: 35 hours and 43 days

# How long before its arrival an event happened, in turn. The clock of the run starts up to some minutes later.
DELAYS = [timedelta(minutes=10), timedelta(minutes=10), timedelta(hours=3), timedelta(days=2), timedelta(days=-1), None]

# Documents of Firehose's other layout, whose kind of failure no event of the run meets.
CONVERSION_FAILED = ROOT / "errorobject" / "testdata" / "objects" / "lake-format-conversion-failed"


@dataclass(frozen=True)
class Received:
    """One event of source-data."""

    arrived: datetime  # the hour of the object's path
    event: dict

    def event_id(self) -> str | None:
        return self.event.get("event_id") or None

    def amount(self) -> float | None:
        amount = self.event.get("amount")
        return amount if isinstance(amount, (int, float)) and not isinstance(amount, bool) else None

    def happened(self) -> datetime | None:
        text = self.event.get("timestamp")
        return None if text is None else datetime.fromisoformat(text)


@dataclass(frozen=True)
class Replayed:
    """The buckets of two runs."""

    year: Path  # duplicates and failures, over a year
    today: Path  # events that happened as long ago as DELAYS says


def write(folder: Path, template: Path) -> Replayed:
    """Runs both. The template's transform has to run once at a time: the lake's latest row of an event is the one with the
    latest time of the transform, and of two invocations at once, which the clock of the model has days apart, either may
    be later."""
    return Replayed(write_year(folder / "year", template), write_today(folder / "today", template))


def run(out: Path, template: Path, lines: Iterator[bytes], *flags: str) -> Path:
    """Runs the lines through the pipeline, and returns the bucket's folder."""
    command = [build(), "local", "--template", template, "--events", "-", "--out", out, "--check", *flags]
    done = subprocess.run(command, cwd=ROOT, input=b"".join(lines), capture_output=True)
    if done.returncode != 0:
        sys.exit(f"pipeline local: {done.stderr.decode()}")
    [bucket] = out.glob("s3/*")
    return bucket


def write_today(out: Path, template: Path) -> Path:
    """Events that all arrive now: the transform's clock is that of the machine, not that of the model."""
    start = datetime.now(UTC)
    shop = [json.loads(line) for line in STORE.read_bytes().splitlines()[:TODAY]]
    return run(out, template, (json.dumps(spoil(event, n, start)).encode() + b"\n" for n, event in enumerate(shop)))


def write_year(out: Path, template: Path) -> Path:
    """The records of a year. For 30 days OpenSearch rejects all documents."""
    bucket = run(out, template, records(datetime.now(UTC)), "--rate", RATE, "--fault", "search-403:720h")
    first = min(file for file in bucket.glob("error-data/lake/processing-failed/**/*") if file.is_file())
    copied = Path(str(first).replace("processing-failed", "format-conversion-failed"))
    copied.parent.mkdir(parents=True)
    copied.write_bytes(CONVERSION_FAILED.read_bytes())
    return bucket


def records(start: datetime) -> Iterator[bytes]:
    """The lines, each of which arrives [GAP] after the one before."""
    later: dict[int, list[dict]] = {}
    lines, n = 0, 0
    shop = [json.loads(line) for line in STORE.read_bytes().splitlines()[:COUNT]]
    while n < len(shop) or later:
        if lines % 37 == 36:
            made = b'{"event_id": "broken-%d", ' % lines
        elif due := later.get(lines):
            made = json.dumps(due.pop()).encode()
            if not due:
                del later[lines]
        elif n < len(shop):
            event = spoil(shop[n], n, start + GAP * lines)
            made = json.dumps(event).encode()
            for every, distance in ((4, NEAR), (31, FAR)):
                if n % every == every - 1:
                    again = event | ({"amount": 1000 + n} if n % 8 == 7 else {})
                    later.setdefault(lines + distance, []).append(again)
            n += 1
        else:
            made = json.dumps({"event_type": "heartbeat", "event_id": f"beat-{lines}"}).encode()
        later = {at if at > lines else lines + 1: due for at, due in later.items()}
        lines += 1
        yield made + b"\n"


def spoil(event: dict, n: int, arrives: datetime) -> dict:
    """Gives the event an id, a time and, now and then, values that are missing or malformed."""
    event = event | {"event_id": f"event-{n:06d}"}
    delay = DELAYS[n % len(DELAYS)]
    event.pop("timestamp", None)
    if delay is not None:
        event["timestamp"] = (arrives - delay).isoformat(timespec="milliseconds")
    if n % 2 == 0:
        event["event_type"] = "purchase"
    if n % 5 == 0:
        event["amount"] = {"net": n}
    if n % 13 == 0:
        event["category_id"] = "none"
    if n % 17 == 0:
        del event["category_code"]
    if n % 29 == 0:
        event["event_id"] = ""
    if n % 47 == 0:
        del event["event_id"]
    return event


def received(bucket: Path) -> list[Received]:
    """Every event of source-data that is not dropped, in the order of its arrival."""
    found = []
    for file in bucket.glob("source-data/**/*.gz"):
        year, month, day, hour = map(int, re.findall(r"/(?:year|month|day|hour)=(\d+)", str(file)))
        for line in gzip.decompress(file.read_bytes()).splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event["event_type"] != "heartbeat":
                found.append(Received(datetime(year, month, day, hour, tzinfo=UTC), event))
    return sorted(found, key=lambda r: r.arrived)


@dataclass(frozen=True)
class Failed:
    """One document of an error object."""

    failed_on: str
    stream: str
    error_type: str
    reason: str


def failures(bucket: Path) -> list[Failed]:
    """Every document of the error objects."""
    found = []
    for file in (bucket / "error-data").glob("**/*"):
        if not file.is_file():
            continue
        stream, error_type, *keys, _ = file.relative_to(bucket / "error-data").parts
        day = "-".join(key.split("=")[1] for key in keys[:3])
        for line in file.read_text().splitlines():
            document = json.loads(line)
            reason = document.get("errorCode", document.get("lastErrorCode", "(none)"))
            found.append(Failed(day, stream, error_type, str(reason)))
    return found


def within(day: date, last: date, days: int) -> bool:
    return last - timedelta(days=days - 1) <= day <= last
