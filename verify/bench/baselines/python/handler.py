"""The transform's rules as a Python function would have them: the json module, one dict an event.

`make bench` compares the transform with it. It is written to be read and without tricks, but not carelessly: the decoder
and the encoder are made once, and so is the time. It differs from the Go transform where the json module does: numbers
pass through int and float, so that their text may change (1.50 becomes 1.5), escapes are normalised, a repeated key keeps
its first place, and the answer has no bound.
"""

import base64
import binascii
import json
import math
import os
import re
from datetime import datetime, timezone

STREAM = os.environ.get("STREAM", "lake")
DROP_EVENT_TYPES = frozenset(json.loads(os.environ.get("DROP_EVENT_TYPES") or "[]"))

# The declared fields.
TYPES = {
    "event_id": "string",
    "user_id": "string",
    "event_type": "string",
    "amount": "double",
    "product_id": "string",
    "timestamp": "timestamp",
    "session_id": "string",
    "category_id": "bigint",
    "category_code": "string",
    "brand": "string",
}
WEIGHTS = {"event_id": 1, "event_type": 1, "timestamp": 1, "user_id": 0.5, "amount": 0.5, "product_id": 0.5}
ALL_WEIGHTS = sum(WEIGHTS.values())
COMMERCE = frozenset(["purchase", "add_to_cart", "remove_from_cart", "cart", "checkout"])
ENGAGEMENT = frozenset(["view", "click", "scroll", "hover", "search"])
ADDED = ["processed_timestamp", "processing_status", "user_category", "amount_category", "amount_tier", "event_category",
         "data_quality_score"]

NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")
SPACE = re.compile(r"[ \t\r\n]*")


def refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


decode = json.JSONDecoder(parse_constant=refuse_constant).raw_decode
encode = json.JSONEncoder(separators=(",", ":")).encode


def lambda_handler(event, context):
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"records": [transform(record, now) for record in event["records"]]}


def transform(record, now):
    try:
        written = enrich_record(base64.b64decode(record["data"], validate=True).decode("utf-8"), now)
    except (ValueError, RecursionError, binascii.Error):  # no base64, no UTF-8, no JSON, nested too deep
        return {"recordId": record["recordId"], "result": "ProcessingFailed"}
    if not written:
        return {"recordId": record["recordId"], "result": "Dropped"}
    data = base64.b64encode("".join(written).encode("utf-8")).decode("ascii")
    return {"recordId": record["recordId"], "result": "Ok", "data": data}


def enrich_record(text, now):
    """Returns what the objects of a record become; raises ValueError when one of them is bad."""
    end = "\n" if STREAM == "lake" else ""
    written, objects = [], 0
    at = SPACE.match(text).end()
    while at < len(text):
        event, at = decode(text, at)
        if not isinstance(event, dict):
            raise ValueError("not an object")
        objects += 1
        if objects > 1 and STREAM != "lake":
            raise ValueError("more than one object")
        at = SPACE.match(text, at).end()
        if (event := enrich(event, now)) is not None:
            written.append(encode(event) + end)
    if objects == 0:
        raise ValueError("empty record")
    return written


def enrich(event, now):
    """Conforms the declared fields and adds what the rules say; None when the event is to be dropped."""
    sent = {name: event[name] for name in ("user_id", "amount", "event_type") if name in event}
    malformed = event.pop("malformed", None)
    if malformed is None:
        malformed = {}
    elif isinstance(malformed, dict):
        malformed = {key: value if value is None else as_text(value) for key, value in malformed.items()}
    else:
        malformed = {"malformed": as_text(malformed)}
    for name, kind in TYPES.items():
        if event.get(name) is None:
            continue
        ok, value = conform(kind, event[name])
        if ok:
            event[name] = value
        else:
            malformed[name] = as_text(event.pop(name))
    if event.get("event_type") in DROP_EVENT_TYPES:
        return None
    for name in ADDED:
        event.pop(name, None)

    event["processed_timestamp"] = now
    event["processing_status"] = "PARTIAL" if malformed else "SUCCESS"
    if "user_id" in sent:
        event["user_category"] = "registered" if sent["user_id"] else "guest"
    if "amount" in sent:
        amount = event.get("amount")
        if amount is None:
            event["amount_category"] = event["amount_tier"] = "unknown"
        else:
            event["amount_category"] = "high" if amount > 100 else "low"
            event["amount_tier"] = "premium" if amount > 500 else "standard" if amount > 100 else "basic"
    if "event_type" in sent:
        event_type = event.get("event_type")
        category = "commerce" if event_type in COMMERCE else "engagement" if event_type in ENGAGEMENT else "other"
        event["event_category"] = category
    present = sum(weight for name, weight in WEIGHTS.items() if is_present(event.get(name)))
    event["data_quality_score"] = round(100 * present / ALL_WEIGHTS, 2)
    if malformed:
        event["malformed"] = malformed
    return event


def conform(kind, value):
    """Returns whether the value can be kept or converted, and the value in its declared type."""
    if kind == "string":
        if isinstance(value, str):
            return True, value
        if isinstance(value, (bool, int, float)):
            return True, encode(value)
    elif kind == "double":
        if isinstance(value, str):
            value = value.strip()
            if not NUMBER.fullmatch(value):
                return False, None
            value = float(value)
        if not isinstance(value, bool) and isinstance(value, (int, float)) and is_finite(value):
            return True, value
    elif kind == "bigint":
        if isinstance(value, str) and INTEGER.fullmatch(value):
            value = int(value)
        if not isinstance(value, bool) and isinstance(value, int) and -(2**63) <= value < 2**63:
            return True, value
    elif kind == "timestamp":
        return isinstance(value, str) and is_timestamp(value), value
    return False, None


def is_finite(number):
    try:
        return math.isfinite(number)
    except OverflowError:  # an int above all floats
        return False


def is_timestamp(text):
    if not RFC3339.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_present(value):
    return value is not None and not (isinstance(value, str) and not value.strip())


def as_text(value):
    return value if isinstance(value, str) else encode(value)
