"""The images in which cells are looked for: peak-to-noise ratio, correlation with the neighbours, and their product."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import SampleError
from nwb_schema.movie_file import MovieFile
from nwb_schema.publishing import partial_path, publish_over
from nwb_schema.reader import read_images, read_provenance, read_summary, registered_movie_path

NAMES = ("pnr", "correlation", "search")
_PRESET_GSIG = (3, 3)
# The three images of a page are asked for at once, and each needs the whole movie.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Initialisation:
    """The three images ``(height, width)`` float32 by name (`NAMES`), and what they are of, in a sentence."""

    images: Mapping[str, NDArray[np.float32]]
    what: str


def stored_initialisation(images: Mapping[str, NDArray[np.float32]]) -> Initialisation | None:
    """From a sample's summary images; None when it lacks one of the two."""
    if "pnr" not in images or "correlation" not in images:
        return None
    return Initialisation(
        _with_search(images["pnr"], images["correlation"]), "Of the registered movie, pixel by pixel."
    )


def filtered_initialisation(path: Path, progress: Callable[[float], None] = lambda done: None) -> Initialisation:
    """As the method ``corr_pnr`` sees a one-photon movie: filtered for things of a cell's size. Reads all of the movie.

    Raises
    ------
    SampleError
        When the sample has no registered movie of one plane.
    """
    # Brings the engine along, which takes a second.
    from pipeline.engines.builtin.cnmfe.corr_pnr import corr_pnr

    if read_summary(path).depth:
        raise SampleError(path, "is of volumes, which this filter is not for", "Its own summary images serve.")
    gsig, center_psf = _filter(path)
    with MovieFile(registered_movie_path(path)) as movie:
        found = corr_pnr(movie, gsig, center_psf=center_psf, progress=progress)  # type: ignore[arg-type]
    return Initialisation(
        _with_search(found.pnr, found.correlation),
        f"Of the registered movie, filtered for cells of gSig {gsig[0]} x {gsig[1]} px.",
    )


def initialisation_of(
    path: Path, progress: Callable[[float], None] = lambda done: None, cache: Path | None = None
) -> Initialisation | None:
    """What fits the sample: filtered for a one-photon movie, the stored images for others; None when it has neither.

    Parameters
    ----------
    cache
        A folder in which what was computed is kept; registered movies never change.
    """
    if not is_filtered(path):
        return stored_initialisation(read_images(path))
    with _one_at_a_time:
        kept = None if cache is None else cache / f"{read_summary(path).identifier}-{_recipe(path)}.npz"
        found = _read_kept(kept)
        if found is None:
            found = filtered_initialisation(path, progress)
            _keep(kept, found)
        return found


def is_filtered(path: Path) -> bool:
    """Whether the images of this sample are made from its movie, which may take a while."""
    summary = read_summary(path)
    return bool(summary.one_photon and summary.has_movie and not summary.depth)


def _recipe(path: Path) -> str:
    gsig, center_psf = _filter(path)
    return f"{gsig[0]}x{gsig[1]}{'' if center_psf else '-smooth'}"


def _read_kept(kept: Path | None) -> Initialisation | None:
    if kept is None:
        return None
    try:
        with np.load(kept) as stored:
            return Initialisation({name: stored[name] for name in NAMES}, str(stored["what"]))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def _keep(kept: Path | None, found: Initialisation) -> None:
    if kept is None:
        return
    with suppress(OSError):  # a project that may only be read: computed again next time
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary = partial_path(kept.parent)
        with temporary.open("wb") as file:
            arrays: dict[str, Any] = {"what": np.array(found.what), **found.images}
            np.savez_compressed(file, **arrays)
        publish_over(temporary, kept)


def _with_search(pnr: NDArray[np.float32], correlation: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    return {"pnr": pnr, "correlation": correlation, "search": pnr * correlation}


def _filter(path: Path) -> tuple[tuple[int, int], bool]:
    """``gSig`` and ``center_psf`` of the sample's parameters; those of the preset where it does not say."""
    parameters = read_provenance(path).get("parameters")
    init = parameters.get("init") if isinstance(parameters, Mapping) else None
    init = init if isinstance(init, Mapping) else {}
    value, center_psf = init.get("gSig"), bool(init.get("center_psf", True))
    if isinstance(value, (list, tuple)) and len(value) >= 2 and all(isinstance(side, (int, float)) for side in value):
        return (max(1, round(value[0])), max(1, round(value[1]))), center_psf
    return _PRESET_GSIG, center_psf
