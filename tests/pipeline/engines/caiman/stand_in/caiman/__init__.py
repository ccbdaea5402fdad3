"""Stands in for CaImAn in tests: the names that our worker calls, and ways to fail (environment variable STAND_IN)."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import tifffile

__version__ = "1.12.1"


def misbehave(place: str) -> None:
    """Fail here, when the test asked for it: ``STAND_IN=how@place``."""
    how, _, where = os.environ.get("STAND_IN", "").partition("@")
    if where != place:
        return
    if how == "crash":
        raise ValueError("the matrix is singular")
    if how == "die":
        os.kill(os.getpid(), 9)
    if how == "leave":
        os._exit(0)
    if how == "hang":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(os.environ["STAND_IN_PIDS"]).write_text(f"{os.getpid()} {child.pid}")
        logging.getLogger("caiman").info("merging")  # so that whoever listens knows that it hangs now
        time.sleep(600)


def write_map(path: Path, movie: np.ndarray) -> str:
    """A movie ``(n_frames, height, width)`` as CaImAn keeps it: float32, Fortran order, frame after frame."""
    movie.astype(np.float32).transpose(0, *range(movie.ndim - 1, 0, -1)).tofile(path)
    path.with_suffix(".json").write_text(json.dumps(movie.shape))
    return str(path)


def load_memmap(name: str) -> tuple[np.ndarray, tuple[int, ...], int]:
    n_frames, *dims = json.loads(Path(name).with_suffix(".json").read_text())
    return np.fromfile(name, np.float32).reshape(n_frames, -1).T, tuple(dims), n_frames


def save_memmap(files: list[str], base_name: str, order: str, border_to_0: int, dview: object, **_: object) -> str:
    folder = Path(os.environ["CAIMAN_TEMP"])
    (path,) = files
    if path.endswith(".tif"):
        return write_map(folder / f"{base_name}.mmap", tifffile.imread(path))
    return path


def setup_cluster(backend: str, n_processes: int, single_thread: bool) -> tuple[None, str, int]:
    return None, "pool", n_processes


cluster = SimpleNamespace(setup_cluster=setup_cluster)


def stop_server(dview: object) -> None:
    sys.stdout.write("what CaImAn prints belongs into its log\n")
