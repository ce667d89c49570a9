"""Runs the commands that docs/use.md and docs/changes.md show for reading the lake, as they are printed, on lakes that
`pipeline local` writes, and compares what the readers see with what pyarrow reads from each file by itself.
"""

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb

import jdk
import lakes
from lakes import KEYS, Lake, Lakes, Row
from pages import only
from serve import ROOT, Checks, build

SECTION = "Other readers"

# What follows a block of Python: the rows that its variables see, as one line of JSON.
PROBES = {
    "pandas": """
def plain(column):
    return [None if value is pandas.NA else value for value in events[column].tolist()]

malformed = [None if m is None else dict(m) for m in plain("malformed")]
currency = plain("currency") if "currency" in events else [None] * len(events)
rows = [[e, m, c, None if o is None else o.get("amount"), o is not None, y]
        for e, m, c, o, y in zip(plain("event_id"), plain("month"), plain("category_id"), malformed, currency)]
found = {"rows": rows, "columns": list(events), "wrong": int((events.month == "1").sum())}
""",
    "pyarrow": """
rows = [[r["event_id"], r["month"], r["category_id"], dict(r["malformed"] or []).get("amount"),
         r["malformed"] is not None, r.get("currency")] for r in dataset.to_table().to_pylist()]
found = {"rows": rows, "columns": dataset.schema.names,
         "wrong": dataset.count_rows(filter=pyarrow.dataset.field("month") == "1")}
""",
    "Polars": """
columns = events.collect_schema().names()
currency = polars.col("currency") if "currency" in columns else polars.lit(None)
malformed = polars.col("malformed")
rows = events.select("event_id", "month", "category_id", malformed.map.get("amount").alias("amount"),
                     malformed.is_not_null().alias("has"), currency.alias("currency_")).collect().rows()
found = {"rows": rows, "columns": columns, "wrong": events.filter(polars.col("month") == "1").collect().height}
""",
    "Spark": """
rows = [list(r) for r in events.selectExpr(
    "event_id", "month", "category_id", "malformed['amount']", "malformed IS NOT NULL", "currency").collect()]
spark.sql("CREATE TABLE events (event_id STRING, year STRING, month STRING, day STRING, hour STRING) USING parquet "
          "PARTITIONED BY (year, month, day, hour) LOCATION '" + os.path.abspath("lake") + "'")
found = {"rows": rows, "columns": events.columns, "wrong": events.where("month = '1'").count(),
         "table": spark.table("events").count(), "unmerged": spark.read.parquet("lake").columns}
spark.stop()
""",
}

# Spark listens on this machine only, and works on one core.
SPARK = """
spark.driver.bindAddress 127.0.0.1
spark.driver.host 127.0.0.1
spark.driver.memory 1g
spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
spark.master local[1]
spark.sql.shuffle.partitions 1
spark.ui.enabled false
"""


