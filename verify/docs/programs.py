"""Answers the stand-ins of standin.py: the AWS CLI (awscli2.py) and programs that cannot run here (commands.py).

Each command runs in a process of its own, forked from this one, which has read the AWS CLI and its models once. A line of
the journal has the block, the command, what it called, its status and its problems.
"""

import gc
import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path

import commands
from awscli2 import CommandLine

def receive(connection: socket.socket) -> tuple[dict, list[int]]:
    header, streams, _, _ = socket.recv_fds(connection, 10, 3)
    size, text = int(header), b""
    while len(text) < size:
        text += connection.recv(size - len(text))
    return json.loads(text), list(streams)


def run(request: dict, command_line: CommandLine, journal: int) -> int:
    program, *arguments = request["command"]
    note = {"block": request["settings"].get("DOCS_BLOCK", ""), "command": request["command"], "calls": [], "problems": []}
    try:
        if program == "aws":
            status = command_line.run(arguments)
            note |= {"calls": command_line.calls, "problems": command_line.problems}
        else:
            note["problems"] = commands.check(program, arguments, request["folder"])
            status = 1 if note["problems"] else 0
    except Exception:
        traceback.print_exc()
        status = 70
    sys.stdout.flush()
    note["status"] = status
    os.write(journal, (json.dumps(note) + "\n").encode())
    return status


def serve_one(connection: socket.socket, command_line: CommandLine, journal: int) -> None:
    request, streams = receive(connection)
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    os.chdir(request["folder"])
    os.environ.update(request["settings"])
    status = run(request, command_line, journal)
    connection.sendall(str(status).encode())
    sys.stderr.flush()


def reap(*_) -> None:
    """Waits for the children that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def main() -> None:
    path, journal_file, outputs = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    journal = os.open(journal_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    command_line = CommandLine(outputs)
    command_line.warm()
    gc.freeze()  # the children share the pages of what is read
    signal.signal(signal.SIGCHLD, reap)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(16)
        print("listening", flush=True)
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                try:
                    serve_one(connection, command_line, journal)
                finally:
                    os._exit(0)
            connection.close()


if __name__ == "__main__":
    main()
