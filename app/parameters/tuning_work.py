"""What the tuning page has done in the background: run in a process of its own, so it imports no page."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from app.background.callback_project import background_project
from app.field_names import field_words
from nwb_schema.errors import FluoriteError
from nwb_schema.project import Project
from pipeline.parameters.groups import Motion
from pipeline.tuning.request import parse_look

_REPORT_EVERY_S = 0.2


def compute_images(set_progress: Callable[[Any], None], asked: Mapping[str, Any] | None) -> Any:
    """Background callback: the images of the movie that was asked for, by their addresses."""
    # Imported only here, as below: the server itself needs no engine.
    from pipeline.tuning.looking import look

    def work(project: Project, report: Callable[[float], None]) -> dict[str, Any]:
        assert asked is not None
        return look(project, parse_look(asked["request"]), report)

    return _computed(set_progress, asked, work)


def compute_motion(set_progress: Callable[[Any], None], asked: Mapping[str, Any] | None) -> Any:
    """Background callback: motion correction tried on a part of the movie."""
    from pipeline.tuning.looking import try_motion

    def work(project: Project, report: Callable[[float], None]) -> dict[str, Any]:
        assert asked is not None
        motion = Motion.model_validate(asked["motion"])
        found = try_motion(project, parse_look(asked["request"]), motion, report)
        return {**found, "limits": list(motion.max_shifts[:2])}

    return _computed(set_progress, asked, work)


def _computed(
    set_progress: Callable[[Any], None],
    asked: Mapping[str, Any] | None,
    work: Callable[[Project, Callable[[float], None]], dict[str, Any]],
) -> Any:
    """What `work` found, with the addresses of its arrays, or what went wrong in words."""
    if not asked:
        return None
    last = 0.0

    def report(done: float) -> None:
        nonlocal last
        if time.monotonic() - last > _REPORT_EVERY_S:
            last = time.monotonic()
            set_progress([f"{round(100 * done)} %"])

    try:
        found = work(background_project(), report)
    except FluoriteError as error:
        return {"nonce": asked["nonce"], "error": field_words(str(error))}
    urls = {name: image_url(found["digest"], name) for name in (*found["names"], "seeds")}
    return {**found, "urls": urls, "nonce": asked["nonce"]}


def image_url(digest: str, name: str) -> str:
    """Address of an array of `pipeline.tuning.request.Answers`: float32, little-endian, C order."""
    return f"/tuning/{digest}/{name}.f32"
