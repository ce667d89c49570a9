"""Applies the recipes of CONTRIBUTING.md to a copy of the project, one after the other, and runs the commands that each names.

Then it looks at the results from outside: the transform's binary, the template with the settings of docs/settings.md, and
the formatting. `recipes.py HEADING...` runs the recipes with these headings only, and nothing from outside.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pages import ROOT, Block, blocks, only

PAGE = ROOT / "CONTRIBUTING.md"
RECIPES = ("A setting", "An alarm", "A field of the event", "An enrichment", "A fault of the local model")


class Mismatch(Exception):
    """A change that does not fit the file."""


def copy_project(to: Path) -> Path:
    """Copies the files that Git knows or would add."""
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    if (ROOT / "node_modules").is_dir():
        (to / "node_modules").symlink_to(ROOT / "node_modules")
    return to


def apply(diff: str, project: Path) -> list[str]:
    """Applies a change as CONTRIBUTING.md describes it, and returns the names of the changed files."""
    changed = []
    for part in re.split(r"^\+\+\+ ", diff, flags=re.M)[1:]:
        name, _, hunks = part.partition("\n")
        path = project / name
        text = path.read_text() if path.exists() else ""
        if not re.match(r"@@ ", hunks):  # a new file
            if text:
                raise Mismatch(f"{name}: exists, and the change names no place in it")
            path.write_text("".join(line[1:] for line in hunks.splitlines(keepends=True)))
            changed.append(name)
            continue
        for hunk in re.split(r"^@@ ", hunks, flags=re.M)[1:]:
            place, _, lines = hunk.partition("\n")
            text = apply_hunk(text, place, lines.splitlines(), name)
        path.write_text(text)
        changed.append(name)
    return changed


def apply_hunk(text: str, place: str, hunk: list[str], name: str) -> str:
    lines = text.splitlines()
    old = [line[1:] for line in hunk if line[:1] in (" ", "-")]
    new = [line[1:] for line in hunk if line[:1] in (" ", "+")]
    if place == "end of file":
        return "\n".join(lines + new) + "\n"
    start = next((i for i, line in enumerate(lines) if line.startswith(place)), None)
    if start is None:
        raise Mismatch(f"{name}: has no line that begins with {place!r}")
    for at in range(start + 1, len(lines) - len(old) + 1):
        if lines[at:at + len(old)] == old:
            return "\n".join(lines[:at] + new + lines[at + len(old):]) + "\n"
    raise Mismatch(f"{name}: has no such lines below {place!r}: {old}")


def recipe(heading: str) -> list[Block]:
    found = [b for b in blocks(PAGE) if b.heading == heading and b.language in ("diff", "sh")]
    if not any(b.language == "diff" for b in found) or not any(b.language == "sh" for b in found):
        sys.exit(f"CONTRIBUTING.md: {heading!r} must have changes and commands")
    return found


def change(heading: str, project: Path) -> None:
    """Applies the changes of a recipe, and checks that they are formatted."""
    changed = [name for block in recipe(heading) if block.language == "diff" for name in apply(block.text, project)]
    sources = sorted({name for name in changed if name.endswith(".go")})
    if unformatted := run(["gofmt", "-l", *sources], project).strip():
        sys.exit(f"CONTRIBUTING.md: {heading}: not formatted: {unformatted}")


def run(command: list[str], project: Path, **variables: str) -> str:
    done = subprocess.run(command, cwd=project, env=os.environ | variables, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}recipes: {' '.join(command)} failed")
    return done.stdout


def follow(heading: str, project: Path) -> None:
    change(heading, project)
    for block in recipe(heading):
        if block.language != "sh":
            continue
        for command in block.text.splitlines():
            said = run(["bash", "-c", command], project)
            if "no tests to run" in said:
                sys.exit(f"CONTRIBUTING.md: {heading}: {command}: runs no test\n{said}")
    print(f"{heading}: the changes fit, and its commands pass")


BINARY_TEST = r"""package main_test

import (
	"strings"
	"testing"

	"firehose-pipeline/internal/testkit/functiontest"
)

