#!/usr/bin/env bash
# DuckDB 2.0.1: the type of a key in a path (month=10) follows the values that happen to be there. One folder more, month=01,
# makes BIGINT a VARCHAR, and queries that ran the day before fail: comparisons with < and >, BETWEEN, functions of numbers.
# Equality goes on working. hive_types_autocast=false gives VARCHAR always.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1
venv/bin/python - <<'EOF'
import os, sys
import duckdb

LAKE = "'lake/**/*.parquet'"

def add(month):
    os.makedirs(f"lake/month={month}")
    duckdb.sql(f"COPY (SELECT {int(month)} AS n) TO 'lake/month={month}/a.parquet'")

def seen():
    def answer(sql):
        try:
            return duckdb.sql(sql).fetchall()
        except duckdb.Error as e:
            return type(e).__name__
    return [answer(f"SELECT DISTINCT typeof(month) FROM {LAKE}"),
            answer(f"SELECT count(*) FROM {LAKE} WHERE month > 2"),
            answer(f"SELECT count(*) FROM {LAKE} WHERE month BETWEEN 10 AND 12"),
            answer(f"SELECT max(make_date(2026, month, 1))::VARCHAR FROM {LAKE}"),
            answer(f"SELECT count(*) FROM {LAKE} WHERE month = 10")]

print("DuckDB", duckdb.__version__)
print("columns: type of month, month > 2, BETWEEN, make_date, month = 10")
for month in ("10", "11"):
    add(month)
before = seen()
print("10 and 11:   ", before)
add("01")
after = seen()
print("01 as well:  ", after)
want = ([[("BIGINT",)], [(2,)], [(2,)], [("2026-11-01",)], [(1,)]],
        [[("VARCHAR",)], "BinderException", "BinderException", "BinderException", [(1,)]])
sys.exit("the behaviour has changed" if (before, after) != want else 0)
EOF
