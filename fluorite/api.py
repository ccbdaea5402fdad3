"""What a notebook does with a project: thin calls into `nwb_schema`, with the same results as the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nwb_schema.catalogue import Catalogue
from nwb_schema.catalogue.columns import Level
from nwb_schema.columns import ColumnKind
from nwb_schema.edits import recover
from nwb_schema.project import Project
from nwb_schema.reader import read_traces
from nwb_schema.saved_filters import find_saved
from nwb_schema.stimuli import read_events, read_stimuli


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


def samples(
    project: Project, filters: Mapping[str, str] | None = None, *, saved: str | None = None, also: Sequence[str] = ()
) -> pd.DataFrame:
    """The samples of a project, one row each: what `fluorite samples` lists.

    Parameters
    ----------
    filters
        Expressions by column, as in ``{"subject_id": "m1", "n_rois": "$>=:50"}``.
    saved
        Name of a filter that was saved in the project; `filters` come on top.
    also
        Further columns, such as hidden ones.
    """
    return _listed(project, "samples", filters, saved, also)


def rois(
    project: Project, filters: Mapping[str, str] | None = None, *, saved: str | None = None, also: Sequence[str] = ()
) -> pd.DataFrame:
    """The ROIs of all samples of a project, one row each; see `samples`. `also` may name columns of their samples."""
    return _listed(project, "rois", filters, saved, also)


def values(
    project: Project, column: str, filters: Mapping[str, str] | None = None, *, level: Level = "samples"
) -> pd.DataFrame:
    """The distinct values of a column and how many samples (or ROIs, for the level ``rois``) have each."""
    catalogue = Catalogue(project)
    catalogue.refresh()
    found = catalogue.values(column, list((filters or {}).items()), level=level)
    return pd.DataFrame(found, columns=[column, "count"])


def stimuli(project: Project, sample: str) -> dict[str, pd.DataFrame]:
    """The stimulus periods of a sample, in seconds, by the name of their type: ``start_s``, ``stop_s``, ``name``, ...

    Parameters
    ----------
    sample
        Its name or identifier.
    """
    return _by_name(project, read_stimuli(project.find_sample(sample)))


def events(project: Project, sample: str) -> dict[str, pd.DataFrame]:
    """The moments of a sample by the name of their stimulus type: ``time_s``, ``name``, ..."""
    return _by_name(project, read_events(project.find_sample(sample)))


def variants(project: Project, sample: str) -> pd.DataFrame:
    """All results for the movie of a sample, one row each, oldest first: what `fluorite variants` lists."""
    from pipeline.variants.listing import Variant, list_variants

    rows = [asdict(variant) for variant in list_variants(project, project.find_sample(sample))]
    return pd.DataFrame(rows, columns=[field.name for field in fields(Variant)])


def results(project: Project, sample: str, folder: str | Path, *, rejected: bool = False) -> list[Path]:
    """Write the outputs of a sample (results file, cell sets, initialisation images, events) into a new folder.

    Parameters
    ----------
    rejected
        Whether previews and events are of rejected cells, too.

    Returns
    -------
    list
        The files.
    """
    from pipeline.outputs.writing import Outputs, write_outputs

    written = write_outputs(Outputs(project, project.find_sample(sample), rejected=rejected), Path(folder))
    return [written.folder / name for name in written.files]


def _by_name(project: Project, tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    names = project.column_names(ColumnKind.STIMULUS)
    return {names.get(key, key): frame for key, frame in tables.items()}


def _listed(
    project: Project, level: Level, filters: Mapping[str, str] | None, saved: str | None, also: Sequence[str]
) -> pd.DataFrame:
    steps = list((filters or {}).items())
    if saved is not None:
        steps = [*find_saved(project, saved, level).filters, *steps]
    catalogue = Catalogue(project)
    catalogue.refresh()
    return catalogue.frame(level, steps, also=also)


def figure(project: Project, sample: str, target: str | Path, what: str = "traces", **options: Any) -> dict[str, Any]:
    """Draw a figure of a sample at a journal's size into an SVG, PNG or PDF file, which is replaced; see `read_figure`.

    Parameters
    ----------
    sample
        Its name or identifier.
    target
        The file; its ending is the format.
    what
        ``traces``, ``heatmap`` or ``image`` (the mean image with outlines and scale bar).
    options
        Of `pipeline.figures.sample_figure.FigureRequest`, such as ``rois``, ``kinds``, ``window_s``, ``width`` and
        ``font_pt``.

    Returns
    -------
    dict
        What is in the file's metadata: sample, cells, digest of the parameters, and how it was drawn.

    Raises
    ------
    pipeline.figures.journal.FigureError
        When it cannot be drawn as it is asked for.
    """
    # Imported here: matplotlib takes a while, and most of what a notebook does is done without.
    from pipeline.figures.journal import write
    from pipeline.figures.sample_figure import FigureRequest, sample_figure

    path = Path(target)
    request = FigureRequest(what=what, file_format=path.suffix.lower().removeprefix("."), **options)  # type: ignore[arg-type]
    names = project.column_names(ColumnKind.STIMULUS)
    drawn = sample_figure(project.find_sample(sample), request, stimulus_names=names)
    write(path, drawn.content)
    return drawn.record


def read_figure(path: str | Path) -> dict[str, Any]:
    """What an SVG or PNG of Fluorite says of itself: sample, cells (``roi_uuids``), parameters, how it was drawn.

    Raises
    ------
    pipeline.figures.journal.FigureError
        When it is no such file, or another program has removed it.
    """
    from pipeline.figures.journal import read_record

    return read_record(Path(path))


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
