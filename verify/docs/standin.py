"""Takes the place of a program in a documented block: hands the command, its three streams and the caller's settings to
programs.py, which listens on the socket STANDINS, and ends with the status of the answer."""

import json
import os
import socket
import sys

settings = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "DOCS_"))}
message = json.dumps({"command": sys.argv[1:], "folder": os.getcwd(), "settings": settings}).encode()
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(os.environ["STANDINS"])
    header = f"{len(message):10d}".encode()
    socket.send_fds(connection, [header], [0, 1, 2])
    connection.sendall(message)
    answer = connection.recv(10)
sys.exit(int(answer or b"70"))
