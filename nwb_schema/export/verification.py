"""Compare an exported file with the sample that it was made from, object by object and frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from nwb_schema.comparison import first_difference
from nwb_schema.errors import ExportError
from nwb_schema.export.redaction import PLACES
from nwb_schema.export.self_contained import frame_blocks, series_of_movie
from nwb_schema.local_hdf5 import outside_links
from nwb_schema.movie_file import DATASET
from nwb_schema.pynwb_check import schema_problems

_REMEDY = "Nothing was kept. Try again; if it happens twice, report it."


def verify_export(
    sample: Path,
    exported: Path,
    *,
    movie: Path | None,
    keep_movie: bool,
    report: Callable[[float], None] = lambda _: None,
) -> None:
    """Check that `exported` holds everything of `sample` and all frames of `movie`, alone, and is valid NWB.

    Raises
    ------
    ExportError
        On the first difference; it names `exported`.
    """
    with h5py.File(sample, "r") as old, h5py.File(exported, "r") as new:
        outside = outside_links(new)
        if outside:
            raise _differs(exported, f"{outside[0][0]} leads to another file ({outside[0][1]})")
        series = series_of_movie(old)
        skipped = (*PLACES, *([series.strip("/")] if series is not None and (movie or not keep_movie) else []))
        difference = first_difference(old, new, ignore=skipped)
        if difference is not None:
            raise _differs(exported, difference)
        if movie is not None and keep_movie and series is not None:
            _compare_movie(exported, movie, new[f"{series}/data"], report)
    problems = schema_problems(exported)
    if problems:
        raise _differs(exported, f"it is not valid NWB ({problems[0]})")


def _compare_movie(exported: Path, movie: Path, data: h5py.Dataset, report: Callable[[float], None]) -> None:
    with h5py.File(movie, "r") as file:
        frames = file[DATASET]
        if frames.shape != data.shape or frames.dtype != data.dtype:
            raise _differs(exported, f"its movie is {data.shape} {data.dtype}, not {frames.shape} {frames.dtype}")
        for block in frame_blocks(frames):
            if not np.array_equal(frames[block], data[block], equal_nan=frames.dtype.kind == "f"):
                raise _differs(exported, f"frames {block.start} to {block.stop - 1} of its movie changed")
            report(block.stop / frames.shape[0])


def _differs(exported: Path, cause: str) -> ExportError:
    return ExportError(exported, f"the file does not read back as it should: {cause}", _REMEDY)
