"""ROIs that were drawn or found elsewhere and have no traces: ImageJ's, masks, shapes. A movie gives them some."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nwb_schema.errors import EditError, ResultsError
from nwb_schema.segmentation import Segmentation
from pipeline.curation.mask_files import FORMATS, read_masks
from pipeline.curation.neuropil import Neuropil
from pipeline.curation.traces import all_traces, mean_in_masks
from pipeline.foreign.found import Found, Report
from pipeline.foreign.own_layout import write_found
from pipeline.movies.movie import Movie

ENGINES = {".roi": "ImageJ", ".zip": "ImageJ"}


def is_drawn(path: Path) -> bool:
    """Whether the file holds ROIs alone, by its ending."""
    return path.suffix.lower() in FORMATS


def read_drawn(path: Path, movie: Movie, *, neuropil: Neuropil | None = None) -> Found:
    """The ROIs in a file, whose traces will be read off `movie`.

    Raises
    ------
    ResultsError
        When the file cannot be read, does not fit the movie, or the movie is of volumes.
    """
    _, *shape = movie.shape
    if len(shape) != 2:
        raise ResultsError(path, "holds ROIs of one plane, but the movie is of volumes", "Choose a plane: --plane N.")
    plane = (shape[0], shape[1])
    try:
        masks = read_masks(path, plane)
    except EditError as error:
        raise ResultsError(path, error.cause, error.remedy) from error

    def extract(cells: Segmentation, registered: Path, report: Report) -> Segmentation:
        others = cells.footprints if neuropil is not None else None
        raw = mean_in_masks(registered, cells.footprints, plane, others=others, neuropil=neuropil, report=report)
        traces: dict[str, Any] = dict(all_traces(raw))
        return replace(cells, **traces)

    taken_off = "as it is" if neuropil is None else f"less {neuropil.factor:g} of what surrounds it"
    return Found(
        source=path,
        files=(path,),
        segmentation=Segmentation(
            shape=plane,
            footprints=masks,
            rate_hz=movie.rate_hz,
            accepted=np.ones(masks.shape[0], bool),
            evaluated=False,
        ),
        keep=write_found,
        session=movie.paths[0].name.split(".")[0],
        engine=ENGINES.get(path.suffix.lower(), "masks"),
        engine_version="",  # such files do not say it
        parameters={"traces": {"neuropil_factor": None if neuropil is None else neuropil.factor}},
        notes=(
            f"The ROIs were drawn elsewhere: none was evaluated, and all count as accepted. Raw traces are the mean of "
            f"the movie in each ROI, {taken_off}.",
        ),
        extract=extract,
    )
