"""What the lake has to hold of the events of a sample, by the rules of docs/event-schema.md.

It reads the schema as JSON and shares no code with the project. It knows the rules that the samples need, and fails on
others: an event whose value does not fit is an error of this file, since the samples have none.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

SCALARS = {"string": "string", "number": "double", "integer": "bigint", "boolean": "boolean"}
DROPPED = "heartbeat"  # the default of dropEventTypes
HASH = re.compile(r"hmac-sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Hash:
    """A keyed hash of the text: which one, is not known here."""

    text: str


@dataclass(frozen=True)
class Instant:
    """Any text in RFC 3339 of the instant."""

    at: datetime


class Processed:
    """Any time of the transform: RFC 3339 in UTC with milliseconds."""

    form = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def column(key: str) -> str:
    """The name of the column, as docs/event-schema.md derives it."""
    if re.fullmatch("[a-z][a-z0-9_]*", key):
        return key
    words = re.sub("[^A-Za-z0-9]+", "_", key).strip("_")
    words = re.sub("([a-z0-9])([A-Z])", r"\1_\2", words)
    return re.sub("([A-Z])([A-Z][a-z])", r"\1_\2", words).lower()


@dataclass
class Kind:
    """A property of the schema, with its reference resolved."""

    schema: dict
    name: str  # of the column
    key: str
    root: dict  # the whole schema

    def of(self) -> str:
        kinds = self.schema.get("type", [])
        [kind] = [kind for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind != "null"]
        if kind == "string" and self.schema.get("format") in ("date", "date-time"):
            return self.schema["format"]
        if kind == "object" and "properties" not in self.schema:
            return "map"
        return kind

    def protect(self) -> str | None:
        return self.schema.get("x-protect")

    def hive(self) -> str:
        if self.protect():
            return "string"
        match self.of():
            case "date-time":
                return "string"
            case "date":
                return "date"
            case "object":
                return "struct<" + ",".join(f"{k.name}:{k.hive()}" for k in kinds(self.schema, self.root)) + ">"
            case "map":
                return f"map<string,{self.inner('additionalProperties').hive()}>"
            case "array":
                return f"array<{self.inner('items').hive()}>"
            case kind:
                return SCALARS[kind]

    def inner(self, keyword: str) -> "Kind":
        return Kind(resolve(self.schema[keyword], self.root), "", "", self.root)


def resolve(schema: dict, root: dict) -> dict:
    if "$ref" in schema:
        beside = {keyword: v for keyword, v in schema.items() if keyword != "$ref"}
        return root["$defs"][schema["$ref"].removeprefix("#/$defs/")] | beside
    return schema


def kinds(schema: dict, root: dict) -> list[Kind]:
    """The properties that have a column."""
    found = []
    for key, of in schema["properties"].items():
        of = resolve(of, root)
        typed = "properties" in of or "additionalProperties" in of or of.get("type") != "object"
        if typed and of.get("x-protect") != "drop":
            found.append(Kind(of, of.get("x-column", column(key)), key, root))
    return found


def value(kind: Kind, sent: object) -> object:
    """What the column holds of a value."""
    if sent is None:
        return None
    if kind.protect() == "redact":
        return "REDACTED"
    if kind.protect() == "hash":
        return Hash(str(sent))
    match kind.of():
        case "object":
            return {k.name: value(k, sent.get(k.key)) for k in kinds(kind.schema, kind.root)}
        case "map":
            return {key: value(kind.inner("additionalProperties"), v) for key, v in sent.items()}
        case "array":
            return [value(kind.inner("items"), v) for v in sent]
        case "date":
            return date.fromisoformat(sent)
        case "date-time":
            if isinstance(sent, int):
                return Instant(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=sent))
            return sent
        case "number":
            return float(sent)
        case "boolean" if isinstance(sent, str):
            return {"true": True, "false": False}[sent]
        case of:
            if not isinstance(sent, {"string": str, "integer": int, "boolean": bool}[of]):
                raise TypeError(f"{kind.key}: {sent!r} is not of the type {of}")
            return sent


def look_up(event: dict, path: str) -> tuple[bool, object]:
    """Whether the event has the field, and its value."""
    at: object = event
    for key in path[1:].split("/") if path.startswith("/") else [path]:
        if not isinstance(at, dict) or key not in at:
            return False, None
        at = at[key]
    return True, at


def enriched(entry: dict, event: dict) -> object:
    """What a field of x-enrich holds."""
    [rule] = set(entry) - {"name", "description", "type"}
    of = entry[rule]
    if rule == "processedAt":
        return Processed()
    if rule in ("status", "constant"):
        return of["complete"] if rule == "status" else of
    if rule == "score":
        weights = of["weights"]
        present = sum(w for path, w in weights.items() if look_up(event, path)[1] not in (None, ""))
        return round(100 * present / sum(weights.values()), 2)
    has, sent = look_up(event, of["field"])
    if rule == "presence":
        present = sent is not None and sent != ""
        return of.get("present" if present else "absent", None if "present" in of or "absent" in of else present)
    if not has:
        return of.get("absent")
    if rule == "truth":
        truth = sent not in ("", None, False, 0, {}, [])
        return of["true" if truth else "false"] if "true" in of else truth
    if rule == "bands":
        if sent is None:
            return of.get("invalid")
        fitting = [b["value"] for b in of["bands"] if (sent >= b["from"] if "from" in b else sent > b["above"])]
        return fitting[0] if fitting else of.get("otherwise")
    return next((name for name, members in of["sets"].items() if sent in members), of.get("otherwise"))


@dataclass
class Expectation:
    schema: dict
    rows: dict[str, dict]  # by the event's id

    @classmethod
    def read(cls, folder: Path) -> "Expectation":
        schema = json.loads((folder / "event-schema.json").read_text())
        rows = {}
        for line in (folder / "events.ndjson").read_text().splitlines():
            event = json.loads(line)
            if event.get(schema["x-event-type"]) == DROPPED:
                continue
            row = {kind.name: value(kind, event.get(kind.key)) for kind in kinds(schema, schema)}
            row |= {entry["name"]: enriched(entry, event) for entry in schema["x-enrich"]} | {"malformed": None}
            rows[event[schema["x-event-id"]]] = row
        return cls(schema, rows)

    def columns(self) -> list[tuple[str, str]]:
        declared = [(kind.name, kind.hive()) for kind in kinds(self.schema, self.schema)]
        added = [(entry["name"], enriched_type(entry)) for entry in self.schema["x-enrich"]]
        return declared + added + [("malformed", "map<string,string>")]

    def id_column(self) -> str:
        return next(k.name for k in kinds(self.schema, self.schema) if k.key == self.schema["x-event-id"])


def enriched_type(entry: dict) -> str:
    if "score" in entry:
        return "double"
    if "constant" in entry:
        return {str: "string", bool: "boolean", int: "bigint", float: "double"}[type(entry["constant"])]
    if "presence" in entry:
        return "string" if {"present", "absent"} & set(entry["presence"]) else "boolean"
    if "truth" in entry:
        return "string" if {"true", "false"} & set(entry["truth"]) else "boolean"
    return "string"


class Comparison:
    """Compares rows of a reader with the expectation, whatever form the reader gives maps, rows and dates."""

    def __init__(self, expected: Expectation):
        self.expected = expected
        self.values = 0
        self.texts: dict[str, str] = {}  # by hash
        self.hashes: dict[str, str] = {}  # by text

    def differences(self, rows: list[dict]) -> list:
        key = self.expected.id_column()
        got = {row[key]: row for row in rows}
        if len(rows) != len(got) or set(got) != set(self.expected.rows):
            return [f"{len(rows)} rows of {len(got)} events, want {len(self.expected.rows)}"]
        return [(event, name, got[event][name], want) for event, row in self.expected.rows.items()
                for name, want in row.items() if not self.equal(got[event][name], want)][:3]

    def equal(self, got: object, want: object) -> bool:
        self.values += 1
        match want:
            case Processed():
                return isinstance(got, str) and bool(Processed.form.fullmatch(got))
            case Hash():
                known = self.texts.setdefault(got, want.text) == want.text
                return bool(HASH.fullmatch(got)) and known and self.hashes.setdefault(want.text, got) == got
            case Instant():
                return datetime.fromisoformat(got) == want.at
            case dict():
                got = self.members(got, want)
                return got is not None and got.keys() == want.keys() and all(self.equal(got[k], want[k]) for k in want)
            case list():
                return isinstance(got, list) and len(got) == len(want) and all(map(self.equal, got, want))
            case date():
                return str(got) == str(want)
        return type(got) is type(want) and got == want

    def members(self, got: object, want: dict) -> dict | None:
        """A struct or a map as a dict: pyarrow has maps as pairs, Polars may, and Trino has rows as lists."""
        if isinstance(got, dict) or got is None:
            return got
        if all(isinstance(pair, dict) and pair.keys() == {"key", "value"} for pair in got):
            return {pair["key"]: pair["value"] for pair in got}
        if all(isinstance(pair, tuple) and len(pair) == 2 for pair in got):
            return dict(got)
        return dict(zip(want, got)) if len(got) == len(want) else None
