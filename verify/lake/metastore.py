"""Puts the tables and views of synthesised templates into the file metastore of a Trino.

Columns, keys, texts and parameters are the template's; only the location is another.
"""

import json
import sys
from pathlib import Path

import lakes
import trinoserver
from trinoserver import Trino

# Trino's names of the formats for which a table in Hive's catalog has three classes.
STORAGE = {
    ("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
     "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
     "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"): "PARQUET",
    ("org.openx.data.jsonserde.JsonSerDe",
     "org.apache.hadoop.mapred.TextInputFormat",
     "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"): "OPENX_JSON",
}


def text(value: str | dict, bucket: str) -> str:
    """A string of the template, the bucket's name in it resolved."""
    if isinstance(value, str):
        return value
    separator, parts = value["Fn::Join"]
    return separator.join(part if isinstance(part, str) else bucket for part in parts)


def metastore_table(template: Path, location: str, name: str = "events") -> dict:
    """The template's Glue table as a file of Trino's file metastore, with another location."""
    table = lakes.glue_table(template, name)
    storage = table["StorageDescriptor"]
    serde = storage["SerdeInfo"]
    own = text(storage["Location"], "bucket")

    def columns(of: list[dict]) -> list[dict]:
        return [{"name": c["Name"], "type": c["Type"], "comment": c.get("Comment"), "properties": {}} for c in of]

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


def metastore_view(template: Path, name: str) -> dict:
    """The template's view as a file of Trino's file metastore: its texts and parameters are those of the template.

    As for a table in Glue, a description takes the place of the parameter comment, by which Trino knows a view.
    """
    view = lakes.glue_table(template, name)
    columns = view["StorageDescriptor"]["Columns"]
    comment = {"comment": view["Description"]} if "Description" in view else {}
    return {
        "writerVersion": trinoserver.VERSION,
        "tableType": view["TableType"],
        "dataColumns": [{"name": c["Name"], "type": c["Type"], "properties": {}} for c in columns],
        "partitionColumns": [],
        "parameters": view["Parameters"] | comment,
        "serdeParameters": {},
        "viewOriginalText": view["ViewOriginalText"],
        "viewExpandedText": view["ViewExpandedText"],
        "columnStatistics": {},
    }


def add_table(trino: Trino, name: str, template: Path, lake: Path, schema: str = "verify", of: str = "events") -> None:
    """Adds the template's table `of`, under the name, over the folder."""
    place = trino.root / schema / name
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(lake)
    write_metadata(trino, schema, name, metastore_table(template, f"local:///{schema}/{name}/", of))


def write_metadata(trino: Trino, schema: str, name: str, table: dict) -> None:
    folder = trino.root / "metastore" / schema / name
    folder.mkdir(parents=True)
    (folder / ".trinoSchema").write_text(json.dumps(table))


def add_view(trino: Trino, name: str, template: Path, schema: str) -> None:
    write_metadata(trino, schema, name, metastore_view(template, name))
