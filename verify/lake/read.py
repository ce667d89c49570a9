"""Makes lakes with `pipeline local` and reads them as docs/use.md shows: with the readers, with Trino, or with both.

One lake spans a year, one has a column more in its newest files, one is of JSON.
"""

import sys
import tempfile
from pathlib import Path

import lakes
from readers import check_readers
from serve import Checks
from trino import check_trino

PARTS = ("readers", "trino")


def main() -> None:
    parts = sys.argv[1:]
    if not parts or set(parts) - set(PARTS):
        sys.exit(f"usage: lake.py {' | '.join(PARTS)} ... (got {' '.join(parts) or 'nothing'})")
    check = Checks("lake")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        made = lakes.make(folder)
        if "readers" in parts:
            check_readers(check, folder, made)
        if "trino" in parts:
            check_trino(check, made)
    check.finish()


if __name__ == "__main__":
    main()
