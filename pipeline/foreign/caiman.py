"""Results of CaImAn: the HDF5 file of ``CNMF.save``, alone or in a batch folder of mesmerize-core."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from pipeline.foreign.found import Found
from pipeline.request import default_session
from pipeline.results import (
    is_one_photon,
    read_engine,
    read_parameters,
    read_patch_shifts,
    read_results,
    read_results_notes,
    read_shifts,
)

NEVER_EVALUATED = "The components were never evaluated: all of them count as accepted."


def read_caiman(path: Path, *, rate_hz: float | None = None) -> Found:
    """The components in a results file of CaImAn, or of one of our engines.

    In a batch folder of mesmerize-core, the movie that CaImAn worked on lies beside it as a memory map.

    Raises
    ------
    ResultsError
        When the file cannot be read, or contradicts itself.
    """
    segmentation = read_results(path, rate_hz=rate_hz)
    engine, version = read_engine(path)
    parameters, _ = read_parameters(path)
    notes = () if segmentation.evaluated else (NEVER_EVALUATED,)
    found = Found(
        source=path,
        files=(path,),
        segmentation=segmentation,
        keep=lambda to, _: _copy(path, to),
        session=default_session(path),
        engine=engine,
        engine_version=version,
        parameters=parameters,
        notes=(*notes, *read_results_notes(path)),
        one_photon=is_one_photon(path),
        shifts=read_shifts(path),
        patch_shifts=read_patch_shifts(path),
    )
    return _of_batch(found) if is_batch_item(path) else found


def is_batch_item(path: Path) -> bool:
    """Whether a results file lies where mesmerize-core puts it: ``<uuid>/<uuid>.hdf5``."""
    return path.parent.name == path.stem and len(path.stem) == 36 and path.stem.count("-") == 4


def _of_batch(found: Found) -> Found:
    """The same with the movie beside it, where it still is, and what of the batch is not known."""
    path = found.source
    maps = sorted(path.parent.glob(f"{path.stem}_cnmf-memmap_*.mmap"))
    note = (
        "An item of a mesmerize-core batch: its name, comments and links to other items are in the batch's table, a "
        "pickle, which was not opened."
    )
    return replace(
        found,
        session=f"{path.parent.parent.name}-{path.stem[:8]}",
        movie=maps[0] if len(maps) == 1 else None,
        notes=(*found.notes, f"mesmerize-core item {path.stem}.", note),
    )


def _copy(path: Path, to: Path) -> None:
    shutil.copyfile(path, to)
