"""What a notebook does with a project: thin calls into `nwb_schema`, with the same results as the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nwb_schema.catalogue import Catalogue
from nwb_schema.edits import recover
from nwb_schema.project import Project
from nwb_schema.reader import read_traces


def create_project(folder: str | Path, *, name: str | None = None) -> Project:
    """Make a new project in `folder`; see `nwb_schema.project.Project.create`."""
    return Project.create(Path(folder), name=name)


def open_project(folder: str | Path) -> Project:
    """Open the project in `folder`, and make up for what a killed program left undone of its edits.

    Raises
    ------
    nwb_schema.errors.ProjectError
        When the folder is not a project.
    """
    project = Project.open(Path(folder))
    recover(project)
    return project


def samples(project: Project, filters: Mapping[str, str] | None = None) -> pd.DataFrame:
    """The samples of a project, one row each.

    Parameters
    ----------
    filters
        Expressions by column, as in ``{"subject_id": "m1", "n_rois": "$>=:50"}``.
    """
    catalogue = Catalogue(project)
    catalogue.refresh()
    return pd.DataFrame(catalogue.samples(list((filters or {}).items())))


def rois(project: Project, filters: Mapping[str, str] | None = None) -> pd.DataFrame:
    """The ROIs of all samples of a project, one row each; see `samples` for `filters`."""
    catalogue = Catalogue(project)
    catalogue.refresh()
    return pd.DataFrame(catalogue.rois(list((filters or {}).items())))


def traces(
    project: Project, sample: str, kind: str = "denoised", rows: Sequence[int] | None = None
) -> NDArray[np.float32]:
    """Traces of one sample, ``(n_rois, n_frames)`` float32.

    Parameters
    ----------
    sample
        Its name or identifier.
    kind
        ``raw``, ``denoised``, ``deconvolved`` or ``dff``.
    rows
        Which ROIs, by their index in the sample; all of them by default.
    """
    return read_traces(project.find_sample(sample), kind, rows)
