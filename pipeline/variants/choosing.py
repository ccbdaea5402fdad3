"""Let another result for its movie become a sample's segmentation."""

from __future__ import annotations

from pathlib import Path

from nwb_schema.project import Project
from nwb_schema.resegmentation import Replaced
from pipeline.curation.replacing import import_into
from pipeline.variants.listing import find_variant


def choose_variant(project: Project, path: Path, variant: str, *, actor: str, reason: str = "") -> Replaced:
    """Replace the segmentation of the sample `path` by a variant's: one edit, which is undone like any other.

    Matched ROIs keep identity, tags and decisions (`nwb_schema.resegmentation`); all results files stay.

    Parameters
    ----------
    variant
        Its id, the first letters of that, or its place in the list, from 1.

    Raises
    ------
    JobError
        When there is no such variant.
    EditError
        When others edited the sample meanwhile.
    """
    chosen = find_variant(project, path, variant)
    words = [chosen.title, f"({chosen.engine} {chosen.engine_version}, {chosen.id[:8]})"]
    return import_into(project, path, chosen.results, actor=actor, reason=reason, source=" ".join(filter(None, words)))
