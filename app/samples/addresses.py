"""Addresses of what pages fetch of a sample: frames, images, outlines and files; `app.routes` answers them.

A browser caches an image by its address, so every address carries the signature of the file that it is made from
(``v``) and, where it matters, the levels; the answers may then be kept for ever.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from app.movie_pool import Shown
from app.samples.store import SampleData
from pipeline.outputs.events import LEAST_NOISE
from pipeline.outputs.initialisation import is_filtered
from pipeline.outputs.writing import CELL_IMAGES

# Browsers keep outlines for ever, also when another version of Fluorite says more in them: then this is another number.
_OUTLINES_FORM = 2


def frame_url(sample: SampleData, shown: Shown, view: str = "movie") -> str:
    """Address of a frame, with ``{n}`` for its number.

    The player adds ``lo``, ``hi``, with a running mean ``mean`` and of a volume ``z``.
    """
    return f"/frames/{_name(sample)}/{{n}}.jpg?{urlencode(_view_query(shown, view))}"


def levels_url(sample: SampleData, shown: Shown, view: str = "movie") -> str:
    """Address of what a contrast control needs to know of a movie; the player adds ``mean`` and, of planes, ``z``."""
    return f"/levels/{_name(sample)}.json?{urlencode(_view_query(shown, view))}"


def projection_url(sample: SampleData, name: str) -> str:
    """Address of a summary image; the player adds ``lo``, ``hi`` and, of a volume, ``z``."""
    return f"/projections/{_name(sample)}/{quote(name, safe='')}.jpg?{urlencode({'v': sample.signature})}"


def contours_url(sample: SampleData) -> str:
    """Address of the outlines of all ROIs; the player adds ``z`` for those in one plane of a volume."""
    return f"/contours/{_name(sample)}.json?{urlencode({'v': sample.signature, 'form': _OUTLINES_FORM})}"


def thumbnail_url(identifier: str, signature: str) -> str:
    """Address of the small mean image in the list of samples."""
    return f"/thumbnails/{quote(identifier, safe='')}.jpg?{urlencode({'v': signature})}"


def cells_image_url(sample: SampleData) -> str | None:
    """Address of the image in which cells are seen best, in grey; None for a sample that has none.

    A one-photon movie's own images are of its background.
    """
    if is_filtered(sample.path):
        asked = urlencode({"v": sample.signature, "grey": 1})
        return f"/result-images/{_name(sample)}/initialisation/pnr.png?{asked}"
    found = next((name for name in CELL_IMAGES if name in sample.shown_images), None)
    found = found or next(iter(sample.shown_images), None)
    return projection_url(sample, found) if found else None


def initialisation_url(sample: SampleData, name: str) -> str:
    """Address of one of the initialisation images, in colours."""
    return f"/result-images/{_name(sample)}/initialisation/{name}.png?{urlencode({'v': sample.signature})}"


def raster_url(sample: SampleData, *, rejected: bool, least: float) -> str:
    """Address of the raster of events."""
    asked = urlencode({"rejected": int(rejected), "least": f"{least:g}", "v": sample.signature})
    return f"/result-images/{_name(sample)}/raster.png?{asked}"


def file_url(sample: SampleData, name: str, *, rejected: bool = False, least: float = LEAST_NOISE) -> str:
    """Address of one output as a file."""
    asked = urlencode({"rejected": int(rejected), "least": f"{least:g}"})
    return f"/result-files/{_name(sample)}/{quote(name)}?{asked}"


def _view_query(shown: Shown, view: str) -> dict[str, str]:
    return {"v": shown.signature} | ({} if view == "movie" else {"view": view})


def _name(sample: SampleData) -> str:
    return quote(sample.name, safe="")
