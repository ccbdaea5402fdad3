"""Pictures and clips that a page saves: made in the project's cache, removed after an hour."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from app.samples.store import SampleData
from nwb_schema.errors import ExportError, FluoriteError
from nwb_schema.names import sanitise
from nwb_schema.project import Project
from pipeline.viewing.views import VIEWS

STILL = (".png", ".tif")
CLIPS = (".mp4", ".gif")
_KEPT_S = 3600.0


def save_for_download(
    project: Project,
    sample: SampleData,
    sent: Mapping[str, Any],
    progress: Callable[[float], None] = lambda done: None,
) -> dict[str, str]:
    """Save what a page asks for; the answer has the ``url`` and ``name`` of the file, or the ``error`` in words.

    Parameters
    ----------
    sent
        ``suffix`` (of `STILL` or `CLIPS`), ``id`` (a UUID that the browser made, so that nobody is handed another's
        file) and ``picture`` (`pipeline.viewing.saving.PictureRequest`).
    """
    # Imported when it is needed: most visits of a page save nothing.
    from pipeline.viewing.saving import parse_picture, save_picture

    try:
        suffix, picture = str(sent.get("suffix")), sent.get("picture")
        if suffix not in STILL + CLIPS or not isinstance(picture, Mapping):
            raise ExportError("page", "asked for a picture that there is not", "Reload the page.")
        request = parse_picture(dict(picture))
        place = saved_folder(project) / _token(sent.get("id"))
        _sweep(place.parent)
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ExportError(
                place, f"cannot be made ({error.strerror})", "Check free space and permissions."
            ) from error
        if suffix in CLIPS:
            stop = sample.summary.n_frames if request.stop is None else request.stop
            part = f"frames-{request.frame}-{stop}"
        else:
            part = f"frame-{request.frame}" if request.image in VIEWS else ""
        name = "_".join(filter(None, [sample.path.stem, sanitise(request.image), part])) + suffix
        what = save_picture(project, sample.path, place / name, request, progress)
    except FluoriteError as error:
        return {"error": f"{error.cause[:1].upper()}{error.cause[1:]}. {error.remedy}"}
    return {"url": f"/saved/{place.name}/{quote(name)}", "name": name, "what": what}


def saved_folder(project: Project) -> Path:
    """Where they are, each in a folder that is named by the UUID that its page made."""
    return project.catalogue_path.parent / "saved"


def _token(given: Any) -> str:
    try:
        return str(uuid.UUID(given))
    except (ValueError, TypeError, AttributeError) as error:
        raise ExportError("page", "asked for a picture without a name", "Reload the page.") from error


def _sweep(folder: Path) -> None:
    """Remove what was saved more than an hour ago."""
    with suppress(OSError):
        for place in folder.iterdir():
            if time.time() - place.stat().st_mtime > _KEPT_S:
                shutil.rmtree(place, ignore_errors=True)
