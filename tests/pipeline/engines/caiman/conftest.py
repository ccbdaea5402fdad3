"""An interpreter with a package that stands in for CaImAn, and a movie."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.pipeline.array_movie import ArrayMovie

STAND_IN = Path(__file__).with_name("stand_in")


def interpreter(folder: Path, packages: Path, program: str = "") -> Path:
    """An executable that runs this Python with other packages first; `program` is run before it (shell)."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\n{program}\nPYTHONPATH="{packages}" exec "{sys.executable}" "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An interpreter that has the stand-in."""
    return interpreter(tmp_path, STAND_IN)


@pytest.fixture
def movie() -> ArrayMovie:
    """``(120, 24, 40)`` uint16, at least 7."""
    return ArrayMovie(np.random.default_rng(0).integers(7, 500, (120, 24, 40)).astype(np.uint16), rate_hz=12.5)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder
