"""Makes lakes with `pipeline local` and reads them as docs/use.md shows: with the readers, with Trino, or with both.

One lake spans a year, one has a column more in its newest files, one is of JSON, one has duplicates and failures, for
the saved queries, and three are of the sample event schemas.
"""

import sys
import tempfile
from pathlib import Path

import lakes
import samples
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
        made, sampled = lakes.make(folder), samples.make(folder / "samples")
        if "readers" in parts:
            check_readers(check, folder, made)
            samples.check_samples(check, sampled)
        if "trino" in parts:
            check_trino(check, made, sampled)
    check.finish()


if __name__ == "__main__":
    main()
