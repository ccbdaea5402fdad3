"""What the pages show of a sample, read once and kept until its file changes."""

from __future__ import annotations

import gzip
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from app.movie_pool import file_signature
from nwb_schema import reader
from nwb_schema.edits.record import EditRecord
from nwb_schema.edits.settling import read_history
from nwb_schema.errors import SampleError
from nwb_schema.reader import SampleSummary
from nwb_schema.stimuli import read_events, read_stimuli
from pipeline.curation.evaluating import thresholds_of
from pipeline.figures.trace_values import drawable_kinds, read_kinds
from pipeline.parameters.groups import Quality
from pipeline.viewing.contours import Bodies, Outline, flatten_depth, outlines

_KEPT_SAMPLES = 8


@dataclass
class SampleData:
    """One version of one sample; every part is read when it is first asked for.

    Attributes
    ----------
    path
        The NWB file.
    signature
        Of the file, when this was made; part of the address of whatever is derived from it.
    name
        What it was asked for by: its identifier, or its file's name where two files share one identifier. Addresses of
        what is derived from it start with this, so that they lead to the same file.
    """

    path: Path
    signature: str
    name: str

    @cached_property
    def summary(self) -> SampleSummary:
        """The sample in one row."""
        return reader.read_summary(self.path)

    @cached_property
    def rois(self) -> pd.DataFrame:
        """One row a ROI, as `nwb_schema.reader.read_rois` gives it, and a column ``key`` that names it on the page:
        its ``roi_uuid``, or its row in a file that has none."""
        rois = reader.read_rois(self.path)
        keys = [uuid or f"row-{row}" for uuid, row in zip(rois["roi_uuid"], rois["index"], strict=True)]
        return rois.assign(key=keys)

    @cached_property
    def pixel_size_um(self) -> tuple[float, float] | None:
        """Size of a pixel in micrometres as (y, x), or None where the file does not say."""
        return reader.read_pixel_size_um(self.path)

    @cached_property
    def plane_spacing_um(self) -> float | None:
        """Distance of the planes of a volume in micrometres, or None where the file does not say."""
        return reader.read_plane_spacing_um(self.path)

    @cached_property
    def registered_movie(self) -> Path | None:
        """Its registered movie, or None where it has none that can be shown. Asked for with every frame."""
        if not self.summary.has_movie:
            return None
        try:
            return reader.registered_movie_path(self.path)
        except SampleError:
            return None

    @cached_property
    def quality(self) -> Quality:
        """The thresholds with which it was made; see `pipeline.curation.evaluating.thresholds_of`."""
        return thresholds_of(self.path)

    @cached_property
    def edits(self) -> tuple[EditRecord, ...]:
        """The edits in the file, in order; a file of another program has none."""
        return read_history(self.path) if self.summary.is_ours else ()

    @cached_property
    def periods(self) -> dict[str, pd.DataFrame]:
        """The periods of its stimuli by the type's key; see `nwb_schema.stimuli.read_stimuli`."""
        return read_stimuli(self.path)

    @cached_property
    def moments(self) -> dict[str, pd.DataFrame]:
        """The moments of its stimuli by the type's key; see `nwb_schema.stimuli.read_events`."""
        return read_events(self.path)

    @cached_property
    def images(self) -> dict[str, NDArray[np.float32]]:
        """Summary images ``(height, width)`` by name."""
        return dict(reader.read_images(self.path))

    @cached_property
    def footprints(self) -> sparse.csr_array:
        """``(n_rois, height * width)``, pixels in C order; a volume is seen from above."""
        bodies = self.bodies
        return flatten_depth(bodies, self.summary.depth) if self.summary.depth else bodies

    @cached_property
    def bodies(self) -> sparse.csr_array:
        """``(n_rois, n_pixels)`` as the file has them, of a volume ``(n_rois, height * width * depth)``."""
        return reader.read_footprints(self.path)

    @cached_property
    def cut_bodies(self) -> Bodies:
        """The cells of a volume, ready to be cut by its planes."""
        height, width, depth = self.summary.height or 0, self.summary.width or 0, self.summary.depth or 0
        return Bodies.of(self.bodies, (height, width, depth))

    @cached_property
    def plane_images(self) -> dict[str, NDArray[np.float32]]:
        """Summary images ``(height, width, depth)`` of a volume by name; none of a plane."""
        return dict(reader.read_plane_images(self.path))

    @cached_property
    def shown_images(self) -> dict[str, NDArray[np.float32]]:
        """The summary images, or, in a sample that has none, an image of the footprints.

        A result that was imported without its movie would else have nothing to show its cells on.
        """
        if self.images or not (self.summary.height and self.summary.width):
            return self.images
        return {"footprints": footprint_image(self.footprints, (self.summary.height, self.summary.width))}

    @cached_property
    def trace_kinds(self) -> tuple[str, ...]:
        """Which kinds of trace can be drawn: those that it has, and what is computed from them."""
        return drawable_kinds(reader.trace_kinds(self.path))

    @cached_property
    def contours_json(self) -> bytes:
        """The outlines of all ROIs, for the player, of a volume as seen from above: gzipped JSON.

        ``{"rois": [{"id": key, "label": "12", "accepted": true, "centre": [x, y], "pieces": [[x0, y0, x1, ...]]}]}`` in
        image coordinates (see `pipeline.viewing.contours`); in a volume also ``"planes": [first, of centre, last]``
        (see `pipeline.viewing.contours.Bodies.extents`).
        """
        return self._contours_json(outlines(self.footprints, (self.summary.height or 0, self.summary.width or 0)))

    def plane_contours_json(self, plane: int) -> bytes:
        """The same where plane number `plane` of a volume cuts through the cells.

        Raises
        ------
        SampleError
            When there is no such plane.
        """
        depth = self.summary.depth or 0
        if not 0 <= plane < depth:
            raise SampleError(self.path, f"has no plane {plane}", f"Its planes are numbered 0 to {depth - 1}.")
        return self._contours_json(self.cut_bodies.outlines(plane))

    def _contours_json(self, shapes: Sequence[Outline]) -> bytes:
        rois = self.rois
        entries: list[dict[str, Any]] = [
            {
                "id": key,
                "label": str(index),
                "accepted": bool(accepted),
                # Centroids are pixel numbers; image coordinates have the pixel's centre half a pixel further.
                "centre": [round(float(x) + 0.5, 2), round(float(y) + 0.5, 2)] if np.isfinite(x) else [0, 0],
                "pieces": [np.round(piece.ravel().astype(float), 2).tolist() for piece in shape.pieces],
            }
            for key, index, accepted, x, y, shape in zip(
                rois["key"],
                rois["index"],
                rois["is_accepted"],
                rois["centroid_x"],
                rois["centroid_y"],
                shapes,
                strict=True,
            )
        ]
        if self.summary.depth:
            for entry, planes in zip(entries, self.cut_bodies.extents.tolist(), strict=True):
                if planes[0] >= 0:
                    entry["planes"] = planes
        return gzip.compress(json.dumps({"rois": entries}, separators=(",", ":")).encode(), compresslevel=5)

    def rows_of(self, keys: Sequence[str]) -> list[int]:
        """Row numbers of ROIs in the order asked for; unknown ones are left out."""
        numbers = {str(key): row for row, key in enumerate(self.rois["key"])}
        return [numbers[key] for key in keys if key in numbers]

    def traces(self, rows: Sequence[int], kinds: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Traces ``(len(rows), n_frames)`` by kind, read anew; kinds that the sample does not have are left out."""
        return read_kinds(self.path, [kind for kind in kinds if kind in self.trace_kinds], rows) if rows else {}


class SampleStore:
    """The samples that pages look at, a few kept in memory.

    Parameters
    ----------
    find
        Turns an identifier into the path of its NWB file, or raises a `FluoriteError`.
    """

    def __init__(self, find: Callable[[str], Path], capacity: int = _KEPT_SAMPLES) -> None:
        self._find = find
        self._capacity = capacity
        self._kept: OrderedDict[str, SampleData] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, identifier: str) -> SampleData:
        """The sample as its file is now.

        Raises
        ------
        SampleError
            When the project has no such sample.
        """
        with self._lock:
            sample = self._kept.get(identifier)
        # Finding a sample may open many files, and a player asks for it with each frame: it is looked for again only
        # when the file at its place is another one, and without keeping others waiting.
        if sample is None or file_signature(sample.path) != sample.signature:
            path = self._find(identifier)
            sample = SampleData(path, file_signature(path), identifier)
        with self._lock:
            sample = self._kept[identifier] = self._same(self._kept.get(identifier), sample)
            self._kept.move_to_end(identifier)
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
            return sample

    @staticmethod
    def _same(kept: SampleData | None, found: SampleData) -> SampleData:
        """What another thread keeps by now, if it is the same version: its parts may have been read already."""
        return kept if kept is not None and (kept.path, kept.signature) == (found.path, found.signature) else found


def footprint_image(footprints: sparse.csr_array, shape: tuple[int, int]) -> NDArray[np.float32]:
    """All footprints in one image ``(height, width)``: each scaled to a maximum of 1, the highest at every pixel."""
    image = np.zeros(shape[0] * shape[1], dtype=np.float32)
    starts = footprints.indptr
    for row in range(footprints.shape[0]):
        weights = footprints.data[starts[row] : starts[row + 1]]
        if weights.size and weights.max() > 0:
            pixels = footprints.indices[starts[row] : starts[row + 1]]
            image[pixels] = np.maximum(image[pixels], weights / weights.max())
    return image.reshape(shape)
