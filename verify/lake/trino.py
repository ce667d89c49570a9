"""Checks docs/use.md's queries for Athena and its table for Trino, and the saved queries, on a real Trino.

The lakes are written by `pipeline local`. The tables are the Glue tables of the synthesised templates, with all columns,
keys and parameters; only the location is another.
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
from metastore import add_table
from pages import only
from samples import Sample, check_samples_on_trino
from savedqueries import check_saved_queries
from serve import Checks
from trinoserver import QueryError, Trino

# Times as far from UTC as Trino knows them.
LARGEST_OFFSET = timedelta(hours=14)


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

    block = only("Malformed values and times", "sql")
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
    trino.query(statement.replace("s3://BUCKET/transformed-data/", "local:///verify/events/"), "own")
    rows = values(lake.folder, "year=2026/month=01/day=31/**/*.parquet")
    got = answered(trino.query(only("Malformed values and times", "sql"), "own"))
    check.equal("the documented table for Trino: the query for Athena", got, wanted(rows))
    got = trino.query("SELECT event_id, category_id, element_at(malformed, 'amount') "
                      "FROM events WHERE month = '01'", "own")
    check.equal("the documented table for Trino: January", sorted(map(tuple, got)), january(lake))


def check_json(check: Checks, trino: Trino, lake: Path) -> None:
    got = trino.query(f"SELECT event_id, element_at(malformed, 'amount') FROM jsonlake WHERE {years(lake)}")
    want = [(e["event_id"], json.dumps(e["amount"], separators=(",", ":")) if isinstance(e["amount"], dict) else None)
            for e in lakes.events(lakes.JSON_EVENTS)]
    check.equal("JSON: every row, and Event_Id is not event_id", first(sorted(map(tuple, got)), want), [])


def check_trino(check: Checks, made: Lakes, sampled: list[Sample]) -> None:
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
        check_saved_queries(check, trino, made.template, made.replayed)
        check_samples_on_trino(check, trino, sampled)