class Desk:
    """A folder as a reader of docs/use.md has it, with a copy of the lake in `lake`."""

    def __init__(self, folder: Path, lake: Path):
        folder.mkdir()
        self.folder = folder
        (folder / "lake").symlink_to(lake)
        (folder / ".duckdbrc").write_text(".mode json\n")  # the command prints what can be compared
        (folder / "spark-defaults.conf").write_text(SPARK)
        self.environment = os.environ | {
            "HOME": str(folder), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "SPARK_CONF_DIR": str(folder), "SPARK_LOCAL_IP": "127.0.0.1",
        }

    def call(self, command: list[str], **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(command, cwd=self.folder, env=self.environment | environment,
                              capture_output=True, text=True)

    def shell(self, block: str) -> list[dict]:
        """Runs a block of DuckDB's command and returns the rows that it prints."""
        done = self.call(["bash", "-euc", block])
        if done.returncode != 0:
            sys.exit(f"{block}\n{done.stderr}")
        return json.loads(done.stdout)

    def python(self, block: str, probe: str = "found = None", **environment: str) -> subprocess.CompletedProcess:
        """Runs a block of Python and then a probe, whose variable found it prints as the last line."""
        script = f"{block}\nimport json, os\n{probe}\nprint()\nprint(json.dumps(found))\n"
        return self.call([sys.executable, "-W", "ignore", "-c", script], **environment)

    def found(self, block: str, probe: str, **environment: str) -> dict:
        done = self.python(block, probe, **environment)
        if done.returncode != 0:
            sys.exit(f"{block}\n{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])


def changes(holding: str) -> str:
    """The block of docs/changes.md on reading an added field that holds the text."""
    return only("Reading a field that was added", "python", holding)


def differences(got: list, want: list[Row]) -> list:
    """The first rows in which a reader differs from pyarrow reading each file by itself."""
    rows = sorted((Row(*r) for r in got), key=lambda row: row.event_id)
    if len(rows) != len(want):
        return [f"{len(rows)} rows, want {len(want)}"]
    return [pair for pair in zip(rows, want) if pair[0] != pair[1]][:3]


def january(lake: Lake) -> list[tuple]:
    return [(r.event_id, r.category_id, r.amount_as_sent) for r in lake.rows if r.month == "01"]


def printed(rows: list[dict]) -> list[tuple]:
    return sorted((r["event_id"], r["category_id"], r["amount_as_sent"]) for r in rows)


def without_currency(lake: Lake) -> list[Row]:
    return [Row(r.event_id, r.month, r.category_id, r.amount_as_sent, r.has_malformed, None) for r in lake.rows]


def duckdb_rows(desk: Desk, block: str) -> dict:
    """What the documented call of read_parquet sees of the whole lake."""
    [source] = re.findall(r"read_parquet\(.*\)", block)
    source = source.replace("'lake/", f"'{desk.folder}/lake/")
    columns = duckdb.sql(f"SELECT * FROM {source} LIMIT 0").columns
    rows = duckdb.sql(f"SELECT event_id, month, category_id, malformed['amount'], malformed IS NOT NULL, "
                      f"{'currency' if 'currency' in columns else 'NULL'} FROM {source}").fetchall()
    total = duckdb.sql(f"SELECT sum(category_id::DECIMAL(38, 0)) FROM {source}").fetchall()[0][0]
    wrong = duckdb.sql(f"SELECT count(*) FROM {source} WHERE month = '1'").fetchall()[0][0]
    return {"rows": rows, "columns": columns, "wrong": wrong, "total": total}


def check_found(check: Checks, reader: str, found: dict, want: list[Row]) -> None:
    wrong = differences(found["rows"], want)
    check.equal(f"{reader}: every row, its month, its exact category_id and malformed", wrong, [])
    check.equal(f"{reader}: the four keys are columns", [k for k in KEYS if k not in found["columns"]], [])
    check.equal(f"{reader}: month = '1' finds nothing", found["wrong"], 0)


def check_year(check: Checks, desk: Desk, lake: Lake) -> None:
    check.equal("the lake has every month", sorted({r.month for r in lake.rows}), [f"{m:02d}" for m in range(1, 13)])
    block = only(SECTION, "sh", "read_parquet")
    check.equal("DuckDB: the documented command prints January", printed(desk.shell(block)), january(lake))
    found = duckdb_rows(desk, block)
    check_found(check, "DuckDB", found, lake.rows)
    check.equal("DuckDB: the sum of category_id", int(found["total"]), sum(r.category_id or 0 for r in lake.rows))
    for reader, holding in [("pandas", "pandas"), ("pyarrow", "pandas"), ("Polars", "polars")]:
        check_found(check, reader, desk.found(only(SECTION, "python", holding), PROBES[reader]), lake.rows)
    kept = 'import pandas; read = lambda **how: pandas.read_parquet("latest.parquet", **how).category_id'
    newest = next(file for file in reversed(lake.files()) if has_null_id(file))
    (desk.folder / "latest.parquet").symlink_to(newest)
    kinds = desk.found(kept, 'found = [str(read().dtype), str(read(dtype_backend="pyarrow").dtype)]')
    want = ["float64", "int64[pyarrow]"]
    check.equal("pandas: one missing category_id makes float64 without dtype_backend", kinds, want)


def has_null_id(file: Path) -> bool:
    return any(row.category_id is None for row in lakes.read_file(file))


def check_evolved(check: Checks, desk: Desk, lake: Lake) -> None:
    old = without_currency(lake)
    block = only(SECTION, "sh", "read_parquet")
    check.equal("added field, DuckDB: the documented command prints January", printed(desk.shell(block)), january(lake))
    check_found(check, "added field, DuckDB", duckdb_rows(desk, block), lake.rows)
    found = duckdb_rows(desk, block.replace(", union_by_name = true", ""))
    check.equal("added field, DuckDB without union_by_name: not shown", "currency" in found["columns"], False)
    for reader, holding in [("pandas", "pandas"), ("pyarrow", "pandas"), ("Polars", "polars")]:
        block = only(SECTION, "python", holding)
        if reader == "Polars":
            done = desk.python(block, "found = events.collect().height")
            failed = (done.returncode, "extra column" in done.stderr)
            check.equal("added field, Polars without a schema: an error", failed, (1, True))
        else:
            found = desk.found(block, PROBES[reader])
            check_found(check, f"added field, {reader} without a schema, but for currency", found, old)
            check.equal(f"added field, {reader} without a schema: not shown", "currency" in found["columns"], False)
        found = desk.found(block + changes(holding), PROBES[reader])
        check_found(check, f"added field, {reader} with the schema", found, lake.rows)
    home = jdk.home("Spark 4", 17, 25)
    found = desk.found(only(SECTION, "python", "pyspark"), PROBES["Spark"], JAVA_HOME=str(home))
    check_found(check, "added field, Spark", found, lake.rows)
    check.equal("added field, Spark without mergeSchema: not shown", "currency" in found["unmerged"], False)
    check.equal("Spark: a table that was given no partitions is empty", found["table"], 0)


def check_report(check: Checks, desk: Desk, folder: Path) -> None:
    """The command that `pipeline local` prints at its end, for a folder whose name has to be quoted."""
    text = "".join(json.dumps(event) + "\n" for event in lakes.events(9))
    done = subprocess.run([build(), "local", "--events", "-", "--out", folder / "the shop's lake"],
                          cwd=ROOT, input=text, capture_output=True, text=True, check=True)
    [command] = re.findall(r"^  the lake, with DuckDB +(.+)$", done.stdout, re.M)
    check.equal("DuckDB: the command of the report shows five rows", len(desk.shell(command)), 5)


def check_json(check: Checks, desk: Desk) -> None:
    rows = []
    for file in (desk.folder / "lake").glob("**/*.gz"):
        month = re.search(r"/month=([^/]+)/", str(file)).group(1)
        rows += [(month, json.loads(line)) for line in gzip.decompress(file.read_bytes()).splitlines()]
    block = only(SECTION, "sh", "read_json_objects")
    want = sorted((e["event_id"], e.get("category_id"), e.get("malformed", {}).get("amount"))
                  for m, e in rows if m == "01")
    check.equal("JSON, DuckDB: the documented command prints January", printed(desk.shell(block)), want)
    check.equal("JSON, DuckDB: January has rows", len(want) > 0, True)
    [source] = re.findall(r"read_json_objects\(.*\)", block)
    source = source.replace("'lake/", f"'{desk.folder}/lake/")
    got = duckdb.sql(f"SELECT json->>'event_id', json->>'Event_Id', json->'detail'->>'A', json->'detail'->>'a' "
                     f"FROM {source}").fetchall()
    want = [(e["event_id"], e["Event_Id"], e["detail"]["A"], e["detail"]["a"]) for _, e in rows]
    check.equal("JSON, DuckDB: keys that differ only by case are two", sorted(got), sorted(want))


def check_readers(check: Checks, folder: Path, made: Lakes) -> None:
    check_year(check, Desk(folder / "first", made.year.folder), made.year)
    check_evolved(check, Desk(folder / "second", made.evolved.folder), made.evolved)
    desk = Desk(folder / "third", made.json)
    check_json(check, desk)
    check_report(check, desk, folder)
