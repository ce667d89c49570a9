"""Writes lakes with `pipeline local` for the readers to read, and reads them by pyarrow, each file by itself.

A lake spans a year, so that months have leading zeros or not. In the second, files of the last days have a column more:
they come from a copy of the project to whose schema the field of CONTRIBUTING.md was added.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet

import recipes
import replayed
from serve import ROOT, build

STORE = ROOT / "testdata" / "store-events.ndjson"
KEYS = ("year", "month", "day", "hour")

# One event in 17 hours, so that 500 last 361 days, and one in 139.
RATE = "0.000016"
JSON_RATE, JSON_EVENTS = "0.000002", 60


@dataclass(frozen=True)
class Row:
    """The values of an event that are compared. A column that the file lacks reads as None."""

    event_id: str
    month: str
    category_id: int | None
    amount_as_sent: str | None  # malformed['amount']
    has_malformed: bool
    currency: str | None


@dataclass
class Lake:
    folder: Path  # of the keys: it holds year=…
    rows: list[Row]  # as pyarrow reads the files, in the order of event_id

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("**/*.parquet"))


def events(count: int, first: int = 0) -> list[dict]:
    """Shop events; every eleventh has an amount and every thirteenth a category_id that the columns cannot hold."""
    made = []
    for n, line in enumerate(STORE.read_bytes().splitlines()[:count], first):
        event = json.loads(line)
        event["event_id"] = f"event-{n:06d}"
        if n % 11 == 0:
            event["amount"] = {"net": n}
        if n % 13 == 0:
            event["category_id"] = "none"
        made.append(event)
    return made


def with_offsets(made: list[dict]) -> list[dict]:
    """The events, two of them with timestamps at and beyond the largest offset that Trino and Athena know."""
    made[3]["timestamp"] = "2026-01-31T12:00:00+14:00"
    made[4]["timestamp"] = "2026-01-31T12:00:00+15:00"
    return made


def synthesise(folder: Path, project: Path = ROOT, **settings: str) -> Path:
    """Writes the project's template, as `cdk synth` does, and returns its path."""
    cdk = json.loads((project / "cdk.json").read_text())
    # The CDK's own checks of the template take longer than its synthesis; verify/templates.sh has the checks.
    environment = os.environ | {
        "CDK_VALIDATION": "false", "CDK_CONTEXT_JSON": json.dumps(cdk["context"] | settings), "CDK_OUTDIR": str(folder)}
    done = subprocess.run(["sh", "-c", cdk["app"]], cwd=project, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"synthesising: {done.stderr}")
    [template] = folder.glob("*.template.json")
    return template


def glue_table(template: Path, name: str) -> dict:
    """The TableInput of the template's table or view of the name."""
    resources = json.loads(template.read_text())["Resources"].values()
    inputs = [r["Properties"]["TableInput"] for r in resources if r["Type"] == "AWS::Glue::Table"]
    [table] = [table for table in inputs if table["Name"] == name]
    return table


def write(out: Path, template: Path, made: list[dict], rate: str, project: Path = ROOT) -> Path:
    """Runs the events through the project's pipeline, so many a second, and returns the folder of the lake."""
    command = build() if project == ROOT else project / ".build" / "pipeline"
    call = [command, "local", "--template", template, "--events", "-", "--out", out, "--rate", rate,
            "--check", "--format", "json"]
    text = "".join(json.dumps(event) + "\n" for event in made).encode()
    done = subprocess.run(call, cwd=project, input=text, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"pipeline local: {done.stderr.decode()}")
    delivered = json.loads(done.stdout)["streams"]["lake"]["delivered"]
    if delivered != len(made):
        sys.exit(f"pipeline local: delivered {delivered} of {len(made)} events to the lake")
    [folder] = out.glob("s3/*/transformed-data")
    return folder


def project_with_field(copy: Path) -> Path:
    """Makes a copy of the project, adds the field of CONTRIBUTING.md to it, and builds its command."""
    recipes.copy_project(copy)
    recipes.change("A field of the event", copy)
    subprocess.run(["go", "build", "-o", copy / ".build" / "pipeline", "./cmd/pipeline"], cwd=copy, check=True)
    return copy


def date_to(lake: Path, year: int) -> Path:
    """Renames the years of a lake so that its first January is in the given one, that of the documented queries."""
    first_january = min(lake.glob("year=*/month=01"))
    shift = year - number(first_january.parent)
    for folder in sorted(lake.iterdir(), reverse=shift > 0):
        folder.rename(lake / f"year={number(folder) + shift}")
    return lake


def number(year: Path) -> int:
    return int(year.name.removeprefix("year="))


def add_newer(lake: Path, newer: Path) -> None:
    """Copies the files of a lake into another, in years of which the other has none, so that they are its newest."""
    later = 1 + max(number(year) for year in lake.iterdir()) - min(number(year) for year in newer.iterdir())
    for year in newer.iterdir():
        shutil.copytree(year, lake / f"year={number(year) + later}")


def read_file(file: Path) -> list[Row]:
    """Reads one file with pyarrow; the month is the path's."""
    month = re.search(r"/month=([^/]+)/", str(file)).group(1)
    rows = []
    for r in pyarrow.parquet.ParquetFile(file).read().to_pylist():
        malformed = None if r["malformed"] is None else dict(r["malformed"])
        rows.append(Row(r["event_id"], month, r["category_id"], (malformed or {}).get("amount"), malformed is not None,
                        r.get("currency")))
    return rows


def read(folder: Path) -> Lake:
    """Reads a lake, one file after the other."""
    rows = [row for file in folder.glob("**/*.parquet") for row in read_file(file)]
    return Lake(folder, sorted(rows, key=lambda row: row.event_id))


def year_lake(folder: Path, template: Path) -> Lake:
    return read(date_to(write(folder, template, with_offsets(events(500)), RATE), 2026))


def evolved_lake(folder: Path, old: Lake) -> tuple[Lake, Path]:
    """The old lake with newer files that have the column currency, null in one row; and the template with it."""
    project = project_with_field(folder / "project")
    template = synthesise(folder / "cdk.out", project)
    made = [event | {"currency": "EUR"} for event in events(24, first=1000)]
    del made[5]["currency"]
    lake = folder / "lake"
    shutil.copytree(old.folder, lake)
    add_newer(lake, write(folder / "newer", template, made, RATE, project))
    return read(lake), template


def json_lake(folder: Path, template: Path) -> Path:
    """A lake of JSON that spans a year, with keys that differ only by case, also inside an object."""
    made = [event | {"Event_Id": f"other-{n}", "detail": {"A": "1", "a": "2"}}
            for n, event in enumerate(events(JSON_EVENTS))]
    return date_to(write(folder, template, made, JSON_RATE), 2026)


@dataclass
class Lakes:
    """All lakes, with the templates whose streams wrote them."""

    template: Path
    year: Lake
    evolved_template: Path
    evolved: Lake
    json_template: Path
    json: Path
    replayed: replayed.Replayed


def make(folder: Path) -> Lakes:
    template = synthesise(folder / "cdk.out")
    year = year_lake(folder / "year", template)
    evolved, evolved_template = evolved_lake(folder / "evolved", year)
    json_template = synthesise(folder / "json.out", dataFormat="json")
    serial = synthesise(folder / "serial.out", transformReservedConcurrency="1")
    return Lakes(template, year, evolved_template, evolved, json_template, json_lake(folder / "json", json_template),
                 replayed.write(folder / "replayed", serial))
