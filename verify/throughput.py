"""Measures local runs, sending, replay and the error handler, in turn with those of an earlier commit.

What to measure (default: all):
  local     CPU time of `pipeline local` for each event, for 10,000 events, for --events and for numbers between, and --check
  send      events that a sender takes in a CPU second to both streams of the served model: `pipeline send`, with --pack,
            of the earlier commit, and the boto3 program of docs/send.md
  replay    --letters dead letters of the served queue, without a limit of the rate, at once and over a way of 15 ms in each
            direction, as a region of AWS is away
  handler   the error handler's binary with an error object of 128 MB of small records
All contenders of a table take turns in the same run, against the same endpoint. Ratios are of medians. CPU time includes
that of child processes; a server's own is not in it. Redpanda Connect is not among the senders: its Go module cannot be
had from the public module proxy. --update FILE replaces the figures in a page.
"""

import argparse
import base64
import contextlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from baseline import ASKED, COMMIT, Cost, asked, describe, median, note, prepare_baseline, run, update
from pages import only
from serve import ROOT, Served, serve

TOPICS = ("local", "send", "replay", "handler")
PYTHON = ROOT / ".build" / "venv" / "bin" / "python"


class Bench:
    def __init__(self, options: argparse.Namespace, work: Path):
        self.runs, self.events, self.letters, self.work = options.runs, options.events, options.letters, work
        self.baseline = prepare_baseline(options.baseline)
        for folder in (ROOT, self.baseline):
            subprocess.run(["go", "build", "-o", ".build/pipeline", "./cmd/pipeline"], cwd=folder, check=True)

    def measure(self, contenders: dict[str, Callable[[], Cost]]) -> dict[str, Cost]:
        """Returns the medians of each contender; they take turns, each second time in the other order."""
        costs: dict[str, list[Cost]] = {name: [] for name in contenders}
        for turn in range(self.runs):
            for name in list(contenders)[:: -1 if turn % 2 else 1]:
                note(f"{name}, run {turn + 1} of {self.runs}")
                costs[name].append(contenders[name]())
        return {name: median(all) for name, all in costs.items()}

    def write_events(self, count: int) -> Path:
        """Repeats the sample's events, each with an id of its own."""
        path = self.work / f"events-{count}.ndjson"
        if not path.exists():
            sample = (ROOT / "testdata" / "store-events.ndjson").read_text().splitlines()
            ids = re.compile(r'"event_id":"[^"]*"')
            with path.open("w") as file:
                file.writelines(ids.sub(f'"event_id":"e-{i}"', sample[i % len(sample)], count=1) + "\n" for i in range(count))
        return path


def bench_local(bench: Bench) -> list[str]:
    """The template is synthesised before, so that only the run is measured."""
    templates = {}
    for folder in (ROOT, bench.baseline):
        out = bench.work / f"synth-{folder.name}"
        run(["npx", "--no-install", "cdk", "synth", "--quiet", "-c", "environment=dev", "--output", out], folder)
        templates[folder] = next(out.glob("*.template.json"))

    def local(folder: Path, count: int, *flags: str) -> Cost:
        return run([folder / ".build" / "pipeline", "local", "--template", templates[folder], "--events",
                    bench.write_events(count), "--out", bench.work / "out", *flags], folder)

    sizes = [10_000]
    while sizes[-1] * 10 <= bench.events:
        sizes.append(sizes[-1] * 10)
    contenders = {}
    for count in sizes:
        contenders[f"{count:,}"] = lambda count=count: local(ROOT, count)
        contenders[f"{count:,}, baseline"] = lambda count=count: local(bench.baseline, count)
    most = sizes[-1]
    contenders[f"{most:,} with --check"] = lambda: local(ROOT, most, "--check")
    contenders[f"{most:,} with --check, baseline"] = lambda: local(bench.baseline, most, "--check")
    local(ROOT, sizes[0])  # builds the functions
    local(bench.baseline, sizes[0])
    costs = bench.measure(contenders)
    lines = ["| Events | time, s | CPU, s | CPU, µs an event | peak memory, MB |", "| --- | --- | --- | --- | --- |"]
    for name, c in costs.items():
        count = int(name.split()[0].strip(",").replace(",", ""))
        lines.append(f"| {name} | {c.seconds:.2f} | {c.cpu:.2f} | {c.cpu / count * 1e6:.1f} | {c.memory:.0f} |")
    now, before = costs[f"{most:,}"], costs[f"{most:,}, baseline"]
    check, check_before = costs[f"{most:,} with --check"], costs[f"{most:,} with --check, baseline"]
    return lines + ASKED + [
        asked(f"{most:,} events: at most 0.7 × the baseline's CPU time", 0.7, now.cpu / before.cpu),
        asked("memory not higher", 1.0, now.memory / before.memory),
        asked(f"memory of {most:,} events against that of {sizes[0]:,}: flat", 1.25, now.memory / costs[f"{sizes[0]:,}"].memory),
        asked("`--check`: at most 0.6 × the baseline's CPU time", 0.6, check.cpu / check_before.cpu),
    ]


