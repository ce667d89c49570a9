"""Runs one Trino on 127.0.0.1 with its Hive connector over local files: Athena's engine is built on Trino.

It comes from Maven Central and stays, unpacked, in the user's cache folder.
"""

import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jdk

VERSION = "476"  # the newest of which Maven Central has the server
SHA256 = "cfd5accde17e8ebd251eeeb78aed1f490e77bb3a164d95a0f454bf8a7c1cbd3f"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"

CATALOG = "awsdatacatalog"
START_SECONDS = 240
QUERY_SECONDS = 120

# One node that listens on loopback. An hour without events has no folder, and a projected partition without a folder is
# an error on local files, but not on S3, which has no folders.
FILES = {
    "config.properties": """coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port={port}
discovery.uri=http://127.0.0.1:{port}
plugin.dir={home}/plugin
catalog.config-dir={work}/etc/catalog
node.environment=verify
node.id=one
node.bind-ip=127.0.0.1
node.internal-address=127.0.0.1
""",
    "log.properties": "io.trino=WARN\nio.airlift=WARN\nBootstrap=WARN\n",
    # Athena's name of the Glue Data Catalog, in which its views look for their tables.
    "catalog/awsdatacatalog.properties": """connector.name=hive
hive.metastore=file
hive.metastore.catalog.dir=local:///metastore
hive.security=allow-all
hive.ignore-absent-partitions=true
fs.native-local.enabled=true
local.location={work}/root
""",
}


class QueryError(Exception):
    """Trino's error, as NAME: message."""


@dataclass
class Trino:
    url: str
    root: Path  # what local:/// is

    def query(self, sql: str, schema: str = "verify") -> list[list]:
        """Runs a statement in the schema and returns its rows; raises QueryError."""
        deadline = time.monotonic() + QUERY_SECONDS
        while True:
            try:
                return self.attempt(sql, schema, deadline)
            except QueryError as e:
                # Right after the start, the node has not yet announced to itself that it has the catalog.
                if not str(e).startswith("NO_NODES_AVAILABLE") or time.monotonic() > deadline:
                    raise
            time.sleep(0.5)

    def attempt(self, sql: str, schema: str, deadline: float) -> list[list]:
        headers = {"X-Trino-User": "verify", "X-Trino-Time-Zone": "UTC", "X-Trino-Catalog": CATALOG,
                   "X-Trino-Schema": schema}
        request = urllib.request.Request(f"{self.url}/v1/statement", data=sql.encode(), headers=headers)
        rows = []
        while True:
            with urllib.request.urlopen(request, timeout=QUERY_SECONDS) as response:
                answer = json.load(response)
            if error := answer.get("error"):
                raise QueryError(f"{error['errorName']}: {error['message']}")
            rows += answer.get("data", [])
            if "nextUri" not in answer:
                return rows
            if time.monotonic() > deadline:
                sys.exit(f"trino: no answer within {QUERY_SECONDS} s: {sql}")
            request = answer["nextUri"]


def install() -> Path:
    """Returns the folder of the installation, made once for each version."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "firehose-pipeline"
    home = cache / f"trino-{VERSION}"
    if home.is_dir():
        return home
    if not shutil.which("mvn"):
        sys.exit("Maven is missing: Trino comes from Maven Central (https://maven.apache.org/install.html)")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="installing-") as temporary:
        work = Path(temporary)
        print(f"fetching Trino {VERSION} (820 MB)", flush=True)
        artifact = f"-Dartifact=io.trino:trino-server:{VERSION}:tar.gz"
        done = subprocess.run(["mvn", "-q", "-B", COPY, artifact, f"-DoutputDirectory={work}"],
                              cwd=work, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"fetching Trino: {done.stdout}{done.stderr}")
        archive = work / f"trino-server-{VERSION}.tar.gz"
        with archive.open("rb") as file:
            if (got := hashlib.file_digest(file, "sha256").hexdigest()) != SHA256:
                sys.exit(f"{archive.name}: SHA-256 must be {SHA256} (got {got})")
        unpacked = work / "trino"
        unpacked.mkdir()
        subprocess.run(["tar", "-xzf", archive, "-C", unpacked, "--strip-components=1"], check=True)
        for plugin in (unpacked / "plugin").iterdir():  # of 60, one is used; 500 MB less
            if plugin.name != "hive":
                shutil.rmtree(plugin)
        unpacked.rename(home)  # complete or not there
    return home


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def start() -> Iterator[Trino]:
    """Runs a server, with nothing in it but one catalog, until the block ends."""
    java = jdk.home(f"Trino {VERSION}", 24, 25) / "bin" / "java"
    home = install()
    with tempfile.TemporaryDirectory() as temporary:
        work, port = Path(temporary), free_port()
        (work / "root").mkdir()
        for name, text in FILES.items():
            path = work / "etc" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(port=port, home=home, work=work))
        log = work / "log"
        command = [
            java, "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--add-modules=jdk.incubator.vector",
            f"-Dnode.data-dir={work}/data",
            f"-Dconfig={work}/etc/config.properties", f"-Dlog.levels-file={work}/etc/log.properties",
            "-cp", f"{home}/lib/*", "io.trino.server.TrinoServer",
        ]
        with log.open("w") as writing:
            process = subprocess.Popen(command, cwd=work, stdout=writing, stderr=subprocess.STDOUT)
        try:
            trino = Trino(f"http://127.0.0.1:{port}", work / "root")
            wait_for(trino, process, log)
            yield trino
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(trino: Trino, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"{trino.url}/v1/info", timeout=10) as response:
                if not json.load(response)["starting"]:
                    return
        time.sleep(0.2)
    why = f"did not start within {START_SECONDS} s"
    if process.returncode is not None:
        why = f"ended with status {process.returncode}"
    sys.exit(f"Trino {why}:\n{log.read_text()[-4000:]}")
