"""The cells that are known so far, the background, and the running sums that both are updated from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pipeline.engines.builtin.online import windows
from pipeline.engines.builtin.online.deconvolution import POOLS, replayed
from pipeline.engines.builtin.online.demixing import demix
from pipeline.engines.builtin.online.traces import Traces

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

# Frames from which the pools of a trace are made anew when its parameters have changed.
REPLAYED = 100


class Cells:
    """Footprints, background, activity and sufficient statistics of an online model.

    The model is ``y = sum(footprint * explained) + background * amounts + noise``; `explained` is calcium plus the
    baseline of each trace.

    Parameters
    ----------
    background
        ``(nb, height, width)``.
    window
        Size ``(n_rows, n_columns)`` of each cell's window; no larger than the field.

    Attributes
    ----------
    corners
        ``(n, 2)``: first row and column of each window.
    images
        ``(n, n_rows, n_columns)`` float32: footprints of unit norm.
    neighbours
        ``(n, most)``: numbers of the cells whose windows touch, -1 where there are no more.
    overlap, cross
        ``A'A`` ``(n, n)`` and ``A'b`` ``(n, nb)``.
    g, baseline, noise, penalty
        ``(n,)``: deconvolution of each trace.
    products, moments, joint
        Running sums: ``x y'`` in each window ``(n, n_rows, n_columns)``, ``x x'`` ``(n, n)`` and ``x f'`` ``(n, nb)``.
    background_products, background_moments
        Running sums ``f y'`` ``(nb, height, width)`` and ``f f'`` ``(nb, nb)``.
    """

    def __init__(self, background: Floats, window: tuple[int, int]) -> None:
        nb, height, width = background.shape
        self.height, self.width, self.nb, self.window = height, width, nb, window
        self.background = np.ascontiguousarray(background, np.float32)
        self.corners = np.zeros((0, 2), np.int64)
        self.images = np.zeros((0, *window), np.float32)
        self.neighbours = np.zeros((0, 1), np.int64)
        self.overlap, self.cross = np.zeros((0, 0)), np.zeros((0, nb))
        self.g, self.baseline, self.noise, self.penalty = (np.zeros(0) for _ in range(4))
        self.explained = np.zeros(0)
        self._values, self._weights = np.zeros((0, POOLS)), np.zeros((0, POOLS))
        self._lengths, self._counts = np.zeros((0, POOLS), np.int64), np.zeros(0, np.int64)
        self.products, self.moments, self.joint = np.zeros((0, *window)), np.zeros((0, 0)), np.zeros((0, nb))
        self.background_products, self.background_moments = np.zeros((nb, height, width)), np.zeros((nb, nb))
        self.traces = Traces(nb)
        self.remeasure_background()

    @property
    def n(self) -> int:
        """Number of cells."""
        return len(self.corners)

    def view(self, k: int) -> tuple[slice, slice]:
        """The window of cell `k` in a frame."""
        top, left = self.corners[k]
        return slice(int(top), int(top) + self.window[0]), slice(int(left), int(left) + self.window[1])

    def window_around(self, y: float, x: float) -> tuple[int, int]:
        """First row and column of a window centred on a place, as far as the field allows."""
        top = int(np.clip(round(y - self.window[0] / 2), 0, self.height - self.window[0]))
        left = int(np.clip(round(x - self.window[1] / 2), 0, self.width - self.window[1]))
        return top, left

    def touching(self, k: int) -> Integers:
        """Numbers of the cells whose windows touch that of `k`, itself among them."""
        near: Integers = self.neighbours[k][self.neighbours[k] >= 0]
        return near

    def explain(self, frame: Floats, rounds: int) -> Doubles:
        """Take in the activity of every cell in `frame` ``(height, width)``; returns the background's amounts."""
        through = windows.project(frame, self.corners, self.images)
        behind = np.tensordot(self.background, frame, axes=2).astype(np.float64)
        seen, amounts = demix(
            through,
            behind,
            self.overlap,
            self.neighbours,
            self.cross,
            self._inverse,
            self.explained,
            self.g,
            self.baseline,
            self.penalty,
            self._values,
            self._weights,
            self._lengths,
            self._counts,
            rounds,
        )
        self.traces.append(seen, self.explained, amounts)
        return amounts

    def residual(self, frame: Floats, amounts: Doubles) -> Floats:
        """What the model leaves of `frame` ``(height, width)``."""
        rest = windows.background_removed(frame, self.background, amounts.astype(np.float32))
        windows.subtract(rest, self.corners, self.images, self.explained.astype(np.float32))
        return rest

    def image(self, amounts: Doubles, explained: Doubles) -> Floats:
        """What the model expects of a frame ``(height, width)`` with these amounts and activities."""
        expected = np.tensordot(amounts, self.background, axes=1).astype(np.float32)
        windows.subtract(expected, self.corners, self.images, (-explained).astype(np.float32))
        return expected

    def learn(self, frame: Floats, amounts: Doubles) -> None:
        """Add a frame and its activity to the running sums."""
        windows.accumulate(self.products, frame, self.corners, self.explained.astype(np.float32))
        windows.add_background(self.background_products, frame, amounts)
        self.moments += np.outer(self.explained, self.explained)
        self.joint += np.outer(self.explained, amounts)
        self.background_moments += np.outer(amounts, amounts)

    def add(self, corner: tuple[int, int], image: Floats, recent: Doubles) -> int:
        """Take in a cell with footprint `image` (unit norm, in its window); returns its number.

        Parameters
        ----------
        recent
            ``(n_recent,)``: what it shows in the last frames, in units of the footprint.
        """
        k, n = self.n, self.n + 1
        self.corners = np.concatenate([self.corners, np.array([corner], np.int64)])
        self.images = np.concatenate([self.images, image[None].astype(np.float32)])
        for name in ("g", "baseline", "noise", "penalty", "explained"):
            setattr(self, name, np.append(getattr(self, name), 0.0))
        self._values, self._weights = (np.pad(part, ((0, 1), (0, 0))) for part in (self._values, self._weights))
        self._lengths, self._counts = np.pad(self._lengths, ((0, 1), (0, 0))), np.append(self._counts, 0)
        self.overlap, self.moments = np.pad(self.overlap, (0, 1)), np.pad(self.moments, (0, 1))
        self.cross, self.joint = np.pad(self.cross, ((0, 1), (0, 0))), np.pad(self.joint, ((0, 1), (0, 0)))
        self.products = np.pad(self.products, ((0, 1), (0, 0), (0, 0)))
        self._find_neighbours()
        self.measure(k)
        self.traces.add(recent)
        self.explained[k] = recent[-1] if len(recent) else 0.0
        assert len(self.corners) == n
        return k

    def remember(self, k: int, residual: Floats) -> None:
        """Fill the running sums of a new cell from the buffer: its activity there is all that is known of it.

        Parameters
        ----------
        residual
            ``(n_recent, n_rows, n_columns)``: what the others left in its window, in the frames that it was added with.
        """
        recent = len(residual)
        if recent == 0:
            return
        near = self.touching(k)
        _, active = self.traces.last(recent)
        own = active[k]
        amounts = self.traces.background_last(recent)
        self.moments[k] = self.moments[:, k] = active @ own
        self.joint[k] = amounts @ own
        rows, columns = self.view(k)
        others = near[near != k]
        seen = windows.pasted(k, others, self.moments[k][others], self.corners, self.images)
        seen += np.tensordot(self.joint[k], self.background[:, rows, columns], axes=1)
        self.products[k] = np.tensordot(own, residual, axes=1) + seen

    def measure(self, k: int) -> None:
        """Renew the inner products of footprint `k`, after it has changed."""
        near = self.touching(k)
        values = windows.overlaps(k, near, self.corners, self.images)
        self.overlap[k, near] = self.overlap[near, k] = values
        self.cross[k] = self._behind(k)

    def remeasure_background(self) -> None:
        """Renew the background's inner products, after it has changed."""
        flat = self.background.reshape(self.nb, -1)
        self._gram = (flat @ flat.T).astype(np.float64)
        self._inverse: Doubles = np.linalg.pinv(self._gram, hermitian=True).astype(np.float64)
        for k in range(self.n):
            self.cross[k] = self._behind(k)

    def replace_background(self, k: int, images: Doubles) -> None:
        """Give the background other values ``(nb, n_rows, n_columns)`` in the window of cell `k`."""
        rows, columns = self.view(k)
        old = self.background[:, rows, columns].reshape(self.nb, -1).astype(np.float64)
        self.background[:, rows, columns] = images
        new = self.background[:, rows, columns].reshape(self.nb, -1).astype(np.float64)
        self._gram += new @ new.T - old @ old.T
        self._inverse = np.linalg.pinv(self._gram, hermitian=True).astype(np.float64)
        for other in self.touching(k):
            self.cross[other] = self._behind(int(other))

    def _behind(self, k: int) -> Doubles:
        rows, columns = self.view(k)
        return np.tensordot(self.background[:, rows, columns], self.images[k], axes=2).astype(np.float64)

    def rescale(self, k: int, factor: float) -> None:
        """Multiply the activity of `k` with `factor`, because its footprint was divided by it."""
        for values in (self.baseline, self.noise, self.penalty, self.explained):
            values[k] *= factor
        self._values[k] *= factor
        self.products[k] *= factor
        self.moments[k] *= factor
        self.moments[:, k] *= factor
        self.joint[k] *= factor
        self.traces.rescale(k, factor)

    def set_dynamics(self, k: int, g: float, baseline: float, noise: float, penalty: float) -> None:
        """Give the trace of `k` new parameters of deconvolution and go through its last frames with them."""
        self.g[k], self.baseline[k], self.noise[k], self.penalty[k] = g, baseline, noise, penalty
        above = self.traces.known(k, REPLAYED) - baseline - penalty * (1 - g)
        self._counts[k] = replayed(above, g, self._values[k], self._weights[k], self._lengths[k])

    def keep(self, numbers: NDArray[np.intp]) -> None:
        """Forget all cells but these."""
        for name in ("corners", "images", "cross", "g", "baseline", "noise", "penalty", "explained", "_values",
                     "_weights", "_lengths", "_counts", "products", "joint"):  # fmt: skip
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[numbers]))
        for name in ("overlap", "moments"):
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[np.ix_(numbers, numbers)]))
        self.traces.keep(numbers)
        self._find_neighbours()

    def forget_sums(self, share: float) -> None:
        """Let the running sums so far count `share` of what they did."""
        for sums in (self.products, self.moments, self.joint, self.background_products, self.background_moments):
            sums *= share

    def footprints(self) -> sparse.csr_array:
        """``(n, n_pixels)`` float32, unit norm, pixels in C order."""
        number, y, x = np.nonzero(self.images)
        pixels = (y + self.corners[number, 0]) * self.width + x + self.corners[number, 1]
        values = self.images[number, y, x]
        return sparse.csr_array((values, (number, pixels)), shape=(self.n, self.height * self.width), dtype=np.float32)

    def _find_neighbours(self) -> None:
        apart = np.abs(self.corners[:, None] - self.corners[None])
        touching = (apart[..., 0] < self.window[0]) & (apart[..., 1] < self.window[1])
        most = max(1, int(touching.sum(axis=1).max(initial=0)))
        self.neighbours = np.full((self.n, most), -1, np.int64)
        for row, numbers in zip(self.neighbours, touching, strict=True):
            found = np.flatnonzero(numbers)
            row[: len(found)] = found
