"""The version of this installation."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

try:
    __version__ = version("fluorite")
except PackageNotFoundError:  # run from a checkout that was not installed
    __version__ = "0.0.0+uninstalled"


@cache
def code_sha256() -> str:
    """SHA-256 over the source of everything between a movie and its results: equal for code that computes the same."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256(__version__.encode())
    for package in ("nwb_schema", "pipeline"):
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
