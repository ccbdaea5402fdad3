"""How long frames take."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_RECENT = 100


class Latency:
    """Seconds that each frame took.

    Two times are kept: the work for a frame (reading, registration, model), and its delay, from when it was seen in the
    file until its traces were known. Frames that wait in the file for their turn have a long delay.
    """

    def __init__(self) -> None:
        self._work: list[float] = []
        self._delay: list[float] = []

    def add(self, work_s: float, delay_s: float) -> None:
        """Note one frame."""
        self._work.append(work_s)
        self._delay.append(delay_s)

    def seconds(self) -> Floats:
        """``(n, 2)`` float32: work and delay of every frame after the first batch."""
        return np.array([self._work, self._delay], np.float32).T.reshape(-1, 2)

    def recently(self) -> str:
        """The last frames in words, for the log."""
        return f"{_in_words(self._work[-_RECENT:])} a frame" if self._work else "no frame yet"

    def notes(self, rate_hz: float) -> tuple[str, ...]:
        """The whole run in a sentence, for the history; none without a frame."""
        if not self._work:
            return ()
        slow = int((np.array(self._work) > 1 / rate_hz).sum())
        return (
            f"Online: {len(self._work)} frames, {_in_words(self._work)} a frame; {slow} took longer than the "
            f"{1e3 / rate_hz:.0f} ms from one frame to the next.",
        )


def _in_words(seconds: list[float]) -> str:
    median, high, highest = (1e3 * value for value in np.percentile(seconds, [50, 95, 100]))
    return f"latency median {median:.1f} ms, 95th percentile {high:.1f} ms, longest {highest:.1f} ms"
