"""Runs the workgroup's saved queries and the view events_once, as the synthesised template has them, on a real Trino.

Their results have to be those that a reader of source-data computes (replayed.py). The lake has duplicates, events
without an id, and values that do not fit. Queries are for "the last days": a date takes the place of current_date.
"""

import json
import re
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from metastore import add_table, add_view
from replayed import DELAYS, TODAY, Received, Replayed, failures, received, within
from serve import Checks
from trinoserver import Trino

SCHEMA = "saved"


def saved_queries(template: Path) -> dict[str, str]:
    resources = json.loads(template.read_text())["Resources"].values()
    queries = [r["Properties"] for r in resources if r["Type"] == "AWS::Athena::NamedQuery"]
    return {query["Name"]: query["QueryString"] for query in queries}


def database(template: Path) -> str:
    resources = json.loads(template.read_text())["Resources"].values()
    [resource] = [r for r in resources if r["Type"] == "AWS::Glue::Database"]
    return resource["Properties"]["DatabaseInput"]["Name"]


def copies(rows: list[Received], latest: bool) -> list[Received]:
    """Each event once, by its latest or earliest row; rows without an id are no copies."""
    kept: dict[object, Received] = {}
    for row in rows if latest else reversed(rows):
        kept[row.event_id() or object()] = row
    return sorted(kept.values(), key=lambda r: r.arrived)


def happened_since(row: Received, first: date) -> bool:
    at = row.happened()
    return at is None or at >= datetime(first.year, first.month, first.day, tzinfo=UTC)


def per_hour(rows: list[Received]) -> list[list]:
    hours = defaultdict(list)
    for row in rows:
        hours[f"{row.arrived:%Y-%m-%d %H}:00"].append(row.event_id() or object())
    return [[hour, len(set(ids)), len(ids)] for hour, ids in sorted(hours.items())]


def revenue(rows: list[Received], last: date) -> list[list]:
    sums: dict[str, list] = {}
    for row in copies(rows, latest=True):
        if row.event["event_type"] == "purchase" and happened_since(row, last - timedelta(days=29)):
            category = row.event.get("category_code")
            found = sums.setdefault("(none)" if category is None else category, [0, None])
            found[0] += 1
            if row.amount() is not None:
                found[1] = (found[1] or 0) + row.amount()
    return sorted([category, count, total and round(total, 2)] for category, (count, total) in sums.items())


def malformed(rows: list[Received]) -> list[list]:
    fields: Counter[str] = Counter()
    for row in copies(rows, latest=True):
        fields["amount"] += isinstance(row.event.get("amount"), dict)
        fields["category_id"] += row.event.get("category_id") == "none"
    return sorted([field, count] for field, count in fields.items() if count)


def first_arrivals(rows: list[Received]) -> list[list]:
    """Events of each day by their earliest row, and those without a time."""
    days: dict[str, list] = {}
    for row in copies(rows, latest=False):
        found = days.setdefault(f"{row.arrived:%Y-%m-%d}", [0, 0])
        found[0] += 1
        found[1] += row.happened() is None
    return [[day, *counts] for day, counts in sorted(days.items())]


def duplicates(rows: list[Received]) -> list[list]:
    arrived = defaultdict(list)
    for row in rows:
        if row.event_id():
            arrived[row.event_id()].append(f"{row.arrived:%Y-%m-%d %H}:00")
    return sorted([key, len(at), min(at), max(at)] for key, at in arrived.items() if len(at) > 1)


def failed(bucket: Path, last: date) -> list[list]:
    counts = Counter(f for f in failures(bucket) if within(date.fromisoformat(f.failed_on), last, 7))
    return sorted([f.failed_on, f.stream, f.error_type, f.reason, count] for f, count in counts.items())


def check_day(check: Checks, trino: Trino, queries: dict[str, str], bucket: Path, last: date) -> None:
    """Runs every query as on the day. The days around are spoiled: a query that reads them fails."""
    everything = received(bucket)
    rows = {days: [r for r in everything if within(r.arrived.date(), last, days)] for days in (7, 30)}

    def answer(name: str) -> list[list]:
        return trino.query(queries[name].replace("current_date", f"DATE '{last}'"), SCHEMA)

    def equal(name: str, got: list[list], want: list[list]) -> None:
        check.equal(f"saved query {name} on {last}: {len(want)} rows", (got, bool(want)), (want, True))

    equal("events-per-hour", answer("events-per-hour"), per_hour(rows[7]))
    equal("revenue-per-category", sorted(answer("revenue-per-category")), revenue(rows[30], last))
    equal("malformed-values", sorted(row[:2] for row in answer("malformed-values")), malformed(rows[7]))
    got = answer("late-data")
    equal("late-data", [[day, events, without] for day, events, *_, without, _ in got], first_arrivals(rows[7]))
    equal("duplicates", sorted(answer("duplicates")), duplicates(rows[7]))


