"""A process that reads samples for the catalogue: ``python -m nwb_schema.catalogue.worker PROJECT CATALOGUE``.

It is given files as lines of JSON on stdin, ``[[name, stamp], ...]``, stores what it read, and answers with a line
``[[name, identifier], ...]``. When whoever started it is gone, its stdin ends, and so does it. (A pool of Python's own
would run the script that called us once more in every process, and hand results over as pickles.)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from nwb_schema.catalogue.scan import read_and_store
from nwb_schema.catalogue.store import CatalogueStore
from nwb_schema.project import Project


def main() -> None:
    """Answer line after line."""
    project = Project.open(Path(sys.argv[1]))
    store = CatalogueStore(Path(sys.argv[2]))
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(read_and_store(project, store, json.loads(line)))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
