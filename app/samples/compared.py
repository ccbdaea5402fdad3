"""Two results for the movie of one sample, loaded and compared; a few kept in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from app.movie_pool import file_signature
from app.samples.outputs import outputs_of
from app.samples.store import SampleData
from app.workspace import Workspace
from nwb_schema.errors import FluoriteError, JobError
from nwb_schema.reader import read_provenance
from pipeline.outputs.cell_set import CellSet, cell_set_of
from pipeline.outputs.writing import KINDS
from pipeline.results import read_cells, read_results
from pipeline.variants.comparing import Comparison, Overview, compare_cells, overview_of
from pipeline.variants.listing import Variant, list_variants

SAMPLE = "sample"
"""Names the sample as it is now, with everything that people did to it."""
_KEPT = 3
_KEPT_OVERVIEWS = 200

_loaded: OrderedDict[tuple[str, str], CellSet] = OrderedDict()
_overviews: OrderedDict[tuple[object, ...], Overview] = OrderedDict()
_pairs: OrderedDict[tuple[object, ...], Pair] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True)
class Side:
    """One of the two.

    Attributes
    ----------
    id
        Of the variant, or `SAMPLE`.
    title, made_by
        What people call it, and the engine.
    variant
        The results file that it is, or, of the sample, came from; None where that is not there.
    cells
        Its cells, all of them.
    parameters
        What it was made with.
    """

    id: str
    title: str
    made_by: str
    variant: Variant | None
    cells: CellSet
    parameters: dict[str, object]


@dataclass(frozen=True)
class Pair:
    """Both, and what they have in common."""

    a: Side
    b: Side
    shown_a: CellSet
    shown_b: CellSet
    comparison: Comparison


def variants_of(workspace: Workspace, sample: SampleData) -> list[Variant]:
    """All results that the project has for the movie of a sample, the oldest first."""
    return list_variants(workspace.project, sample.path)


def first_choice(variants: list[Variant]) -> tuple[str, str]:
    """What is compared at first: the sample, and the newest result that it does not have."""
    others = [variant.id for variant in variants if not variant.is_chosen]
    return SAMPLE, others[-1] if others else SAMPLE


def load_side(workspace: Workspace, sample: SampleData, variants: list[Variant], name: str) -> Side:
    """One of the two.

    Raises
    ------
    FluoriteError
        When there is no such result (any more), or it cannot be read.
    """
    if name == SAMPLE:
        chosen = next((variant for variant in variants if variant.is_chosen), None)
        summary, provenance = sample.summary, read_provenance(sample.path)
        stored = provenance.get("parameters")
        made_by = " ".join(filter(None, (summary.engine, summary.engine_version)))
        # From the results file where it is there: compared with another file, the very same words stand for a value.
        parameters = chosen.parameters if chosen is not None else stored if isinstance(stored, dict) else {}
        cells = outputs_of(workspace, sample).cells
        return Side(SAMPLE, "The sample as it is now", made_by, chosen, cells, dict(parameters))
    variant = next((variant for variant in variants if variant.id == name), None)
    if variant is None:
        raise JobError(name[:60], "is not among the results of this movie any more", "Reload the page.")
    key = (str(variant.results), file_signature(variant.results))
    with _lock:
        found = _loaded.get(key)
    if found is None:
        found = cell_set_of(read_results(variant.results, rate_hz=sample.summary.rate_hz), sample.images, KINDS)
    with _lock:
        _loaded[key] = found
        _loaded.move_to_end(key)
        while len(_loaded) > _KEPT:
            _loaded.popitem(last=False)
    title = variant.title or variant.id[:8]
    made_by = f"{variant.engine} {variant.engine_version}"
    return Side(variant.id, title, made_by, variant, found, dict(variant.parameters))


def overviews(workspace: Workspace, sample: SampleData, variants: list[Variant]) -> dict[str, Overview]:
    """Each result next to the sample, by its id; those that cannot be compared are left out."""
    side = load_side(workspace, sample, variants, SAMPLE)
    found = {}
    for variant in variants:
        key = (sample.path, sample.signature, variant.id, file_signature(variant.results))
        with _lock:
            kept = _overviews.get(key)
        if kept is None:
            try:
                cells = cell_set_of(read_cells(variant.results))
                kept = overview_of(side.cells, side.parameters, cells, variant.parameters)
            except (FluoriteError, ValueError):  # another size of frame, or a damaged file
                continue
        with _lock:
            _overviews[key] = kept
            while len(_overviews) > _KEPT_OVERVIEWS:
                _overviews.popitem(last=False)
        found[variant.id] = kept
    return found


def load_pair(
    workspace: Workspace, sample: SampleData, names: tuple[str, str], *, accepted_only: bool, least_overlap: float
) -> Pair:
    """Both sides and their comparison.

    Raises
    ------
    FluoriteError
    """
    variants = variants_of(workspace, sample)
    there = {variant.id: file_signature(variant.results) for variant in variants}
    # Each click on a cell asks for the pair again.
    key = (sample.path, sample.signature, names, *(there.get(name) for name in names), accepted_only, least_overlap)
    with _lock:
        if key in _pairs:
            _pairs.move_to_end(key)
            return _pairs[key]
    a, b = (load_side(workspace, sample, variants, name) for name in names)
    if a.cells.shape != b.cells.shape:
        raise JobError(b.title, f"has frames of {b.cells.shape}, the other {a.cells.shape}", "Compare others.")
    shown_a, shown_b = (_shown(side.cells, accepted_only=accepted_only) for side in (a, b))
    pair = Pair(a, b, shown_a, shown_b, compare_cells(shown_a, shown_b, least_overlap))
    with _lock:
        _pairs[key] = pair
        while len(_pairs) > _KEPT:
            _pairs.popitem(last=False)
    return pair


def _shown(cells: CellSet, *, accepted_only: bool) -> CellSet:
    return cells.rows(np.flatnonzero(cells.accepted)) if accepted_only else cells
