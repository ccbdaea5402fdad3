"""How often tests kill what they watch: a few times in CI, hundreds of times with ``-m nightly``."""

from __future__ import annotations

import os
from typing import Any

import pytest


def attempts(in_ci: int, at_night: int) -> list[Any]:
    """The attempts to parametrize a test with; ``FLUORITE_KILLS`` sets their number instead, without a marker."""
    if os.environ.get("FLUORITE_KILLS"):
        return list(range(int(os.environ["FLUORITE_KILLS"])))
    more = (pytest.param(number, marks=pytest.mark.nightly) for number in range(in_ci, at_night))
    return [*range(in_ci), *more]


def rounds(in_ci: int, at_night: int) -> list[Any]:
    """How many kills a test makes that goes on where the last one left it."""
    if os.environ.get("FLUORITE_KILLS"):
        return [int(os.environ["FLUORITE_KILLS"])]
    return [in_ci, pytest.param(at_night, marks=pytest.mark.nightly)]