def bench_send(bench: Bench) -> list[str]:
    events = bench.write_events(bench.events)
    program = bench.work / "send.py"
    program.write_text(only("Python", "python", "put_record_batch"))

    def send(command: list, folder: Path, stdin: bool = False) -> Cost:
        with serve("--throttle=false", "--speed", "3600", "--page=false") as served:
            streams = served.streams
            names = {"LAKE": streams["lake"], "SEARCH": streams["search"], "EVENTS": str(events)}
            command = [names.get(str(part), part) for part in command]
            with events.open("rb") as file:
                return run(command, folder, env=served.environment, **({"stdin": file} if stdin else {}))

    flags = ["send", "--events", "EVENTS", "--lake-stream", "LAKE", "--search-stream", "SEARCH"]
    now, before = ROOT / ".build" / "pipeline", bench.baseline / ".build" / "pipeline"
    costs = bench.measure({
        "pipeline send": lambda: send([now, *flags], ROOT),
        "pipeline send --pack": lambda: send([now, *flags, "--pack"], ROOT),
        "baseline": lambda: send([before, *flags], bench.baseline),
        "baseline --pack": lambda: send([before, *flags, "--pack"], bench.baseline),
        "boto3": lambda: send([PYTHON, program, "LAKE", "SEARCH"], ROOT, stdin=True),
    })
    lines = [f"{bench.events:,} events to both streams:", "",
             "| Sender | time, s | CPU, s | events a CPU second | peak memory, MB |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {name} | {c.seconds:.1f} | {c.cpu:.1f} | {bench.events / c.cpu:,.0f} | {c.memory:.0f} |"
              for name, c in costs.items()]
    boto3 = costs["boto3"].cpu
    return lines + ASKED + [
        asked("`pipeline send`: at least 3 × boto3's events a CPU second", 3, boto3 / costs["pipeline send"].cpu, at_least=True),
        asked("`--pack`: at least 8 × boto3's", 8, boto3 / costs["pipeline send --pack"].cpu, at_least=True),
    ]


def put_letters(served: Served, bench: Bench) -> str:
    """Puts dead letters of valid events, which a domain did not take, to the served queue, and returns its URL."""
    letter = next(found for line in (ROOT / "testdata" / "formats" / "dead-letters.ndjson").open()
                  if (found := json.loads(line))["kind"] == "record")
    url = f"{served.url}/000000000000/kinesis-firehose-pipeline-dev-DeadLettersQueue"
    lines = bench.work / "letters.ndjson"
    if not lines.exists():
        with lines.open("w") as file, bench.write_events(bench.letters).open("rb") as events:
            for i, event in enumerate(events):
                file.write(json.dumps(letter | {
                    "id": f"{i:032x}", "stream": "search", "stage": "search", "reason": "SearchUnavailable", "reasonOffset": None,
                    "eventId": f"e-{i}", "rawData": base64.b64encode(event.rstrip(b"\n")).decode(),
                    "pointer": letter["pointer"] | {"offset": i * 1000}}, separators=(",", ":")) + "\n")
    subprocess.run([PYTHON, "-c", """
import json, sys, boto3
queue, batch = boto3.client("sqs"), []
names = "kind", "stream", "stage", "reason"  # the attributes that the error handler gives each

def entry(n, line):
    letter = json.loads(line)
    return {"Id": str(n), "MessageBody": line, "MessageAttributes": {
        name: {"DataType": "String", "StringValue": letter[name]} for name in names}}

lines = open(sys.argv[2]).read().splitlines()
for i in range(0, len(lines), 10):
    answer = queue.send_message_batch(QueueUrl=sys.argv[1], Entries=[
        entry(n, line) for n, line in enumerate(lines[i:i + 10])])
    if answer.get("Failed"):
        sys.exit(answer["Failed"])
""", url, lines], env=served.environment, check=True)
    return url


WAY = "15ms"