func TestRecipes(t *testing.T) {
	answer := functiontest.StartTransform(t, "lake").Transform([]byte(`{"brand":"acme","currency":978}`))[0]
	if answer.Data == nil || !strings.HasPrefix(*answer.Data, `{"brand":"acme","currency":"978","processed_timestamp":`) ||
		!strings.Contains(*answer.Data, `,"branded":true,"data_quality_score":`) {
		data := "no data"
		if answer.Data != nil {
			data = *answer.Data
		}
		t.Errorf("got %s, %s", answer.Result, data)
	}
}
"""


def check(what: str, got, want) -> None:
    if got != want:
        sys.exit(f"recipes: {what}: got {got}, want {want}")


def look_from_outside(project: Path) -> None:
    """With the settings of docs/settings.md: what the recipes added is in the binary and in the template."""
    bootstrap = "functions/transform/bootstrap"
    (project / bootstrap / "recipes_test.go").write_text(BINARY_TEST)
    # The tests' binaries have the schema of the test kit beside them.
    shutil.copy2(project / "event-schema.json", project / "internal/testkit/shopschema/event-schema.json")
    if "--- PASS: TestRecipes " not in run(["go", "test", "-run", "^TestRecipes$", "-v", "./" + bootstrap], project):
        sys.exit("recipes: TestRecipes did not run")
    print("transform: its binary converts currency to a string and adds branded")

    context = json.loads(only("For one environment only", "json"))["context"] | {"environment": "production"}
    run(["go", "build", "-o", ".build/firehose-pipeline", "."], project)
    run([".build/firehose-pipeline"], project, CDK_CONTEXT_JSON=json.dumps(context), CDK_OUTDIR="cdk.out")
    template = json.loads((project / "cdk.out" / "shop-production.template.json").read_text())

    def of(kind: str) -> list[dict]:
        return [r["Properties"] for r in template["Resources"].values() if r["Type"] == kind]

    [events] = [t["TableInput"] for t in of("AWS::Glue::Table") if t["TableInput"]["Name"] == "events"]
    columns = {c["Name"]: c for c in events["StorageDescriptor"]["Columns"]}
    check("column currency", columns.get("currency"), {"Name": "currency", "Type": "string", "Comment": "ISO 4217 code"})
    check("column branded", columns.get("branded"),
          {"Name": "branded", "Type": "boolean", "Comment": "Whether the event names a brand"})
    [state] = [r["Properties"]["State"] for r in template["Resources"].values() if r["Type"] == "Custom::SearchSetup"]
    state = json.loads("".join(part if isinstance(part, str) else "token" for part in state["Fn::Join"][1]))
    check("mapping of currency", state["properties"].get("currency", {}).get("type"), "keyword")
    check("mapping of branded", state["properties"].get("branded", {}).get("type"), "boolean")
    check("memory of the error handler",
          [f["MemorySize"] for f in of("AWS::Lambda::Function") if f.get("FunctionName") == "shop-production-error-handler"], [512])
    check("alarm dead-letters-many", [a["Threshold"] for a in of("AWS::CloudWatch::Alarm")
                                      if a["AlarmName"] == "shop-production-dead-letters-many"], [1000])
    print("template: it has the field, the enrichment, the setting and the alarm")

    check("data nodes", of("AWS::OpenSearchService::Domain")[0]["ClusterConfig"]["InstanceCount"], 6)
    check("subscriptions of the alarm topics", [s["Endpoint"] for s in of("AWS::SNS::Subscription")], 2 * ["oncall@example.com"])
    check("readers", state["readerRoleArns"], ["arn:aws:iam::111122223333:role/Analyst"])
    print("settings: the stack shop-production has the settings of docs/settings.md")


def main() -> None:
    chosen = sys.argv[1:] or RECIPES
    for heading in (b.heading for b in blocks(PAGE) if b.language == "diff"):
        if heading not in RECIPES:
            sys.exit(f"CONTRIBUTING.md: {heading!r} is not in the list of recipes")
    with tempfile.TemporaryDirectory() as temporary:
        project = copy_project(Path(temporary))
        for heading in chosen:
            try:
                follow(heading, project)
            except Mismatch as mismatch:
                sys.exit(f"CONTRIBUTING.md: {heading}: {mismatch}")
        if not sys.argv[1:]:
            look_from_outside(project)


if __name__ == "__main__":
    main()
