"""The movies that there are of a sample: the registered one, the raw one, and those that its model computes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nwb_schema.errors import MovieError
from nwb_schema.movie_file import MovieFile
from nwb_schema.project import Project
from nwb_schema.reader import registered_movie_path
from pipeline.viewing.frames import View
from pipeline.viewing.raw_movie import open_raw_movie
from pipeline.viewing.reconstruction import COMPUTED, ComputedView, Model, read_model

VIEWS: Mapping[str, str] = {
    "movie": "Registered",
    "raw": "Raw",
    "background_subtracted": "No background",
    "reconstructed": "Cells alone",
    "residual": "Residual",
    "background": "Background",
}
"""Name and label of every view."""

HELP: Mapping[str, str] = {
    "movie": "The recording, motion corrected",
    "raw": "The recording as it came from the microscope, where its file is still there",
    **COMPUTED,
}
"""What every view is."""


def open_view(project: Project, sample: Path, view: str = "movie", *, model: Model | None = None) -> View:
    """Open a view of a sample, to be closed by whoever asks.

    Parameters
    ----------
    view
        Of `VIEWS`.
    model
        The sample's model, for who has read it already.

    Raises
    ------
    FluoriteError
        When there is no such view of this sample, with the reason.
    """
    if view not in VIEWS:
        raise MovieError(sample, f"has no view called {view[:40]!r}", f"Ask for one of: {', '.join(VIEWS)}.")
    movie = registered_movie_path(sample)
    if view == "movie":
        return MovieFile(movie)
    if view == "raw":
        return open_raw_movie(project, sample, movie)
    return ComputedView(view, sample, movie, read_model(project, sample) if model is None else model)