@contextlib.contextmanager
def delayed(served: Served) -> Iterator[dict[str, str]]:
    """Yields the environment of clients for which the served APIs are further away."""
    program = ROOT / ".build" / "delay"
    subprocess.run(["go", "build", "-o", program, "./verify/delay"], cwd=ROOT, check=True)
    address = served.url.removeprefix("http://")
    process = subprocess.Popen([program, "-to", address, "-delay", WAY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield served.environment | {"AWS_ENDPOINT_URL": "http://" + process.stdout.readline().strip()}
    finally:
        process.communicate()


def bench_replay(bench: Bench) -> list[str]:
    def replay(folder: Path, far: bool) -> Cost:
        with serve("--throttle=false", "--speed", "3600", "--page=false") as served:
            url = put_letters(served, bench)
            report = bench.work / "report.json"
            with report.open("wb") as out, delayed(served) as away:
                cost = run_to(out, [folder / ".build" / "pipeline", "replay", "--queue-url", url, "--bucket",
                                    "kinesis-firehose-pipeline-dev-datalakebucket", "--lake-stream", served.streams["lake"],
                                    "--search-stream", served.streams["search"], "--rate", "0", "--byte-rate", "0", "--yes",
                                    "--format", "json"], folder, away if far else served.environment)
            text = report.read_text()
            if not re.search(rf'"replayed": ?{bench.letters}\b', text):
                sys.exit(f"replay: not all {bench.letters} dead letters: {text[-2000:]}")
            return cost

    costs = bench.measure({
        "replay": lambda: replay(ROOT, False), "baseline": lambda: replay(bench.baseline, False),
        f"replay, {WAY} away": lambda: replay(ROOT, True), f"baseline, {WAY} away": lambda: replay(bench.baseline, True)})
    lines = [f"{bench.letters:,} dead letters:", "", "| Commit | time, s | dead letters a second | CPU, s | peak memory, MB |",
             "| --- | --- | --- | --- | --- |"]
    lines += [f"| {name} | {c.seconds:.1f} | {bench.letters / c.seconds:,.0f} | {c.cpu:.1f} | {c.memory:.0f} |" for name, c in costs.items()]
    return lines + ASKED + [
        asked(f"{WAY} away: at least 5 × the baseline's rate", 5,
              costs[f"baseline, {WAY} away"].seconds / costs[f"replay, {WAY} away"].seconds, at_least=True),
        asked("on this machine, where the processors are the limit: at least 5 ×", 5,
              costs["baseline"].seconds / costs["replay"].seconds, at_least=True)]


def run_to(out, command: list, folder: Path, environment: dict[str, str]) -> Cost:
    """Runs a command whose output goes to a file."""
    return run(["/bin/sh", "-c", f'exec "$@" >&{out.fileno()}', "sh", *command], folder, env=environment, pass_fds=[out.fileno()])


def bench_handler(bench: Bench) -> list[str]:
    """The test measures the binary's CPU time and peak memory for the object; its own are not in it."""
    test = "TestLargeErrorObjects/128_MB_of_small_records$"
    packages = {ROOT: "./functions/errorhandler/bootstrap", bench.baseline: "./functions"}
    binaries = {}
    for folder, package in packages.items():
        binaries[folder] = bench.work / f"handler-{folder.name}.test"
        subprocess.run(["go", "test", "-c", "-vet=off", "-tags", "verify", "-o", binaries[folder], package], cwd=folder, check=True)

    def handle(folder: Path) -> Cost:
        done = subprocess.run([binaries[folder], "-test.v", "-test.run", test], cwd=folder / packages[folder], capture_output=True, text=True)
        found = re.search(r"peak memory ([\d.]+) MiB, ([\d.]+) s of CPU, ([\d.]+) s", done.stdout)
        if done.returncode or not found:
            sys.exit(f"{test} in {folder}: {done.stdout[-3000:]}{done.stderr[-1000:]}")
        return Cost(float(found[3]), float(found[2]), float(found[1]) * 1.048576)

    costs = bench.measure({"error handler": lambda: handle(ROOT), "baseline": lambda: handle(bench.baseline)})
    lines = ["An error object of 128 MB of small records:", "", "| Commit | time, s | CPU, s | peak memory, MB |", "| --- | --- | --- | --- |"]
    lines += [f"| {name} | {c.seconds:.2f} | {c.cpu:.2f} | {c.memory:.1f} |" for name, c in costs.items()]
    now, before = costs["error handler"], costs["baseline"]
    return lines + ASKED + [asked("at most 0.6 × the baseline's CPU time", 0.6, now.cpu / before.cpu),
                            asked("memory not higher", 1.0, now.memory / before.memory)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("topics", nargs="*", metavar="WHAT", help=f"of {', '.join(TOPICS)} (default: all)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each contender (default 3)")
    parser.add_argument("--events", type=int, default=1_000_000, help="events of the largest run (default 1000000)")
    parser.add_argument("--letters", type=int, default=100_000, help="dead letters to replay (default 100000)")
    parser.add_argument("--baseline", default=COMMIT, help=f"commit to compare with (default {COMMIT})")
    parser.add_argument("--update", type=Path, metavar="FILE", help="page whose figures are replaced")
    options = parser.parse_args()
    for topic in options.topics:
        if topic not in TOPICS:
            parser.error(f"WHAT: must be of {', '.join(TOPICS)} (got {topic!r})")
    if options.runs < 1 or options.events < 10_000 or options.letters < 1:
        parser.error("--runs and --letters must be at least 1, --events at least 10000 "
                     f"(got {options.runs}, {options.letters}, {options.events})")
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(options, Path(work))
        for topic in options.topics or TOPICS:
            figures = "\n".join([describe(options.baseline, options.runs), "",
                                 *{"local": bench_local, "send": bench_send, "replay": bench_replay, "handler": bench_handler}[topic](bench), ""])
            note("")
            print(figures)
            if options.update:
                update(options.update, topic, figures)


if __name__ == "__main__":
    main()
