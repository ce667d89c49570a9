"""Runs every block of shell commands of the pages as plan.py says, against `pipeline local --serve` with stand-ins for the
rest of AWS, and fails for a block that fails, that has no entry, or that ran otherwise than its entry says.

With names of pages it runs these alone; docs/trace.md needs README.md, whose `make local` leaves results.
"""

import base64
import collections
import functools
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import names
import pages
import reads
from domain import serve_domain
from pages import ROOT, Block
from plan import BEFORE, PLAN, Entry, How
from serve import Checks, Served, serve
from shell import Desk, Result, wait_until

SHELL = {"sh", "bash", "shell", "console", "zsh"}
OTHER = {"", "diff", "go", "json", "python", "sql"}
# The settings of verify/clients/frontdoor.py, whose template is synthesised already.
STREAM = ("-c", "enableApi=true", "-c", "dataFormat=json", "-c", "bufferIntervalSeconds=60", "-c", "ingestion=kinesis")


def list_pages() -> list[str]:
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
                            cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def read_page(page: str, problems: list[str]) -> list[Block]:
    """The blocks of commands. A fence that pages.blocks does not find, or of an unknown language, is a problem."""
    found = pages.blocks(ROOT / page)
    fences = len(re.findall(r"^[ \t>]*(?:```|~~~)", (ROOT / page).read_text(), re.M))
    if fences != 2 * len(found):
        problems.append(f"{page}: has {fences} fences, of which {2 * len(found)} are read: they begin a line, with at most a language")
    for block in found:
        if block.language not in SHELL | OTHER:
            problems.append(f"{page}: {block.heading}: language {block.language} is not known to this check")
        if block.language == "" and re.search(r"^\$ ", block.text, re.M):
            problems.append(f"{page}: {block.heading}: a block of commands has the language sh")
    return [block for block in found if block.language in SHELL]


def match(page: str, found: list[Block], problems: list[str]) -> list[tuple[Block, Entry]]:
    """Pairs of block and entry, in the order of the page."""
    pairs, entries = [], PLAN.get(page, [])
    for block in found:
        fitting = [e for e in entries if e.heading == block.heading and e.holding in f"\n{block.text}"]
        if len(fitting) == 1:
            pairs.append((block, fitting[0]))
        else:
            first = block.text.partition("\n")[0]
            problems.append(f"{page}: {block.heading}: {len(fitting)} entries of plan.py match the block `{first}`, want 1")
    for entry in entries:
        if sum(entry is e for _, e in pairs) != 1:
            problems.append(f"{page}: plan.py: the entry {entry.heading!r}, {entry.holding!r} matches no block, or several")
    return pairs


def check_elsewhere(page: str, pairs: list[tuple[Block, Entry]], problems: list[str]) -> None:
    for block, entry in pairs:
        if entry.how is How.ELSEWHERE and block not in reads.read_by(entry.reason):
            problems.append(f"{page}: {block.heading}: {entry.reason} does not read this block")


@functools.cache
def read_template(stream: bool) -> dict | None:
    """The template of a served stack: the newest of those that `pipeline local` has synthesised and that fit."""
    for file in sorted((ROOT / ".build" / "synthesised").glob("*.result"), key=lambda f: -f.stat().st_mtime):
        text = file.read_text()
        result = json.JSONDecoder().raw_decode(text[text.index("{"):])[0]
        template = json.loads(base64.b64decode(result["Template"]))
        outputs = template.get("Outputs", {})
        if "OpenSearchEndpoint" in outputs and ("DataStreamName" in outputs) == ("ApiUrl" in outputs) == stream:
            return template
    return None


def sample_outputs(template: dict, domain: str) -> dict[str, str]:
    """The outputs of the stack, with values for those that the local model has not."""
    samples = {"OpenSearchEndpoint": domain}
    return {name: samples.get(name) or (output["Value"] if isinstance(output["Value"], str) else
                                        f"arn:aws:sns:us-east-1:000000000000:{name}" if name.endswith("Arn") else f"sample-{name}")
            for name, output in template["Outputs"].items()}


def fill_pipeline(desk: Desk, served: Served, stream: bool) -> dict[str, str]:
    """Sends events that are delivered and events that fail, and waits for both. Returns what readers fill in."""
    text = (ROOT / "testdata" / "store-events.ndjson").read_text()
    (desk.folder / "my-events.ndjson").write_text(text)
    (desk.folder / "all.ndjson").write_bytes(
        text.encode() + b'{"event_id":"e-4711","event_type":"view"}\n' + (ROOT / "testdata" / "spoiled-events.ndjson").read_bytes())
    template = desk.folder / "template.yaml"
    template.write_text(json.dumps(read_template(stream)))
    subprocess.run([".build/pipeline", "send", "--events", "all.ndjson", "--stack", "kinesis-firehose-pipeline-dev"],
                   cwd=desk.folder, env=desk.environment, capture_output=True, check=True)
    wait_until(lambda: list(served.out.glob("s3/*/transformed-data/**/*.*")), 60, "an object of the lake")
    wait_until(lambda: list(served.out.glob("s3/*/error-data/lake/processing-failed/**/*-*")), 60, "an error object")
    [bucket] = served.out.glob("s3/[!.]*")
    error_object = next(bucket.glob("error-data/lake/processing-failed/**/*-*"))
    return {"error_object": str(error_object.relative_to(bucket))}


