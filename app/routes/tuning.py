"""Images for tuning by address: raw numbers, so that the browser can move thresholds over them by itself."""

from __future__ import annotations

import numpy as np
from flask import Blueprint, Response

from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError
from pipeline.tuning.request import Answers

tuning = Blueprint("tuning", __name__)


@tuning.route("/tuning/<digest>/<name>.f32")
def image(digest: str, name: str) -> Response:
    """One array, as it is."""
    values = Answers(current_workspace().project).read(digest, name)
    answer = Response(np.ascontiguousarray(values, dtype="<f4").tobytes(), mimetype="application/octet-stream")
    # The digest stands for all that the numbers depend on.
    answer.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return answer


@tuning.errorhandler(FluoriteError)
def refuse(error: FluoriteError) -> tuple[str, int, dict[str, str]]:
    """Say in words why there is no such image."""
    return f"{error}\n", 404, {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
