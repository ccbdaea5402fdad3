"""Pictures and clips that a page saved, as downloads; see `app.samples.saved_pictures`."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, abort, send_from_directory

from app.samples.saved_pictures import saved_folder
from app.workspace import current_workspace

saved = Blueprint("saved", __name__)


@saved.get("/saved/<uuid:token>/<name>")
def fetch(token: uuid.UUID, name: str) -> Response:
    """A file that was saved before, as a download."""
    folder = saved_folder(current_workspace().project) / str(token)
    if not (folder / name).is_file():
        abort(404)
    answer = send_from_directory(folder, name, as_attachment=True)
    answer.headers["Cache-Control"] = "no-store"
    return answer
