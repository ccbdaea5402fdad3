"""What a notebook changes of a sample: each call is one edit, as from the page and the command line.

Every function takes the project, the sample's name or identifier, and ``reason``, which is kept with the edit; each
returns what was committed. See `nwb_schema.edits` for edits that are made together and for editing with others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nwb_schema import edits as core
from nwb_schema.columns import ColumnKind
from nwb_schema.edits.lookup import find_column, find_rois
from nwb_schema.project import Project
from nwb_schema.reader import read_rois
from pipeline.curation.neuropil import Neuropil
from pipeline.jobs import current_actor


def accept(project: Project, sample: str, rois: Iterable[str], *, reason: str = "") -> core.Committed:
    """Say that ROIs (``roi_uuid``, or prefixes of at least 8 characters) count as cells."""
    return _commit(project, sample, core.Accept(_found(project, sample, rois)), reason)


def reject(project: Project, sample: str, rois: Iterable[str], *, reason: str = "") -> core.Committed:
    """Say that ROIs do not count as cells."""
    return _commit(project, sample, core.Reject(_found(project, sample, rois)), reason)


def delete(project: Project, sample: str, rois: Iterable[str], *, reason: str = "") -> core.Committed:
    """Mark ROIs as deleted; they and their traces stay in the file."""
    return _commit(project, sample, core.Delete(_found(project, sample, rois)), reason)


def restore(project: Project, sample: str, rois: Iterable[str], *, reason: str = "") -> core.Committed:
    """Bring deleted ROIs back."""
    return _commit(project, sample, core.Delete(_found(project, sample, rois), deleted=False), reason)


def tag(
    project: Project, sample: str, rois: Iterable[str], column: str, value: Any, *, reason: str = ""
) -> core.Committed:
    """Give ROIs a value in a tag column that the project configures.

    Raises
    ------
    nwb_schema.errors.EditError
        When there is no such ROI or column, or the column cannot take the value.
    """
    found = find_column(project.columns(ColumnKind.ROI_TAG), column)
    return _commit(project, sample, core.Tag(_found(project, sample, rois), found, value), reason)


def merge(project: Project, sample: str, rois: Iterable[str], *, reason: str = "") -> core.Committed:
    """Make one ROI of several, which get marked deleted; see `pipeline.curation.merging.merged`."""
    from pipeline.curation.rois import merge_rois  # with the engine, which takes a second to import

    found = _found(project, sample, rois)
    return merge_rois(project, project.find_sample(sample), found, actor=current_actor(), reason=reason)


def split(
    project: Project,
    sample: str,
    roi: str,
    *,
    masks: NDArray[np.bool_] | None = None,
    n_parts: int | None = None,
    reason: str = "",
) -> core.Committed:
    """Make several ROIs of one, which gets marked deleted.

    Parameters
    ----------
    masks
        ``(n, height, width)``: which pixels belong to which part.
    n_parts
        How many, where `masks` does not say; None: its connected pieces, or two.
    """
    from pipeline.curation.rois import split_roi

    (found,) = _found(project, sample, roi)
    path = project.find_sample(sample)
    return split_roi(project, path, found, masks=masks, n_parts=n_parts, actor=current_actor(), reason=reason)


def add_rois(
    project: Project,
    sample: str,
    masks: NDArray[Any] | str | Path,
    *,
    neuropil: Neuropil | None = None,
    reason: str = "",
) -> core.Committed:
    """Add ROIs that were drawn: their fluorescence is the mean of the registered movie in each mask.

    Parameters
    ----------
    masks
        ``(n, height, width)``, or a file (`pipeline.curation.mask_files`).
    neuropil
        Take off what surrounds them, such as ``fluorite.Neuropil(factor=0.7)``.
    """
    from pipeline.curation.mask_files import read_masks
    from pipeline.curation.rois import add_rois as add_drawn
    from pipeline.curation.rois import plane_of

    path = project.find_sample(sample)
    found = masks if isinstance(masks, np.ndarray) else read_masks(Path(masks), plane_of(path))
    return add_drawn(project, path, found, neuropil=neuropil, actor=current_actor(), reason=reason)


def evaluate(
    project: Project, sample: str, thresholds: Mapping[str, Any] | None = None, *, reason: str = ""
) -> core.Committed:
    """Judge the ROIs anew by their scores, such as ``{"min_SNR": 3}``; what a person decided stays."""
    from pipeline.curation.evaluating import evaluate_sample

    return evaluate_sample(project, project.find_sample(sample), thresholds, actor=current_actor(), reason=reason)


def import_into(project: Project, sample: str, results: str | Path, *, reason: str = "") -> core.Committed:
    """Replace the segmentation of a sample by a results file for the same movie; tags and decisions carry over."""
    from pipeline.curation.replacing import import_into as replace

    path = project.find_sample(sample)
    return replace(project, path, Path(results), actor=current_actor(), reason=reason).committed


def choose_variant(project: Project, sample: str, variant: str, *, reason: str = "") -> core.Committed:
    """Let another result of `fluorite.variants` (by its id) become the sample's segmentation; see `import_into`."""
    from pipeline.variants.choosing import choose_variant as choose

    path = project.find_sample(sample)
    return choose(project, path, variant, actor=current_actor(), reason=reason).committed


def set_field(project: Project, sample: str, name: str, value: Any, *, reason: str = "") -> core.Committed:
    """Change metadata, such as ``subject.age`` or ``imaging.indicator``; see `nwb_schema.edits.fields.FIELDS`."""
    return _commit(project, sample, core.SetField(name, value), reason)


def undo(project: Project, sample: str, *, reason: str = "") -> core.Committed:
    """Take back the last edit of a sample that is not undone."""
    return core.undo(project, project.find_sample(sample), actor=current_actor(), reason=reason)


def redo(project: Project, sample: str, *, reason: str = "") -> core.Committed:
    """Do again what was undone last."""
    return core.redo(project, project.find_sample(sample), actor=current_actor(), reason=reason)


def edits(project: Project, sample: str) -> pd.DataFrame:
    """The history of a sample, one row an edit, oldest first."""
    names = ("at", "actor", "kind", "what", "reason", "id", "undoes")
    rows = core.edits_of(project, project.find_sample(sample))
    return pd.DataFrame([[str(getattr(row, name)) for name in names] for row in rows], columns=list(names))


def _found(project: Project, sample: str, rois: Iterable[str]) -> tuple[str, ...]:
    known = [roi for roi in read_rois(project.find_sample(sample))["roi_uuid"] if roi is not None]
    return find_rois(known, [rois] if isinstance(rois, str) else rois)


def _commit(project: Project, sample: str, edit: core.Edit, reason: str) -> core.Committed:
    return core.commit(project, project.find_sample(sample), edit, actor=current_actor(), reason=reason)
