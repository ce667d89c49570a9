"""Checks the templates of every environment for every region of AWS, China and GovCloud, with cfn-lint: resource types,
properties and instance types. What a region lacks has to be in the table of docs/deploy.md, and what the table says to
set has to exist there. Usage: regions.py FOLDER (of verify/templates.sh)"""

import collections
import importlib.metadata
import json
import pathlib
import re
import subprocess
import sys

import cfnlint
from cfnlint.helpers import REGIONS

ROOT = pathlib.Path(__file__).parent.parent
ENVIRONMENTS = ("dev", "staging", "production")
OTHER_PARTITIONS = re.compile("^(us-iso|eu-iso|eusc)")  # secret regions and the sovereign cloud are not supported
FINDING = re.compile(r"'([^']+)' is not one of \[.*\] in '([^']+)'$")


def read_table():
    """Returns from docs/deploy.md what each region lacks, and the settings for it."""
    rows = {}
    for row in re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \| (.+) \|$", (ROOT / "docs/deploy.md").read_text(), re.M):
        region, lacks, settings = row
        if region in REGIONS:
            rows[region] = (set(re.findall(r"`([a-z0-9.]+\.search)`", lacks)), dict(re.findall(r"`(\w+)=([^`]+)`", settings)))
    return rows


def lint(templates, regions):
    """Returns the instance types that cfn-lint misses in each region, and its other findings."""
    command = [pathlib.Path(sys.executable).parent / "cfn-lint", "--config-file", ROOT / "verify/cfnlint.yaml", "--include-checks",
               "I", "W", "E", "--format", "json", "--regions", *regions, "--", *templates]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout
    missing, others = collections.defaultdict(set), []
    for finding in json.loads(output or "[]"):
        match = FINDING.search(finding["Message"])
        if finding["Rule"]["Id"] == "E3653" and match:
            missing[match[2]].add(match[1])
        else:
            others.append(f"{finding['Filename']}: {finding['Rule']['Id']} {finding['Message']}")
    return missing, others


def instance_types():
    """Returns the instance types of each region, from cfn-lint's own list."""
    data = pathlib.Path(cfnlint.__file__).parent / "data/schemas/extensions/aws_opensearchservice_domain"
    kinds = json.loads((data / "clusterconfig_instancetype_enum.json").read_text())
    return {region: set(kinds[region]["enum"]) for region in kinds if isinstance(kinds[region], dict)}


def main():
    folder = pathlib.Path(sys.argv[1])
    regions = [region for region in REGIONS if not OTHER_PARTITIONS.match(region)]
    templates = [next((folder / name).glob("*.template.json")) for name in ENVIRONMENTS]
    problems = []
    missing, others = lint(templates, regions)
    problems += others
    types = instance_types()
    for template in templates:
        text = template.read_text()
        if "arn:aws:" in text:
            problems.append(f"{template}: has an ARN of one partition")
        for region in regions:
            if re.search(rf"\b{region}\b", text):
                problems.append(f"{template}: names the region {region}")
        for resource in json.loads(text)["Resources"].values():  # cfn-lint does not look at masters
            master = resource.get("Properties", {}).get("ClusterConfig", {}).get("DedicatedMasterType")
            for region in regions if master else []:
                if master not in types[region]:
                    missing[region].add(master)
    table = read_table()
    for region in regions:
        documented, settings = table.get(region, (set(), {}))
        if documented != missing[region]:
            problems.append(f"docs/deploy.md: {region} lacks {sorted(missing[region])}, and the table says {sorted(documented)}")
        for setting, value in settings.items():
            if value not in types[region]:
                problems.append(f"docs/deploy.md: {setting}={value} does not exist in {region}")
        if documented and not settings:
            problems.append(f"docs/deploy.md: {region} needs a setting")
    if "r7g.large.search" not in types["us-east-1"] or "r6g.large.search" in types["mx-central-1"]:
        problems.append("cfn-lint's list of instance types is not what it was: it proves nothing")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"cfn-lint {importlib.metadata.version('cfn-lint')}: {len(templates)} templates in {len(regions)} regions, {len(problems)} problems")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
