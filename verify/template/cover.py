"""Prints the files, of templates of one stack, that together have every distinct resource of all of them, one a line.

cfn-lint needs some seconds for each template, and most resources are the same in many. Dashboards do not count: each has one of its
own, of one property. What holds between resources, such as references, is checked in every template by the CDK's validator.
"""

import json
import sys


def resources(path):
    with open(path) as file:
        template = json.load(file)
    return {(name, json.dumps({**resource, "Metadata": None}, sort_keys=True)) for name, resource in template["Resources"].items()
            if resource["Type"] != "AWS::CloudWatch::Dashboard"}


def main(paths):
    if not paths:
        sys.exit("cover: names of templates are missing")
    contents = {path: resources(path) for path in paths}
    left = set().union(*contents.values())
    while left:
        path = max(paths, key=lambda each: len(contents[each] & left))
        left -= contents[path]
        print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
