"""The Python contender of `make bench`, without the Runtime API: ../../worker says which commands it reads."""

import sys
import time

import json

import handler


def run(request):
    # What Lambda's Python runtime does around a handler.
    return json.dumps(handler.lambda_handler(json.loads(request), None)).encode("utf-8")


prepared, request = None, b""
for line in sys.stdin:
    command, path, argument = line.split()
    if path != prepared:
        with open(path, "rb") as file:
            prepared, request = path, file.read()
    if command == "answer":
        with open(argument, "wb") as file:
            file.write(run(request))
        print("ok", flush=True)
    elif command == "run":
        start = time.process_time_ns()
        for _ in range(int(argument)):
            run(request)
        print(time.process_time_ns() - start, 0, flush=True)
    else:
        sys.exit(f"worker: unknown command {command!r}")
