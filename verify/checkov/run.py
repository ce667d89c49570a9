"""Prints Checkov's report on the CloudFormation templates of a folder, as JSON: run.py FOLDER

It makes no connection. An attempt fails, and is written to standard error.
"""

import os
import sys

CONNECTIONS = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}


def reject_connections(event, arguments):
    if event in CONNECTIONS:
        print(f"checkov: {event} {arguments!r}", file=sys.stderr, flush=True)
        raise ConnectionRefusedError(f"{event}: Checkov must not make a connection")


def main(folder):
    sys.addaudithook(reject_connections)  # child processes inherit it
    os.environ["CKV_SKIP_PACKAGE_UPDATE_CHECK"] = "true"  # else it asks PyPI once an hour
    from checkov.main import Checkov

    # --soft-fail: findings are in the report; another status is a failure of Checkov.
    return Checkov(["--framework", "cloudformation", "--directory", folder, "--output", "json", "--compact", "--soft-fail",
                    "--skip-download", "--download-external-modules", "false"]).run()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("checkov: must have one argument, the folder of the templates")
    sys.exit(main(sys.argv[1]))
