"""Images by address: frames of movies, projections, thumbnails and outlines.

Every address carries the signature of the file that its image is made from (`app.samples.addresses`); the answer to one
with the signature that holds may be kept for ever.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from flask import Blueprint, Response, jsonify, request
from numpy.typing import NDArray

from app.samples.store import SampleData
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError, MovieError, SampleError
from pipeline.viewing.frames import MOST_AVERAGED
from pipeline.viewing.levels import Levels, contrast, to_uint8

# Above 90, JPEG files of noisy frames grow quickly and nobody sees the difference.
_JPEG_QUALITY = 90
THUMBNAIL_HEIGHT_PX = 96
_FOR_EVER = "private, max-age=31536000, immutable"

images = Blueprint("images", __name__)


@images.route("/frames/<identifier>/<int(signed=True):number>.jpg")
def frame(identifier: str, number: int) -> Response:
    """One frame of a movie, or a mean of as many as ``mean`` says, between the levels ``lo`` and ``hi``.

    ``view`` says of which movie (`Workspace.shown`); of a volume, ``z`` says which plane.
    """
    workspace = current_workspace()
    shown = workspace.shown(workspace.samples.get(identifier), request.args.get("view", "movie"))
    plane, mean = _asked_plane(), _asked_mean()
    values = workspace.movies.frame(shown, number, plane, mean=mean)
    levels = _asked_levels() or workspace.movies.contrast(shown, planes=plane is not None, mean=mean).auto
    return _jpeg(to_uint8(values, levels), shown.signature)


@images.route("/levels/<identifier>.json")
def levels(identifier: str) -> Response:
    """What a contrast control needs to know of a movie (`pipeline.viewing.levels.Contrast`); arguments as of frames.

    ``note`` says what could not be made sure of. A view that there is not has a ``problem`` instead, in words: to ask
    for it is no fault of the page.
    """
    workspace = current_workspace()
    try:
        shown = workspace.shown(workspace.samples.get(identifier), request.args.get("view", "movie"))
        found = workspace.movies.contrast(shown, planes=_asked_plane() is not None, mean=_asked_mean())
    except FluoriteError as error:
        answer = jsonify({"problem": f"{error.cause[:1].upper()}{error.cause[1:]}. {error.remedy}"})
        answer.headers["Cache-Control"] = "no-store"
        return answer
    return _cached(jsonify({**found.as_dict(), "note": workspace.movies.note(shown)}), shown.signature)


@images.route("/projections/<identifier>/<name>.jpg")
def projection(identifier: str, name: str) -> Response:
    """One summary image, between the levels ``lo`` and ``hi``; of a volume, its plane ``z``."""
    sample = current_workspace().samples.get(identifier)
    plane = _asked_plane()
    image = _summary_image(sample, name) if plane is None else _plane_image(sample, name, plane)
    return _jpeg(to_uint8(image, _asked_levels() or contrast(image).auto), sample.signature)


@images.route("/thumbnails/<identifier>.jpg")
def thumbnail(identifier: str) -> Response:
    """The mean image, or whatever image the sample has instead, small."""
    sample = current_workspace().samples.get(identifier)
    name = "mean" if "mean" in sample.shown_images else next(iter(sample.shown_images), "mean")
    image = _summary_image(sample, name)
    small = to_uint8(image, contrast(image).auto)
    height, width = small.shape
    if height > THUMBNAIL_HEIGHT_PX:
        size = (max(1, round(width * THUMBNAIL_HEIGHT_PX / height)), THUMBNAIL_HEIGHT_PX)
        small = cv2.resize(small, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return _jpeg(small, sample.signature)


@images.route("/contours/<identifier>.json")
def contours(identifier: str) -> Response:
    """The outlines of all ROIs (see `SampleData.contours_json`); of a volume, those in its plane ``z``."""
    sample = current_workspace().samples.get(identifier)
    plane = _asked_plane()
    found = sample.contours_json if plane is None else sample.plane_contours_json(plane)
    answer = Response(found, mimetype="application/json")
    answer.headers["Content-Encoding"] = "gzip"
    return _cached(answer, sample.signature)


@images.errorhandler(FluoriteError)
def refuse(error: FluoriteError) -> tuple[str, int, dict[str, str]]:
    """Say in words why there is no such image."""
    return f"{error}\n", 404, {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}


def _summary_image(sample: SampleData, name: str) -> NDArray[np.float32]:
    image = sample.shown_images.get(name)
    if image is None:
        raise SampleError(
            sample.path,
            f"has no summary image called {name!r}",
            f"It has: {', '.join(sorted(sample.shown_images)) or 'none'}.",
        )
    return image


def _plane_image(sample: SampleData, name: str, plane: int) -> NDArray[np.float32]:
    image = sample.plane_images.get(name)
    if image is None or not 0 <= plane < image.shape[2]:
        raise SampleError(
            sample.path,
            f"has no plane {plane} of a summary image called {name!r}",
            f"It has planes of: {', '.join(sorted(sample.plane_images)) or 'none'}.",
        )
    return np.ascontiguousarray(image[..., plane])


def _asked_plane() -> int | None:
    """The plane in the address, or None when it has none."""
    text = request.args.get("z")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise MovieError(request.path, f"the plane z={text} is not a number", "Give a plane's number, from 0.")
    return int(text)


def _asked_mean() -> int:
    """How many frames are averaged, from the address; 1 when it does not say."""
    text = request.args.get("mean", "1")
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MOST_AVERAGED):
        raise MovieError(request.path, f"mean={text} is no number of frames", f"Average 1 to {MOST_AVERAGED} frames.")
    return int(text)


def _asked_levels() -> Levels | None:
    """The levels in the address, or None when it has none."""
    low, high = request.args.get("lo"), request.args.get("hi")
    if low is None and high is None:
        return None
    try:
        levels = Levels(float(low or ""), float(high or ""))
    except ValueError:
        levels = Levels(math.nan, math.nan)
    if not (math.isfinite(levels.low) and math.isfinite(levels.high) and levels.low < levels.high):
        raise MovieError(request.path, "the levels lo and hi are not two numbers in order", "Give lo below hi.")
    return levels


def _jpeg(image: NDArray[np.uint8], signature: str) -> Response:
    done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not done:
        raise RuntimeError(f"OpenCV cannot encode an image of shape {image.shape}")
    return _cached(Response(encoded.tobytes(), mimetype="image/jpeg"), signature)


def _cached(answer: Response, signature: str) -> Response:
    # An address made for another version of the file is answered, but not kept under that address.
    current = request.args.get("v") == signature
    answer.headers["Cache-Control"] = _FOR_EVER if current else "no-store"
    return answer
