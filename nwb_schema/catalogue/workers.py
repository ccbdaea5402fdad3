"""Have many samples read by several processes at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue

ROOT = Path(__file__).resolve().parents[2]
_MAX_PROCESSES = 8
# Starting one takes a second of importing, in which 100 files are read.
_FILES_PER_PROCESS = 100

Batch = Sequence[tuple[str, str]]
"""Files as ``(name, stamp)``."""
Answer = list[tuple[str, str]]
"""Files as ``(name, identifier)``."""


def n_processes(n_files: int) -> int:
    """How many processes it pays to start for so many files; 0 to read them here."""
    wanted = min(os.cpu_count() or 1, _MAX_PROCESSES, n_files // _FILES_PER_PROCESS)
    return wanted if wanted > 1 and sys.executable else 0


def read_in_processes(
    project: Path, catalogue: Path, batches: SimpleQueue[Batch], answers: SimpleQueue[Answer | None], number: int
) -> None:
    """Have `batches` read and stored by `number` processes; what they answer goes to `answers`, and None at the end.

    A batch that a process fails at is left in `batches`.
    """
    with ThreadPoolExecutor(number) as pool:
        for _ in range(number):
            pool.submit(_feed, project, catalogue, batches, answers)
    answers.put(None)


def _feed(project: Path, catalogue: Path, batches: SimpleQueue[Batch], answers: SimpleQueue[Answer | None]) -> None:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with subprocess.Popen(
        [sys.executable, "-m", "nwb_schema.catalogue.worker", str(project), str(catalogue)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        encoding="utf-8",
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        while True:
            try:
                batch = batches.get_nowait()
            except Empty:
                process.stdin.close()
                return
            try:
                process.stdin.write(f"{json.dumps(batch)}\n")
                process.stdin.flush()
                line = process.stdout.readline()
                answers.put([(name, identifier) for name, identifier in json.loads(line)])
            except (OSError, ValueError):
                # It was killed, or could not start: whoever asked reads these files without it.
                batches.put(batch)
                process.kill()
                return
