"""Reads the lakes of the sample event schemas (testdata/samples) with pyarrow, DuckDB, Polars and Trino.

Each value has to be the one that the rules of docs/event-schema.md make of the event and the schema (expected.py shares
no code with the project): nested structs, arrays, maps, dates, renamed keys, protected and added fields.
"""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars
import pyarrow.parquet

import lakes
from expected import Comparison, Expectation
from metastore import add_table, add_view
from savedqueries import database, saved_queries
from serve import ROOT, Checks, build
from trinoserver import Trino

FOLDER = ROOT / "testdata" / "samples"
NAMES = ("web-analytics", "sensor", "audit-log")

# Saved queries that fit none of the samples: no sample has amount and category_code.
SAVED = ["create-view-events_once", "duplicates", "events-per-hour", "failures-by-reason", "late-data",
         "malformed-values"]

READ_VIEW = "audit-log"  # the sample with the deepest structs


@dataclass
class Sample:
    name: str
    template: Path
    bucket: Path
    expected: Expectation

    def files(self) -> list[Path]:
        return sorted(self.bucket.glob("transformed-data/**/*.parquet"))


def make(folder: Path) -> list[Sample]:
    """Writes the lake of each sample."""
    made = []
    for name in NAMES:
        template = lakes.synthesise(folder / name / "cdk.out", eventSchema=f"testdata/samples/{name}/event-schema.json",
                                    resourcePrefix=name)
        out = folder / name / "out"
        events = FOLDER / name / "events.ndjson"
        call = [build(), "local", "--template", template, "--events", events, "--out", out, "--check"]
        done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"pipeline local, {name}: {done.stderr}")
        [bucket] = out.glob("s3/*")
        made.append(Sample(name, template, bucket, Expectation.read(FOLDER / name)))
    return made


def by_pyarrow(sample: Sample) -> list[dict]:
    return [row for file in sample.files() for row in pyarrow.parquet.ParquetFile(file).read().to_pylist()]


def by_duckdb(sample: Sample) -> list[dict]:
    files = ", ".join(f"'{file}'" for file in sample.files())
    found = duckdb.sql(f"SELECT * FROM read_parquet([{files}], hive_partitioning = false)")
    return [dict(zip(found.columns, row)) for row in found.fetchall()]


def by_polars(sample: Sample) -> list[dict]:
    return polars.read_parquet(sample.files(), hive_partitioning=False).to_dicts()


def compare(check: Checks, reader: str, sample: Sample, rows: list[dict]) -> None:
    comparison = Comparison(sample.expected)
    wrong = comparison.differences(rows)
    check.equal(f"{sample.name}, {reader}: {comparison.values} values of {len(rows)} rows", wrong, [])


def check_samples(check: Checks, made: list[Sample]) -> None:
    readers: dict[str, Callable] = {"pyarrow": by_pyarrow, "DuckDB": by_duckdb, "Polars": by_polars}
    for sample in made:
        columns = lakes.glue_table(sample.template, "events")["StorageDescriptor"]["Columns"]
        got = [(column["Name"], column["Type"]) for column in columns]
        check.equal(f"{sample.name}: the table has the columns of the schema", got, sample.expected.columns())
        for reader, read in readers.items():
            compare(check, reader, sample, read(sample))


def check_samples_on_trino(check: Checks, trino: Trino, made: list[Sample]) -> None:
    """The table of each sample, its view, and its saved queries.

    Trino validates the view and the queries of each, and reads the view of one: it has to look for each hour of years.
    """
    for sample in made:
        schema = database(sample.template)
        trino.query(f"CREATE SCHEMA {schema}")
        add_table(trino, "events", sample.template, sample.bucket / "transformed-data", schema)
        add_table(trino, "failures", sample.template, sample.bucket, schema, of="failures")
        add_view(trino, "events_once", sample.template, schema)
        read = ["events", "events_once"] if sample.name == READ_VIEW else ["events"]
        for table in read:
            columns = [name for name, *_ in trino.query(f"DESCRIBE {table}", schema)]
            where = f"WHERE {hours(sample)}" if table == "events" else ""
            rows = trino.query(f"SELECT * FROM {table} {where}", schema)
            compare(check, f"Trino, {table}", sample, [dict(zip(columns, row)) for row in rows])
        queries = saved_queries(sample.template)
        check.equal(f"{sample.name}: the saved queries", sorted(queries), SAVED)
        for name, sql in {"the view": "SELECT * FROM events_once", **queries}.items():
            if not sql.startswith("CREATE"):
                valid = trino.query(f"EXPLAIN (TYPE VALIDATE) {sql}", schema)
                check.equal(f"{sample.name}: {name} is valid", valid, [[True]])


def hours(sample: Sample) -> str:
    """Names the keys of each object, so that no other hour is looked for."""
    found = set()
    for file in sample.files():
        keys = (part.split("=") for part in file.parts[-5:-1])
        found.add(" AND ".join(f"{key} = '{value}'" for key, value in keys))
    return "(" + ") OR (".join(sorted(found)) + ")"