def judge(check: Checks, page: str, block: Block, entry: Entry, result: Result) -> None:
    """Whether the block succeeded, and ran as its entry says."""
    wrong = result.problems + [f"{' '.join(n['command'])}: {p}" for n in result.notes for p in n["problems"]]
    wrong += [f for f in result.failed if not entry.fails or not re.match(entry.fails, f)]
    if entry.fails and len(wrong) == len(result.failed):
        wrong.append(f"no command failed as the entry says: {entry.fails}")
    wrong += [f"{' '.join(n['command'])}: status {n['status']}" for n in result.notes if n["status"] and not n["problems"]]
    if not re.search(entry.prints, result.output):
        wrong.append(f"its output does not have {entry.prints}")
    calls = [call for note in result.notes for call in note["calls"]]
    templates = [template for template in (read_template(False), read_template(True)) if template]
    wrong += [problem for call in calls for problem in names.check(call, templates)]
    ran = How.SERVED
    if result.requests or not all(call["served"] for call in calls):
        ran = How.MODELLED
    if any(n["command"][0] != "aws" and n["command"][:2] != ["make", "pipeline"] for n in result.notes):
        ran = How.PARSED
    if ran is not entry.how:
        wrong.append(f"plan.py: the block is {ran.value!r}, the entry says {entry.how.value!r}")
    if wrong:
        wrong.append(f"the block's output ends with: {result.output[-1500:]}")
    first = block.text.partition("\n")[0][:60]
    check.equal(f"{page}: {block.heading}: `{first}`: {entry.how.value} ({result.seconds:.1f} s)", "\n      ".join(wrong), "")


def run_session(check: Checks, desk: Desk, page: str, pairs: list[tuple[Block, Entry]], facts: dict[str, str]) -> None:
    before = [pages.only(heading, "sh", holding) for heading, holding in BEFORE.get((page, pairs[0][1].stream), [])]
    texts = []
    for block, entry in pairs:
        text = block.text
        for example, value in entry.fill.items():
            if example not in text:
                check.equal(f"{page}: {block.heading}: has {example!r} to fill in", False, True)
            text = text.replace(example, value.format(**facts))
        texts.append((text, entry.parse))
    results = desk.run([(text, "") for text in before] + texts, AWS_REGION="us-east-1")
    for (block, entry), result in zip(pairs, results[len(before):]):
        judge(check, page, block, entry, result)


def main() -> None:
    for program in ("bash", "curl", "git", "jq", "make"):
        if not shutil.which(program):
            sys.exit(f"docs: {program} is missing: the pages' commands use it")
    check, problems = Checks("docs"), []
    matched = {}
    for page in list_pages():
        matched[page] = match(page, read_page(page, problems), problems)
        check_elsewhere(page, matched[page], problems)
    problems += [f"plan.py: there is no page {page}" for page in PLAN if page not in matched]
    check.equal("each block has an entry, each entry a block", "\n      ".join(problems), "")
    chosen = sys.argv[1:] or list(matched)
    for stream, flags in ((True, STREAM), (False, ())):  # the runbook's blocks also name what only the first one has
        sessions = {page: [(b, e) for b, e in matched[page] if e.how is not How.ELSEWHERE and e.stream == stream] for page in chosen}
        if not any(sessions.values()):
            continue
        with tempfile.TemporaryDirectory() as temporary, serve_domain() as domain, serve("--speed", "60", *flags) as served:
            read_template.cache_clear()
            outputs = sample_outputs(read_template(stream), f"http://127.0.0.1:{domain.server_port}")
            desk = Desk(Path(temporary), served, outputs, domain)
            try:
                facts = fill_pipeline(desk, served, stream)
                for page, pairs in sessions.items():
                    if pairs:
                        run_session(check, desk, page, pairs, facts)
            finally:
                desk.close()
    for page in chosen:
        for _, entry in matched[page]:
            if entry.reason:
                print(f"{page}: {entry.heading}: {entry.how.value}: {entry.reason}")
    counts = collections.Counter(entry.how for page in chosen for _, entry in matched[page])
    print("docs: " + ", ".join(f"{counts[how]} {how.value}" for how in How))
    check.finish()


if __name__ == "__main__":
    main()
