"""The outputs of a sample by address: images of its Results page, and every file to download."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import cv2
import numpy as np
from flask import Blueprint, Response, request, send_file
from numpy.typing import NDArray

from app.figures.event_figures import raster_image
from app.routes.edits import refuse
from app.samples.outputs import outputs_of, parse_least
from app.samples.store import SampleData
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError, SampleError
from pipeline.outputs.writing import Outputs
from pipeline.viewing.levels import contrast, to_uint8

_FOR_EVER = "private, max-age=31536000, immutable"

results = Blueprint("results", __name__)
results.register_error_handler(FluoriteError, refuse)


@results.get("/result-images/<identifier>/initialisation/<name>.png")
def initialisation(identifier: str, name: str) -> Response:
    """Peak-to-noise ratio, correlation or their product, in colours or with ``grey=1`` without."""
    sample, outputs = _asked(identifier)
    found = outputs.initialisation
    if found is None or name not in found.images:
        raise SampleError(sample.path, f"has no initialisation image {name!r}", "Process the movie again.")
    image = found.images[name]
    shown = to_uint8(image, contrast(image).auto)
    if request.args.get("grey") == "1":
        return _png(shown, sample.signature)
    coloured = cv2.applyColorMap(shown, cv2.COLORMAP_VIRIDIS)
    return _png(np.asarray(coloured, dtype=np.uint8), sample.signature)


@results.get("/result-images/<identifier>/raster.png")
def raster(identifier: str) -> Response:
    """The raster of events, one row a cell, transparent between the marks."""
    sample, outputs = _asked(identifier)
    if outputs.events is None:
        raise SampleError(sample.path, "has no events", "It has no deconvolved traces.")
    return _kept(Response(raster_image(outputs.events), mimetype="image/png"), sample.signature)


@results.get("/result-files/<identifier>/<name>")
def download(identifier: str, name: str) -> Response:
    """One output as a file, made when it is asked for."""
    sample, outputs = _asked(identifier)
    if name == "results.hdf5" and outputs.results is not None:
        answer = send_file(outputs.results, as_attachment=True, download_name=f"{sample.path.stem}_{name}")
    else:
        folder = Path(tempfile.mkdtemp(prefix="fluorite-output-"))
        try:
            outputs.write(name, folder / name)
            answer = send_file(folder / name, as_attachment=True, download_name=f"{sample.path.stem}_{name}")
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        answer.call_on_close(lambda: shutil.rmtree(folder, ignore_errors=True))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _asked(identifier: str) -> tuple[SampleData, Outputs]:
    workspace = current_workspace()
    sample = workspace.samples.get(identifier)
    rejected, least = request.args.get("rejected") == "1", parse_least(request.args.get("least"))
    return sample, outputs_of(workspace, sample, rejected=rejected, least_noise=least)


def _png(image: NDArray[np.uint8], signature: str) -> Response:
    done, encoded = cv2.imencode(".png", image)
    if not done:
        raise RuntimeError(f"OpenCV cannot encode an image of shape {image.shape}")
    return _kept(Response(encoded.tobytes(), mimetype="image/png"), signature)


def _kept(answer: Response, signature: str) -> Response:
    # An address made for another version of the file is answered, but not kept under that address.
    answer.headers["Cache-Control"] = _FOR_EVER if request.args.get("v") == signature else "no-store"
    return answer
