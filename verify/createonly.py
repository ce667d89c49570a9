"""Writes which properties CloudFormation cannot change in place, for the resource types named as arguments.

The source is CloudFormation's own resource schemas, as cfn-lint ships them. The output is
constructs/testdata/create-only.json, which `go test` holds against docs/changes.md.
"""

import json
import sys

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER


def create_only(resource_type: str) -> list[str]:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema
    pointers = schema.get("createOnlyProperties", []) + schema.get("conditionalCreateOnlyProperties", [])
    return sorted({pointer.removeprefix("/properties/").replace("/", ".") for pointer in pointers})


def main(types: list[str]) -> None:
    if not types:
        sys.exit("usage: createonly.py AWS::Service::Type...")
    json.dump({t: create_only(t) for t in sorted(set(types))}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main(sys.argv[1:])
