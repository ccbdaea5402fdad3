"""What can be imported from the path that a person gives: one file, or a folder with several results."""

from __future__ import annotations

from pathlib import Path

import h5py

from nwb_schema.errors import ResultsError
from pipeline.curation.mask_files import FORMATS
from pipeline.foreign.caiman import is_batch_item, read_caiman
from pipeline.foreign.drawn import is_drawn
from pipeline.foreign.found import Found
from pipeline.foreign.suite2p import is_plane_folder, plane_folders, read_mat, read_plane_folder

_FOLDERS = "Give Suite2p's folder (suite2p/plane0, or suite2p), or a batch folder of mesmerize-core."
ANY_RESULTS = (
    "Give CaImAn's HDF5 file, Suite2p's folder or Fall.mat, a batch folder of mesmerize-core, or ROIs "
    f"({', '.join(FORMATS)})."
)
_OF_SUITE2P = ("F.npy", "Fneu.npy", "spks.npy", "stat.npy", "ops.npy", "iscell.npy")
_PICKLES = (".pickle", ".pkl")
RESULT_ENDINGS = (".hdf5", ".h5", ".hdf", ".mat", *FORMATS, *_PICKLES)
"""How the names of files end that may hold results."""


def results_at(path: Path) -> list[Path]:
    """The results at a path, each of which becomes a sample: the file itself, or what a folder holds.

    A folder may be Suite2p's (of a plane, or of all of them) or a batch of mesmerize-core; the pickle of a batch stands
    for its folder, and is not opened.

    Raises
    ------
    ResultsError
        When there is nothing, or nothing that is known.
    """
    if path.is_file() and path.suffix.lower() in _PICKLES:
        found = _batch_items(path.parent)
        if not found:
            raise ResultsError(
                path, "is a pickle, which is never opened, and there are no results <uuid>/<uuid>.hdf5 beside it",
                "Give the batch table of mesmerize-core where its results are, or a results file.",
            )  # fmt: skip
        return found
    if path.is_file() and path.name in _OF_SUITE2P:
        raise ResultsError(path, "is one of several files of Suite2p", f"Give their folder: {path.parent}")
    if path.is_file() and path.suffix.lower() == ".nwb":
        raise ResultsError(path, "is an NWB file", f"Make a sample of it with: fluorite adopt {path}")
    if not path.exists():
        raise ResultsError(path, "there is no such file or folder", ANY_RESULTS)
    if not path.is_dir():
        if path.suffix.lower() not in RESULT_ENDINGS and not h5py.is_hdf5(path):
            raise ResultsError(path, "is of no kind of results that is known", ANY_RESULTS)
        return [path]
    if is_plane_folder(path):
        return [path]
    found = plane_folders(path) or _batch_items(path)
    if not found:
        raise ResultsError(path, "is a folder without results that are known", _FOLDERS)
    return found


def _batch_items(folder: Path) -> list[Path]:
    """Results files of a batch, or of the folder of one of its items, in order of their time."""
    files = [*folder.glob("*/*.hdf5"), *folder.glob("*.hdf5")]
    return sorted((path for path in files if is_batch_item(path)), key=lambda path: (path.stat().st_mtime, path.name))


def read_traced(path: Path, *, rate_hz: float | None = None) -> Found:
    """The one result at a path, for a sample whose movie is at hand already.

    Raises
    ------
    ResultsError
        When it cannot be read, there are several, or they are ROIs without traces.
    """
    paths = results_at(path)
    if len(paths) > 1:
        names = ", ".join(map(str, paths[:3]))
        raise ResultsError(path, f"holds {len(paths)} results", f"Give one of them: {names}.")
    if is_drawn(path):
        raise ResultsError(
            path, "holds ROIs without traces", "Add them to the sample with: fluorite add-rois DIR SAMPLE FILE"
        )
    return read_found(paths[0], rate_hz=rate_hz)


def read_found(path: Path, *, rate_hz: float | None = None) -> Found:
    """The components at one of `results_at`'s paths.

    Raises
    ------
    ResultsError
        When they cannot be read.
    """
    if path.is_dir():
        return read_plane_folder(path, rate_hz=rate_hz)
    if path.suffix.lower() == ".mat":
        return read_mat(path, rate_hz=rate_hz)
    return read_caiman(path, rate_hz=rate_hz)
