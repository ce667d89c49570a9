"""Prints the files for cfn-lint, of templates of one stack: together they have every distinct resource of all templates.

    cover.py FOLDER TEMPLATE...

cfn-lint needs seconds for a whole template, and most resources are the same in many. The templates with the most resources that no
earlier one has are linted whole. Of one that adds at most FEW a copy in FOLDER has these, and all that they refer to. Dashboards
do not count: each has one of its own, of one property. What holds between other resources is checked in every whole template by
the CDK's validator.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

FEW = 4


def resources(template: dict) -> set[tuple[str, str]]:
    return {(name, json.dumps({**resource, "Metadata": None}, sort_keys=True)) for name, resource in template["Resources"].items()
            if resource["Type"] != "AWS::CloudWatch::Dashboard"}


def references(value) -> Iterator[str]:
    """Yields the names that a part of a template refers to: resources, parameters, conditions and mappings."""
    if isinstance(value, list):
        for each in value:
            yield from references(each)
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        if key in ("Ref", "Condition") and isinstance(inner, str):
            yield inner
        elif key == "DependsOn":
            yield from [inner] if isinstance(inner, str) else inner
        elif key == "Fn::GetAtt":
            yield inner.partition(".")[0] if isinstance(inner, str) else inner[0]
        elif key == "Fn::Sub":
            yield from re.findall(r"\$\{([A-Za-z0-9]+)[}.]", inner if isinstance(inner, str) else inner[0])
        elif key in ("Fn::If", "Fn::FindInMap") and isinstance(inner[0], str):
            yield inner[0]
        yield from references(inner)


def reduce(template: dict, names: set[str]) -> dict:
    """Returns the template with these resources and what they refer to, directly or not."""
    parts = ("Resources", "Conditions", "Mappings")
    known = {name: part for part in parts for name in template.get(part, {})}
    kept, left = set(), set(names)
    while left:
        name = left.pop()
        kept.add(name)
        left |= {each for each in references(template[known[name]][name]) if each in known} - kept
    reduced = {key: value for key, value in template.items() if key != "Outputs"}
    for part in parts:
        reduced[part] = {name: value for name, value in template.get(part, {}).items() if name in kept}
    return {key: value for key, value in reduced.items() if value}


def main(folder: Path, paths: list[str]) -> None:
    templates = {path: json.loads(Path(path).read_text()) for path in paths}
    contents = {path: resources(template) for path, template in templates.items()}
    left = set().union(*contents.values())
    while left:
        path = max(paths, key=lambda each: len(contents[each] & left))
        new = {name for name, _ in contents[path] & left}
        left -= contents[path]
        if len(new) > FEW:
            print(path)
            continue
        folder.mkdir(parents=True, exist_ok=True)
        # Names of folders differ; those of templates may be the same.
        copy = folder / f"{Path(path).parent.name}-{Path(path).name}"
        copy.write_text(json.dumps(reduce(templates[path], new), indent=1))
        print(copy)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("cover: must have a folder for copies and the names of templates")
    main(Path(sys.argv[1]), sys.argv[2:])
