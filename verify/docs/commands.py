"""Checks commands that cannot run here by the program's own list of its commands and options, without running them.

Each check returns the problems of a command; none means that its names are right.
"""

import functools
import json
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


@functools.cache
def cdk_options() -> tuple[dict, dict]:
    """The CDK's options for every command, and for each."""
    registry = json.loads((ROOT / "node_modules/aws-cdk/lib/cli/cli-type-registry.json").read_text())
    return registry["globalOptions"], {name: command.get("options", {}) for name, command in registry["commands"].items()}


def check_npx(arguments: list[str]) -> list[str]:
    if arguments[:1] != ["cdk"] or len(arguments) < 2:
        return [f"npx runs cdk (got {arguments})"]
    everywhere, commands = cdk_options()
    if arguments[1] not in commands:
        return [f"cdk has no command {arguments[1]}"]
    options = everywhere | commands[arguments[1]]
    aliases = {short: name for name, option in options.items()
               for short in ([option["alias"]] if isinstance(option.get("alias"), str) else option.get("alias", []))}
    problems, rest = [], arguments[2:]
    while rest:
        given, _, value = rest.pop(0).partition("=")
        if not given.startswith("-"):
            problems.append(f"cdk {arguments[1]}: {given} is no option")
            continue
        name = given.lstrip("-")
        name = aliases.get(name, name)
        if name not in options:
            problems.append(f"cdk {arguments[1]} has no option {given}")
        elif options[name]["type"] != "boolean" and not value:
            value = rest.pop(0) if rest else ""
        if name == "context":
            problems += check_context(value)
    return problems


def check_context(pair: str) -> list[str]:
    key, equals, _ = pair.partition("=")
    schema = json.loads((ROOT / "settings.schema.json").read_text())
    known = schema["definitions"][schema["properties"]["context"]["$ref"].rpartition("/")[2]]["properties"]
    return [] if equals and key in known else [f"-c {pair}: must be key=value with a key of docs/settings.md"]


def check_npm(arguments: list[str]) -> list[str]:
    return [] if arguments == ["ci"] and (ROOT / "package-lock.json").exists() else [f"npm {arguments}: only `npm ci` is known"]


def check_make(arguments: list[str], folder: str) -> list[str]:
    """Whether make knows how to make the targets, and the Makefile uses the variables."""
    makefile = (ROOT / "Makefile").read_text()
    variables = [argument.partition("=")[0] for argument in arguments if "=" in argument]
    problems = [f"the Makefile has no variable {name}" for name in variables if f"$({name})" not in makefile]
    done = subprocess.run(["make", "-n", *arguments], cwd=folder, capture_output=True, text=True)
    return problems + ([f"make {' '.join(arguments)}: {done.stderr.strip()}"] if done.returncode else [])


@functools.cache
def go_test_flags() -> set[str]:
    text = "".join(subprocess.run(["go", "help", topic], capture_output=True, text=True, check=True).stdout
                   for topic in ("test", "testflag", "build"))
    return set(re.findall(r"^\t-(\w+)", text, re.M))


def check_go(arguments: list[str]) -> list[str]:
    """Flags, packages and names of fuzz tests of `go test`."""
    if arguments[:1] != ["test"]:
        return [f"go {arguments}: only `go test` is known"]
    problems, packages, fuzz, rest = [], [], None, arguments[1:]
    while rest:
        given, _, value = rest.pop(0).partition("=")
        if not given.startswith("-"):
            packages.append(ROOT / given)
        elif given.lstrip("-") not in go_test_flags():
            problems.append(f"go test has no flag {given}")
        else:
            value = value or (rest.pop(0) if rest else "")
            fuzz = value if given == "-fuzz" else fuzz
    for package in packages:
        sources = [file.read_text() for file in package.glob("*_test.go")]
        if not sources:
            problems.append(f"{package.relative_to(ROOT)} has no tests")
        elif fuzz and not any(re.search(rf"^func {fuzz}\(", text, re.M) for text in sources):
            problems.append(f"{package.relative_to(ROOT)} has no {fuzz}")
    return problems if packages else problems + ["go test names no package"]


def check_pipeline(arguments: list[str]) -> list[str]:
    """The options of a command of `pipeline` are in its help."""
    done = subprocess.run([ROOT / ".build" / "pipeline", arguments[0], "--help"], capture_output=True, text=True)
    if done.returncode:
        return [f"pipeline {arguments[0]}: {done.stderr.strip()}"]
    known = set(re.findall(r"(?<![\w-])--?[a-z][-a-z]*", done.stdout))
    given = [argument.partition("=")[0] for argument in arguments[1:] if argument.startswith("-")]
    return [f"pipeline {arguments[0]} has no option {option}" for option in given if option not in known]


def check(program: str, arguments: list[str], folder: str) -> list[str]:
    match program:
        case "npx":
            return check_npx(arguments)
        case "npm":
            return check_npm(arguments)
        case "make":
            return check_make(arguments, folder)
        case ".build/pipeline":
            return check_pipeline(arguments)
        case "go":
            return check_go(arguments)
    return [f"{program}: there is no check for this program"]
