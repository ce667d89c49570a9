"""Checks docs/use.md's queries for Athena, and its table for Trino, on a real Trino over lakes of `pipeline local`.

The tables are the Glue tables of the synthesised templates, with all columns, keys and parameters; only the location is
another.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet

import lakes
import trinoserver
from lakes import Lake, Lakes
from readers import differences, january, without_currency
from pages import only
from serve import Checks
from trinoserver import QueryError, Trino

# Trino's names of the formats for which a table in Hive's catalog has three classes.
STORAGE = {
    ("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
     "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
     "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"): "PARQUET",
    ("org.openx.data.jsonserde.JsonSerDe",
     "org.apache.hadoop.mapred.TextInputFormat",
     "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"): "OPENX_JSON",
}

# Times as far from UTC as Trino knows them.
LARGEST_OFFSET = timedelta(hours=14)


def text(value: str | dict, bucket: str) -> str:
    """A string of the template, the bucket's name in it resolved."""
    if isinstance(value, str):
        return value
    separator, parts = value["Fn::Join"]
    return separator.join(part if isinstance(part, str) else bucket for part in parts)


def metastore_table(template: Path, location: str) -> dict:
    """The template's Glue table as a file of Trino's file metastore, with another location."""
    [table] = [r for r in json.loads(template.read_text())["Resources"].values() if r["Type"] == "AWS::Glue::Table"]
    table = table["Properties"]["TableInput"]
    storage = table["StorageDescriptor"]
    serde = storage["SerdeInfo"]
    own = text(storage["Location"], "bucket")

    def columns(of: list[dict]) -> list[dict]:
        return [{"name": c["Name"], "type": c["Type"], "comment": c["Comment"], "properties": {}} for c in of]

    parameters = {name: text(value, "bucket") for name, value in table["Parameters"].items()}
    if not parameters["storage.location.template"].startswith(own):
        sys.exit(f"storage.location.template: must begin with {own} (got {parameters['storage.location.template']})")
    parameters["storage.location.template"] = location + parameters["storage.location.template"].removeprefix(own)
    return {
        "writerVersion": trinoserver.VERSION,
        "owner": "verify",
        "tableType": table["TableType"],
        "dataColumns": columns(storage["Columns"]),
        "partitionColumns": columns(table["PartitionKeys"]),
        "parameters": parameters,
        "storageFormat": STORAGE[serde["SerializationLibrary"], storage["InputFormat"], storage["OutputFormat"]],
        "serdeParameters": serde["Parameters"],
        "externalLocation": location,
        "columnStatistics": {},
    }


def add_table(trino: Trino, name: str, template: Path, lake: Path) -> None:
    (trino.root / name).symlink_to(lake)
    folder = trino.root / "metastore" / "verify" / name
    folder.mkdir(parents=True)
    (folder / ".trinoSchema").write_text(json.dumps(metastore_table(template, f"local:///{name}/")))


def years(lake: Path) -> str:
    """Names all years of a lake, so that a query does not list the other years' hours."""
    return "year IN (" + ", ".join(f"'{folder.name.removeprefix('year=')}'" for folder in lake.iterdir()) + ")"


def values(lake: Path, pattern: str) -> list[dict]:
    """The rows of the files that match, as pyarrow reads each by itself."""
    return [row for file in lake.glob(pattern) for row in pyarrow.parquet.ParquetFile(file).read().to_pylist()]


def fails_with(trino: Trino, sql: str) -> str:
    try:
        return f"{len(trino.query(sql))} rows"
    except QueryError as e:
        return str(e)


def athena_sql(table: str, day: str) -> str:
    """The query that the documented commands send to Athena on the day, made by a shell."""
    [statement] = re.findall(r'^sql=".*?"$', only("Athena", "sh", "start-query-execution"), re.M | re.S)
    script = f'output() {{ echo {table}; }}\ndate() {{ command date -d {day} "$@"; }}\n{statement}\nprintf %s "$sql"'
    return subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True).stdout


