"""Replace the segmentation of a sample by another result for the same movie, and lose nothing that people did.

ROIs that are the same as old ones (Hungarian matching, intersection over union of at least 0.7) inherit ``roi_uuid``,
tags and decisions. Old ones that are none of the new but carry a tag or a decision stay with their traces, marked
deleted; those that people drew, merged or split stay as they are, because they are decisions themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy import sparse

from nwb_schema import local_hdf5
from nwb_schema.columns import ColumnKind, ColumnType
from nwb_schema.edits.commit import Committed, commit, version_of
from nwb_schema.edits.identity import CarriedOver, carry_over, given_by_people
from nwb_schema.edits.sample_state import SampleState
from nwb_schema.edits.segmentation_edit import ReplaceSegmentation
from nwb_schema.edits.state_reading import read_state
from nwb_schema.edits.tables import new_column
from nwb_schema.errors import EditError
from nwb_schema.layout import (
    CURATED,
    DELETED,
    ENGINE_ORIGIN,
    FLAGS,
    FLUORITE,
    ORIGIN,
    PARENTS,
    PLANE_SEGMENTATION,
    SCORES,
    TRACED,
)
from nwb_schema.metadata import build_metadata
from nwb_schema.names import clean_text
from nwb_schema.project import Project
from nwb_schema.provenance import Provenance
from nwb_schema.publishing import partial_path
from nwb_schema.reader import (
    TRACE_KINDS,
    open_sample,
    read_footprints,
    read_images,
    read_provenance,
    read_rois,
    read_summary,
    read_traces,
    trace_kinds,
)
from nwb_schema.segmentation import Segmentation
from nwb_schema.writer import write_sample

_OWN = ("is_accepted", "evaluated", *FLAGS, *TRACED)


@dataclass(frozen=True)
class Replaced:
    """What `replace_segmentation` did.

    Attributes
    ----------
    committed
        The edit.
    n_matched, n_new, n_kept, n_left
        ROIs that are old ones; that are new; old ones that stay beside them; and old ones, untouched by people, that
        are in the former segmentation alone.
    """

    committed: Committed
    n_matched: int
    n_new: int
    n_kept: int
    n_left: int


def replace_segmentation(
    project: Project,
    path: Path,
    segmentation: Segmentation,
    provenance: Provenance,
    *,
    source: str,
    actor: str,
    reason: str = "",
) -> Replaced:
    """Let `segmentation` take the place of the sample's own, as one edit that can be undone.

    Parameters
    ----------
    segmentation
        Of the same frames as the sample's movie.
    provenance
        How it came to be; what it does not say of the movie stays as the sample has it.
    source
        Where it is from, for people.
    actor, reason
        See `nwb_schema.edits.commit`.

    Raises
    ------
    EditError
        When it is of another size of frame or number of frames, holds no ROI, or others edited the sample meanwhile.
    """
    version = version_of(project, path)
    state = read_state(path)
    _check_fit(path, segmentation)
    if state.roi_uuids and _is_elsewhere(path):
        raise EditError(path, "its ROIs are where another program put them", "Import the results as a new sample.")
    old = read_footprints(path)
    given = _given(project, state)
    carried = carry_over(old, state.roi_uuids, given, segmentation.footprints)
    people = _by_people(state)
    matched = set(carried.old_row[carried.old_row >= 0].tolist())
    kept = tuple(sorted(set(carried.kept) | (people - matched)))
    combined = _combined(path, segmentation, old, kept)
    uuids = [*carried.roi_uuids, *(state.roi_uuids[row] for row in kept)]
    columns = _columns(state, carried, kept, people, combined.n_rois, _replacements(project, state))
    n_matched, n_old = len(matched), len(state.roi_uuids)
    counts = (n_matched, segmentation.n_rois - n_matched, len(kept), n_old - n_matched - len(kept))
    what = (
        f"replaced the segmentation by {clean_text(source)[:80]}: {counts[0]} ROIs matched, {counts[1]} new, "
        f"{counts[2]} old ones kept, {counts[3]} left out"
    )
    project.edits_dir.mkdir(exist_ok=True)
    made = partial_path(project.edits_dir)
    try:
        types = {name: column.type for name, column in state.columns.items()}
        content = _write(made, path, combined, provenance, uuids, columns, types)
        edit = ReplaceSegmentation(made, content, what)
        committed = commit(project, path, edit, actor=actor, reason=reason, based_on=version)
    finally:
        made.unlink(missing_ok=True)
    return Replaced(committed, *counts)


def _check_fit(path: Path, segmentation: Segmentation) -> None:
    summary = read_summary(path)
    shape = (summary.height, summary.width) + ((summary.depth,) if summary.depth else ())
    if segmentation.shape != shape:
        raise EditError(
            path, f"has frames of {shape}, the results of {segmentation.shape}", "Give results for this movie."
        )
    if segmentation.n_frames not in (None, summary.n_frames):
        raise EditError(
            path,
            f"has {summary.n_frames} frames, the results {segmentation.n_frames}",
            "Give results for this movie.",
        )
    if segmentation.n_rois == 0:
        raise EditError(path, "the results hold no ROI", "Delete the sample's ROIs one by one if you mean it.")


def _is_elsewhere(path: Path) -> bool:
    with open_sample(path) as file:
        return local_hdf5.local_group(file, PLANE_SEGMENTATION) is None


def _replacements(project: Project, state: SampleState) -> dict[str, Any]:
    """Per column that people fill the value that means that nobody did."""
    configured = {column.key: column.replacement for column in project.columns(ColumnKind.ROI_TAG)}
    return {
        name: configured.get(name, column.type.replacement)
        for name, column in state.columns.items()
        if name not in _OWN
    }


def _given(project: Project, state: SampleState) -> dict[str, dict[int, Any]]:
    no = (False,) * len(state.roi_uuids)
    flags = {name: state.columns[name].values if name in state.columns else no for name in (CURATED, DELETED)}
    values = {name: column.values for name, column in state.columns.items()}
    replacements = _replacements(project, state)
    return given_by_people(values, curated=flags[CURATED], deleted=flags[DELETED], replacements=replacements)


def _by_people(state: SampleState) -> set[int]:
    origin = state.columns.get(ORIGIN)
    return {row for row, value in enumerate(origin.values if origin else ()) if value != ENGINE_ORIGIN}


def _combined(path: Path, new: Segmentation, old: sparse.csr_array, kept: tuple[int, ...]) -> Segmentation:
    """The new ROIs, and after them the old ones that stay."""
    rows = list(kept)
    there = set(trace_kinds(path))
    n_frames = read_summary(path).n_frames or new.n_frames or 0
    traces: dict[str, Any] = {}
    for kind in TRACE_KINDS:
        mine = getattr(new, kind)
        if mine is None and not (rows and kind in there):
            continue
        parts = [np.full((new.n_rois, n_frames), np.nan, np.float32) if mine is None else mine]
        if rows:
            nothing = np.full((len(rows), n_frames), np.nan, np.float32)
            parts.append(read_traces(path, kind, rows) if kind in there else nothing)
        traces[kind] = np.vstack(parts)
    table = read_rois(path)
    scores: dict[str, Any] = {}
    for name in SCORES:
        mine = getattr(new, name)
        if mine is not None:
            scores[name] = np.append(mine, table[name].to_numpy(np.float32)[rows]).astype(np.float32)
    both = [new.footprints, old[rows]] if rows else [new.footprints]
    return replace(
        new,
        footprints=sparse.csr_array(sparse.vstack(both, format="csr")),
        rate_hz=read_summary(path).rate_hz or new.rate_hz,
        accepted=np.append(new.accepted, table["is_accepted"].to_numpy(bool)[rows]),
        images={**read_images(path), **new.images},
        **traces,
        **scores,
    )


def _columns(
    state: SampleState,
    carried: CarriedOver,
    kept: tuple[int, ...],
    people: set[int],
    n_rois: int,
    replacements: Mapping[str, Any],
) -> dict[str, list[Any]]:
    """Values of every column that people fill, new ROIs first and then the old ones that stay."""
    n_new = n_rois - len(kept)
    defaults = {CURATED: False, DELETED: False, ORIGIN: ENGINE_ORIGIN, PARENTS: "", **replacements}
    columns: dict[str, list[Any]] = {}
    for name, default in defaults.items():
        column = state.columns.get(name)
        values = [default] * n_new
        for row, value in carried.inherited.get(name, {}).items():
            values[row] = value
        columns[name] = values + [default if column is None else column.values[row] for row in kept]
    for position, row in enumerate(kept):
        if row not in people:
            columns[DELETED][n_new + position] = True
    accepted = carried.inherited.get("is_accepted", {})
    columns["is_accepted"] = [accepted.get(row) for row in range(n_new)] + [
        state.columns["is_accepted"].values[row] for row in kept
    ]
    return columns


def _write(
    made: Path,
    path: Path,
    segmentation: Segmentation,
    provenance: Provenance,
    uuids: list[str],
    columns: dict[str, list[Any]],
    types: Mapping[str, ColumnType],
) -> str:
    """Write an NWB file with the new segmentation, checked as any sample is; returns its ROI table's ``object_id``."""
    former = read_provenance(path)
    summary = read_summary(path)
    metadata = build_metadata(subject="replaced", session="replaced", one_photon=bool(summary.one_photon))
    files = dict.fromkeys((*former.get("input_files", ()), *provenance.input_files))
    write_sample(
        made,
        identifier=summary.identifier,
        metadata=metadata,
        segmentation=segmentation,
        provenance=replace(
            provenance,
            input_files=tuple(files),
            input_sha256=str(former.get("input_sha256") or provenance.input_sha256),
        ),
        registered_movie=None,
        shifts=None,
    )
    notes = list(dict.fromkeys((*summary.notes, *provenance.notes)))
    described = {**FLAGS, **TRACED, **_descriptions(path)}
    with h5py.File(made, "r+") as file:
        table = file[PLANE_SEGMENTATION]
        table["roi_uuid"][...] = np.array(uuids, dtype=object)
        flags = table["is_accepted"][()]
        for row, flag in enumerate(columns.pop("is_accepted")):
            flags[row] = flags[row] if flag is None else flag
        table["is_accepted"][...] = flags
        for name, values in columns.items():
            type_ = types.get(name, ColumnType.TEXT if name in TRACED else ColumnType.YES_NO)
            stored = [np.nan if value is None else value for value in values]
            new_column(table, name, type_, described.get(name, f"ROI tag column: {name}."), stored)
        own = file[FLUORITE]
        if "notes" in own:
            del own["notes"]
        if notes:
            own.create_dataset("notes", data=notes, dtype=h5py.string_dtype())
        return str(table.attrs["object_id"])


def _descriptions(path: Path) -> dict[str, str]:
    """What the columns of the sample's ROI table say of themselves."""
    with open_sample(path) as file:
        table = local_hdf5.local_group(file, PLANE_SEGMENTATION)
        children = () if table is None else local_hdf5.local_children(table)
        return {name: local_hdf5.as_text(node.attrs.get("description", "")) for name, node in children}
