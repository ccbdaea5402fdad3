"""Small movies, never square, whose every frame and pixel differs: a swap or a shift cannot hide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nwb_schema.errors import FluoriteError

N_FRAMES, HEIGHT, WIDTH = 12, 24, 36
MakeFrames = Callable[..., NDArray[Any]]


@pytest.fixture
def make_frames() -> MakeFrames:
    """``make_frames(n, height, width, dtype)``: seeded noise ``(n, height, width)``."""

    def make(n: int = N_FRAMES, height: int = HEIGHT, width: int = WIDTH, dtype: Any = np.uint16) -> NDArray[Any]:
        return np.random.default_rng(n * height + width).integers(0, 250, (n, height, width)).astype(dtype)

    return make


@pytest.fixture
def frames(make_frames: MakeFrames) -> NDArray[Any]:
    return make_frames()


@pytest.fixture
def says() -> Callable[..., None]:
    """``says(error, file, *words)``: the error names `file`, a cause, a remedy, and each of `words`."""

    def check(raised: pytest.ExceptionInfo[FluoriteError], file: object, *words: str) -> None:
        error = raised.value
        assert error.file == str(file)
        assert error.cause
        assert error.remedy
        for word in words:
            assert word in str(error), str(error)

    return check
