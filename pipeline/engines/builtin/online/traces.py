"""Traces that grow by a frame at a time, and by a cell now and then."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

_ROOM = 256


class Traces:
    """What every cell showed, and what of it was explained, in every frame so far.

    The only part of online mode whose memory grows with the recording.

    Attributes
    ----------
    n_frames
        Frames so far in this epoch.
    born
        ``(n,)``: the first frame of which anything is known of each cell.
    """

    def __init__(self, nb: int) -> None:
        self.n_frames = 0
        self.born = np.zeros(0, np.int64)
        self._seen, self._explained = np.zeros((0, _ROOM), np.float32), np.zeros((0, _ROOM), np.float32)
        self._amounts = np.zeros((nb, _ROOM), np.float32)

    @property
    def seen(self) -> Floats:
        """``(n, n_frames)``: what each cell shows by itself, with noise and baseline; 0 before it was born."""
        return self._seen[:, : self.n_frames]

    @property
    def explained(self) -> Floats:
        """``(n, n_frames)``: calcium plus baseline, as far as each frame could tell when it came."""
        return self._explained[:, : self.n_frames]

    @property
    def amounts(self) -> Floats:
        """``(nb, n_frames)``: the background's traces."""
        return self._amounts[:, : self.n_frames]

    def append(self, seen: Doubles, explained: Doubles, amounts: Doubles) -> None:
        """Add one frame."""
        if self.n_frames == self._seen.shape[1]:
            # By half: memory is copied now and then, and never more than a third of it lies idle.
            room = ((0, 0), (0, max(_ROOM, self.n_frames // 2)))
            self._seen, self._explained = np.pad(self._seen, room), np.pad(self._explained, room)
            self._amounts = np.pad(self._amounts, room)
        self._seen[:, self.n_frames] = seen
        self._explained[:, self.n_frames] = explained
        self._amounts[:, self.n_frames] = amounts
        self.n_frames += 1

    def add(self, recent: Doubles) -> None:
        """Add a cell of which the last frames are known."""
        for name in ("_seen", "_explained"):
            setattr(self, name, np.pad(getattr(self, name), ((0, 1), (0, 0))))
        born = self.n_frames - len(recent)
        self._seen[-1, born : self.n_frames] = recent
        self._explained[-1, born : self.n_frames] = np.maximum(recent, 0)
        self.born = np.append(self.born, born)

    def last(self, count: int) -> tuple[Doubles, Doubles]:
        """The last `count` frames, fewer at the start: seen and explained, ``(n, count)``."""
        part = slice(max(0, self.n_frames - count), self.n_frames)
        return self._seen[:, part].astype(np.float64), self._explained[:, part].astype(np.float64)

    def background_last(self, count: int) -> Doubles:
        """The background's traces in the last `count` frames, ``(nb, count)``."""
        return self._amounts[:, max(0, self.n_frames - count) : self.n_frames].astype(np.float64)

    def known(self, k: int, count: int) -> Doubles:
        """The last `count` frames of what cell `k` showed, from its birth on."""
        start = max(int(self.born[k]), self.n_frames - count)
        return self._seen[k, start : self.n_frames].astype(np.float64)

    def rescale(self, k: int, factor: float) -> None:
        """Multiply the traces of `k` with `factor`."""
        self._seen[k, : self.n_frames] *= np.float32(factor)
        self._explained[k, : self.n_frames] *= np.float32(factor)

    def combine(self, keeper: int, group: NDArray[np.intp], shares: Doubles) -> None:
        """Let `keeper` show what all of `group` show, each with its share ``(m,)``, from the first birth on."""
        for values in (self._seen, self._explained):
            values[keeper, : self.n_frames] = shares.astype(np.float32) @ values[group, : self.n_frames]
        self.born[keeper] = self.born[group].min()

    def keep(self, numbers: NDArray[np.intp]) -> None:
        """Forget all cells but these."""
        self._seen, self._explained = self._seen[numbers], self._explained[numbers]
        self.born = self.born[numbers]

    def rewind(self) -> None:
        """Begin another epoch: the next frame is the first one again, and every cell is known from there on."""
        self.n_frames = 0
        self.born[:] = 0