def check_late_data(check: Checks, trino: Trino, query: str, template: Path, bucket: Path) -> None:
    """The query as it is, over events that have just arrived."""
    trino.query("CREATE SCHEMA today")
    add_table(trino, "events", template, bucket / "transformed-data", "today")
    rows = trino.query(query, "today")  # two, if midnight passes
    got = [sum(counts) for counts in list(zip(*rows))[1:6]]
    delays = [DELAYS[n % len(DELAYS)] for n in range(TODAY)]
    hour, day, none = timedelta(hours=1), timedelta(days=1), timedelta()
    want = [TODAY, sum(d is not None and d > hour for d in delays), sum(d is not None and d > day for d in delays),
            sum(d is not None and d < none for d in delays), delays.count(None)]
    check.equal("saved query late-data, today", got, want)
    most = max(d for d in delays if d).total_seconds()
    check.equal("and the latest", most <= max(row[6] for row in rows) < most + 3600, True)


def check_failures(check: Checks, trino: Trino, query: str, bucket: Path) -> None:
    last = min(date.fromisoformat(f.failed_on) for f in failures(bucket) if f.error_type == "processing-failed")
    got = trino.query(query.replace("current_date", f"DATE '{last}'"), SCHEMA)
    want = failed(bucket, last)
    check.equal(f"saved query failures-by-reason on {last}", sorted(row[:5] for row in got), want)
    kinds = {(stream, error_type) for _, stream, error_type, _, _ in want}
    check.equal("it counts failures of the transform, of the conversion and of OpenSearch", kinds, {
        ("lake", "processing-failed"), ("search", "processing-failed"), ("lake", "format-conversion-failed"),
        ("search", "AmazonOpenSearchService-failed")})


def spoil_other_days(lake: Path, last: date) -> None:
    """Puts objects that are not Parquet into the days around the 30 that end on the day."""
    for day in (last - timedelta(days=30), last + timedelta(days=1)):
        folder = lake / f"year={day:%Y}" / f"month={day:%m}" / f"day={day:%d}" / "hour=12"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "spoiled.parquet").write_text("this object is not Parquet\n" * 10)


def total(rows: list[Received]) -> float:
    return round(sum(row.amount() or 0 for row in rows), 6)


def once(rows: list[Received]) -> list[list]:
    """What the view has to show: each event once, those without an id all."""
    return [[r.event_id() or "", r.amount(), r.event["event_type"]] for r in rows]


def check_view(check: Checks, trino: Trino, template: Path, queries: dict[str, str], bucket: Path) -> None:
    """The view of the template, and then the one that its saved query makes in its place."""
    schema = database(template)
    trino.query(f"CREATE SCHEMA {schema}")
    past = bucket.parent / "past"  # a year earlier: the view leaves out years to come
    past.mkdir()
    for year in (bucket / "transformed-data").iterdir():
        (past / f"year={int(year.name[5:]) - 1}").symlink_to(year)
    add_table(trino, "events", template, past, schema)
    add_view(trino, "events_once", template, schema)
    rows = received(bucket)
    want = copies(rows, latest=True)
    found = len(rows) > len(want) + 40, total(want) > total(copies(rows, latest=False))
    check.equal("the lake has duplicates, and later rows with another amount", found, (True, True))
    columns = [row[0] for row in trino.query("DESCRIBE events_once", schema)]
    check.equal("events_once has the columns of the table", columns,
                [row[0] for row in trino.query("DESCRIBE events", schema)])
    got = trino.query("SELECT coalesce(event_id, ''), amount, event_type, count(*) OVER (), sum(amount) OVER () "
                      "FROM events_once", schema)
    wrong = first_difference([row[:3] for row in got], once(want))
    check.equal("events_once: each event once, the latest row", wrong, None)
    sums = {(count, round(amount, 6)) for *_, count, amount in got}
    check.equal("and its count and sum", sums, {(len(want), total(want))})
    before = trino.query("SHOW CREATE VIEW events_once", schema)
    trino.query(queries["create-view-events_once"], schema)
    after = trino.query("SHOW CREATE VIEW events_once", schema)
    check.equal("the saved query makes the same view", without_security(after), without_security(before))
    valid = trino.query("EXPLAIN (TYPE VALIDATE) SELECT * FROM events_once", schema)
    check.equal("and it is valid", valid, [[True]])


def without_security(shown: list[list]) -> str:
    """The statement without the clause that Trino adds for the owner of a view."""
    return re.sub(r"\bSECURITY \w+\s+", "", shown[0][0])


def first_difference(got: list[list], want: list[list]) -> tuple | None:
    key = repr
    got, want = sorted(got, key=key), sorted(want, key=key)
    if len(got) != len(want):
        return f"{len(got)} rows", f"want {len(want)}"
    return next((pair for pair in zip(got, want) if pair[0] != pair[1]), None)


def check_saved_queries(check: Checks, trino: Trino, template: Path, made: Replayed) -> None:
    queries, bucket = saved_queries(template), made.year
    check.equal("the saved queries of the shop", sorted(queries), [
        "create-view-events_once", "duplicates", "events-per-hour", "failures-by-reason", "late-data",
        "malformed-values", "revenue-per-category"])
    trino.query(f"CREATE SCHEMA {SCHEMA}")
    lake = bucket / "transformed-data"
    add_table(trino, "events", template, lake, SCHEMA)
    add_table(trino, "failures", template, bucket / "error-data", SCHEMA, of="failures")
    check_view(check, trino, template, queries, bucket)
    check_failures(check, trino, queries["failures-by-reason"], bucket)
    days = sorted({row.arrived.date() for row in received(bucket)})
    last = days[len(days) // 4]
    spoil_other_days(lake, last)
    check_day(check, trino, queries, bucket, last)
    check_late_data(check, trino, queries["late-data"], template, made.today)