def check_queries(check: Checks, trino: Trino, lake: Lake) -> None:
    """Athena's, on the table of the template."""
    day = values(lake.folder, "year=2026/month=01/day=31/**/*.parquet")
    amounts = defaultdict(list)
    for row in day:
        amounts[row["event_type"]].append(row["amount"])
    got = sorted((kind, events, average and round(average, 6))
                 for kind, events, average in trino.query(athena_sql("events", "2026-01-31")))
    check.equal("the documented query for Athena", got, sorted(summed(amounts)))

    block = only("Athena", "sql")
    check.equal("the documented query with element_at and try_cast", answered(trino.query(block)), wanted(day))
    within = years(lake.folder)
    every = re.sub(r"WHERE .*", f"WHERE {within}", block)
    rows = values(lake.folder, "**/*.parquet")
    check.equal("the same for every row", first(answered(trino.query(every)), wanted(rows)), [])
    known = sum(row["timestamp"] is not None for row in rows)
    got = trino.query(f"SELECT count(from_iso8601_timestamp(timestamp)) FROM events WHERE {within}")
    check.equal("no timestamp of the lake fails from_iso8601_timestamp, which try() does not catch", got, [[known]])

    got = fails_with(trino, f"SELECT malformed['amount'] FROM events WHERE {within}")
    check.equal("malformed['amount'] fails where the map lacks the key", "Key not present in map: amount" in got, True)
    months = [trino.query(f"SELECT count(*) FROM events WHERE year = '2026' AND month = '{month}'")
              for month in ("01", "1")]
    want = len(values(lake.folder, "year=2026/month=01/**/*.parquet"))
    check.equal("month = '01' is January, month = '1' finds nothing", months, [[[want]], [[0]]])
    got = trino.query(f"SELECT count(*), CAST(sum(CAST(category_id AS decimal(38, 0))) AS varchar) "
                      f"FROM events WHERE {within}")
    total = sum(row.category_id or 0 for row in lake.rows)
    check.equal("all rows, and the sum of category_id", got, [[len(lake.rows), str(total)]])


def summed(amounts: dict[str, list]) -> list[tuple]:
    for kind, found in amounts.items():
        known = [amount for amount in found if amount is not None]
        yield kind, len(found), round(sum(known) / len(known), 6) if known else None


def answered(rows: list[list]) -> list[tuple]:
    """Rows of the documented second query, with instants in place of texts."""
    return sorted((event_id, amount, instant(happened)) for event_id, amount, happened in rows)


def instant(happened: str | None) -> datetime | None:
    """A timestamp with time zone as Trino writes it, `2026-01-31 12:00:00.000 +14:00` or `… UTC`."""
    return happened and datetime.fromisoformat(re.sub(r" (\S+)$", r"\1", happened.replace("UTC", "+00:00")))


def wanted(rows: list[dict]) -> list[tuple]:
    return sorted((row["event_id"], dict(row["malformed"] or []).get("amount"), happened(row["timestamp"]))
                  for row in rows)


def happened(timestamp: str | None) -> datetime | None:
    at = timestamp and datetime.fromisoformat(timestamp)
    return None if not at or abs(at.utcoffset()) > LARGEST_OFFSET else at


def first(got: list, want: list) -> list:
    if len(got) != len(want):
        return [f"{len(got)} rows, want {len(want)}"]
    return [pair for pair in zip(got, want) if pair[0] != pair[1]][:3]


def check_added_field(check: Checks, trino: Trino, lake: Lake) -> None:
    columns = "event_id, month, category_id, element_at(malformed, 'amount'), malformed IS NOT NULL"
    got = trino.query(f"SELECT {columns}, currency FROM added WHERE {years(lake.folder)}")
    check.equal("added field: null for old objects", differences(got, lake.rows), [])
    got = trino.query(f"SELECT {columns}, CAST(NULL AS varchar) FROM notadded WHERE {years(lake.folder)}")
    check.equal("a table without the field reads objects that have it", differences(got, without_currency(lake)), [])


def check_own_table(check: Checks, trino: Trino, lake: Lake) -> None:
    """The table that docs/use.md has Trino make where it has no Glue catalog."""
    trino.query("CREATE SCHEMA own")
    statement = only("Other readers", "sql", "CREATE TABLE")
    trino.query(statement.replace("s3://BUCKET/transformed-data/", "local:///events/"), "own")
    rows = values(lake.folder, "year=2026/month=01/day=31/**/*.parquet")
    got = answered(trino.query(only("Athena", "sql"), "own"))
    check.equal("the documented table for Trino: the query for Athena", got, wanted(rows))
    got = trino.query("SELECT event_id, category_id, element_at(malformed, 'amount') "
                      "FROM events WHERE month = '01'", "own")
    check.equal("the documented table for Trino: January", sorted(map(tuple, got)), january(lake))


def check_json(check: Checks, trino: Trino, lake: Path) -> None:
    got = trino.query(f"SELECT event_id, element_at(malformed, 'amount') FROM jsonlake WHERE {years(lake)}")
    want = [(e["event_id"], json.dumps(e["amount"], separators=(",", ":")) if isinstance(e["amount"], dict) else None)
            for e in lakes.events(lakes.JSON_EVENTS)]
    check.equal("JSON: every row, and Event_Id is not event_id", first(sorted(map(tuple, got)), want), [])


def check_trino(check: Checks, made: Lakes) -> None:
    with trinoserver.start() as trino:
        trino.query("CREATE SCHEMA verify")
        add_table(trino, "events", made.template, made.year.folder)
        add_table(trino, "added", made.evolved_template, made.evolved.folder)
        add_table(trino, "notadded", made.template, made.evolved.folder)
        add_table(trino, "jsonlake", made.json_template, made.json)
        check_queries(check, trino, made.year)
        check_added_field(check, trino, made.evolved)
        check_own_table(check, trino, made.year)
        check_json(check, trino, made.json)
