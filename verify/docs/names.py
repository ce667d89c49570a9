"""Checks that the names in the calls of a block exist: log groups and functions are in the template, metrics in the list that
the alarms and the dashboard are tested with, with their dimensions. AWS answers a wrong name of a metric with nothing."""

import functools
import re

from pages import ROOT

# Metrics that commands show and no alarm uses, by namespace: dimensions and names. Sources:
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html (ConcurrentExecutions of the account),
# https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html.
MORE = [
    ("AWS/Lambda", (), {"ConcurrentExecutions"}),
    ("AWS/SNS", ("TopicName",), {"NumberOfNotificationsFailed"}),
]


@functools.cache
def real_metrics() -> set[tuple[str, tuple[str, ...], str]]:
    """Namespace, dimensions and name of each metric."""
    text = (ROOT / "constructs/realmetrics_test.go").read_text()
    found = {(namespace, dimensions, name) for namespace, dimensions, names in MORE for name in names}
    for namespace, dimensions, names in re.findall(r'"([\w/]+)": \{\[\]string\{(.*?)\}, \[\]string\{(.*?)\}\}', text, re.S):
        keys = tuple(sorted(re.findall(r'"([^"]+)"', dimensions)))
        found |= {(namespace, keys, name) for name in re.findall(r'"([^"]+)"', names)}
    own = (ROOT / "functions/transform/metrics.go").read_text()
    found |= {("FirehosePipeline", ("Stack", "Stream"), name) for name in re.findall(r'\{"(\w+)", "\w+"\}', own)}
    return found


def physical_names(template: dict, kind: str, member: str) -> set[str]:
    properties = [r.get("Properties", {}) for r in template["Resources"].values() if r["Type"] == kind]
    return {p[member] for p in properties if isinstance(p.get(member), str)}


def check(call: dict, templates: list[dict]) -> list[str]:
    """The problems of one call of awscli2.CommandLine."""
    given = call["parameters"]
    groups, functions = set(), set()
    for template in templates:
        groups |= physical_names(template, "AWS::Logs::LogGroup", "LogGroupName")
        functions |= physical_names(template, "AWS::Lambda::Function", "FunctionName")
    problems = []
    if call["service"] == "logs" and given["logGroupName"] not in groups:
        problems.append(f"no template has the log group {given['logGroupName']} (known: {', '.join(sorted(groups))})")
    if call["service"] == "lambda" and "FunctionName" in given:
        if given["FunctionName"] not in functions and not given["FunctionName"].startswith("sample-"):  # an output
            problems.append(f"no template has the function {given['FunctionName']}")
    if call["operation"] == "GetMetricStatistics":
        keys = tuple(sorted(dimension["Name"] for dimension in given.get("Dimensions", [])))
        if (given["Namespace"], keys, given["MetricName"]) not in real_metrics():
            problems.append(f"constructs/realmetrics_test.go has no metric {given['Namespace']} {given['MetricName']} "
                            f"with the dimensions {', '.join(keys) or 'none'}")
    return problems
