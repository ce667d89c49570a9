"""Reads the lake that `pipeline local` writes with pyarrow and DuckDB, readers that are not this project's.

The columns and types have to be those of the Glue table in the template, and the values those of the shop's events,
with all 19 digits of category_id.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow
import pyarrow.parquet

from lakes import glue_table, synthesise
from serve import ROOT, Checks, build

STORE = ROOT / "testdata" / "store-events.ndjson"
SPOILED = ROOT / "testdata" / "spoiled-events.ndjson"

# The types of Glue as each reader has them.
ARROW = {
    "string": pyarrow.string(),
    "double": pyarrow.float64(),
    "bigint": pyarrow.int64(),
    "boolean": pyarrow.bool_(),
    "map<string,string>": pyarrow.map_(pyarrow.string(), pyarrow.string()),
}
DUCK = {"string": "VARCHAR", "double": "DOUBLE", "bigint": "BIGINT", "boolean": "BOOLEAN",
    "map<string,string>": "MAP(VARCHAR, VARCHAR)"}


def glue_columns(template: Path) -> list[tuple[str, str]]:
    return [(c["Name"], c["Type"]) for c in glue_table(template, "events")["StorageDescriptor"]["Columns"]]


def run(template: Path, out: Path, events: bytes) -> dict:
    """Runs the events through the pipeline and returns the report."""
    done = subprocess.run(
        [build(), "local", "--template", template, "--events", "-", "--out", out, "--format", "json", "--check"],
        cwd=ROOT, input=events, capture_output=True,
    )
    if done.returncode != 0:
        sys.exit(f"pipeline local: {done.stderr.decode()}")
    return json.loads(done.stdout)


def lake(out: Path) -> list[Path]:
    return sorted(out.glob("s3/*/transformed-data/**/*.parquet"))


def glue_type(field: pyarrow.Field, kinds: dict[str, str]) -> str:
    """The column's Glue type where the field's is the same, otherwise the field's own."""
    kind = kinds.get(field.name)
    return kind if kind and field.type.equals(ARROW[kind]) else str(field.type)


def check_columns(check: Checks, files: list[Path], columns: list[tuple[str, str]]) -> None:
    for file in files:
        schema = pyarrow.parquet.read_schema(file)
        got = [(f.name, glue_type(f, dict(columns))) for f in schema]
        check.equal("pyarrow: columns and types are the Glue table's", got, columns)
        described = duckdb.sql(f"DESCRIBE SELECT * FROM read_parquet('{file}', hive_partitioning = false)").fetchall()
        check.equal("DuckDB: columns and types are the Glue table's", [row[:2] for row in described],
            [(name, DUCK[kind]) for name, kind in columns])
        metadata = pyarrow.parquet.read_metadata(file)
        groups = [metadata.row_group(g) for g in range(metadata.num_row_groups)]
        codecs = {group.column(c).compression for group in groups for c in range(metadata.num_columns)}
        check.equal("pyarrow: every column is compressed with Snappy", codecs, {"SNAPPY"})


def check_values(check: Checks, files: list[Path], sent: list[dict]) -> None:
    names = list(sent[0])
    tables = [pyarrow.parquet.read_table(file, partitioning=None) for file in files]
    rows = [row for table in tables for row in table.select(names).to_pylist()]
    got = {row["event_id"]: row for row in rows}
    check.equal("pyarrow: every event is there once", (len(rows), sorted(got)),
        (len(sent), sorted(e["event_id"] for e in sent)))
    for name in names:
        pairs = [(e["event_id"], got[e["event_id"]][name], e[name]) for e in sent]
        wrong = [pair for pair in pairs if pair[1] != pair[2]]
        check.equal(f"pyarrow: {name} is as it was sent", wrong, [])
    listed = ", ".join(f"'{file}'" for file in files)
    table = dict(duckdb.sql(f"SELECT event_id, category_id::VARCHAR FROM read_parquet([{listed}])").fetchall())
    want = {e["event_id"]: str(e["category_id"]) for e in sent}
    check.equal("DuckDB: category_id is exact", table, want)
    check.equal("and has 19 digits in all of the shop's events", {len(text) for text in want.values()}, {19})
    hour = "year || month || day || hour"
    total = duckdb.sql(f"SELECT count(*), count(processed_timestamp), min(data_quality_score) > 0, "
                       f"max({hour}) = min({hour}) FROM read_parquet([{listed}], hive_partitioning = true, "
                       f"hive_types_autocast = false)").fetchall()[0]
    check.equal("DuckDB: every row is enriched, and the partitions are read from the path", total,
        (len(sent), len(sent), True, True))


def main() -> None:
    check = Checks("parquet")
    with tempfile.TemporaryDirectory() as folder:
        template = synthesise(Path(folder) / "cdk.out")
        columns = glue_columns(template)

        out = Path(folder) / "store"
        report = run(template, out, STORE.read_bytes())
        check.equal("the shop's events are all delivered", report["streams"]["lake"]["delivered"], 500)
        files = lake(out)
        check.equal("the lake has the objects of the report", len(files), report["streams"]["lake"]["objects"])
        check_columns(check, files, columns)
        check_values(check, files, [json.loads(line) for line in STORE.read_bytes().splitlines()])

        # And with spoiled events among them: a record for each line that is not blank, none lost.
        lines = STORE.read_bytes() + SPOILED.read_bytes()
        put = sum(bool(line.strip()) for line in lines.split(b"\n"))
        report = run(template, out, lines)
        for name, stream in report["streams"].items():
            check.equal(f"{name}: delivered + dropped + failed = received",
                        stream["delivered"] + stream["dropped"] + stream["failed"], put)
        letters = [json.loads(line) for line in (out / "sqs" / "dead-letter-queue.ndjson").read_text().splitlines()]
        for name, stream in report["streams"].items():
            reasons = [letter["reason"] for letter in letters if letter["stream"] == name]
            got, want = (len(reasons), all(reasons)), (stream["failed"], True)
            check.equal(f"{name}: every failed record is a dead letter with a reason", got, want)
        check_columns(check, lake(out), columns)
        documents = sum(file.read_bytes().count(b"\n") for file in (out / "opensearch").glob("*.ndjson"))
        check.equal("every delivered search record is a document", documents, report["streams"]["search"]["delivered"])
    check.finish()


if __name__ == "__main__":
    main()
