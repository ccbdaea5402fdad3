"""What is typed on the tuning page: which movie, which part, and the parameters that were chosen on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.adding.process_request import FormValues, request_values
from app.parameters.form import ROWS, Reading, read_form, texts_of
from app.workspace import Workspace
from nwb_schema.errors import MovieError, ParameterError
from pipeline.parameters import Parameters
from pipeline.sweeps import request_of_sample
from pipeline.tuning.request import MOST_FRAMES, PREVIEW_FRAMES, LookRequest, parse_look

CELL_FIELDS = ("init.gSig", "init.gSiz")
THRESHOLDS = ("init.min_corr", "init.min_pnr")
PATCH_FIELDS = ("patch.rf", "patch.stride")
MOTION_FIELDS = (
    "motion.max_shifts", "motion.gSig_filt", "motion.pw_rigid", "motion.strides", "motion.overlaps",
    "motion.max_deviation_rigid", "patch.border_pix",
)  # fmt: skip
TUNED = (*CELL_FIELDS, *THRESHOLDS, *PATCH_FIELDS, *MOTION_FIELDS)
"""The parameters that can be tried on the page, as ``group.name``."""

RESIZES = (1.0, 0.75, 0.5, 0.333, 0.25)
DEFAULT_FRAMES = 500


@dataclass(frozen=True)
class Source:
    """The movie to look at, as typed; empty fields are empty strings or None.

    Attributes
    ----------
    sample
        The identifier of a sample whose raw movie is meant; else `movie`.
    first, n_frames
        The part, counted from 0.
    register
        Whether its motion is corrected before it is looked at.
    """

    sample: str | None = None
    movie: str | None = None
    axes: str | None = None
    plane: str | None = None
    channel: str | None = None
    dataset: str | None = None
    first: str | None = None
    n_frames: str | None = None
    resize: float = 1.0
    register: bool = True


def look_request(workspace: Workspace, source: Source, reading: Reading) -> LookRequest:
    """What is asked for.

    Raises
    ------
    FluoriteError
        When no movie is named, or a field cannot be understood.
    """
    options: dict[str, Any] = {}
    if source.sample:
        known = request_of_sample(workspace.project, workspace.samples.get(source.sample).path)
        movies, options = known["movies"], dict(known.get("movie", {}))
    else:
        if not (source.movie or "").strip():
            raise MovieError("Movie", "no movie was chosen", "Type the path of a movie, or choose a sample.")
        form = FormValues(
            source.movie, False, None, "2p", "auto", None, None, source.axes, source.plane, source.channel,
            source.dataset,
        )  # fmt: skip
        values = request_values(form)
        movies, options = values["movies"][:1], dict(values["movie"])
    options |= {"crop": None, "resize": None if source.resize == 1 else source.resize}
    for key in ("init.gSig", *MOTION_FIELDS):
        if key in reading.errors:
            raise ParameterError(key, reading.errors[key].partition(". ")[0], "Correct it on this page.")
    return parse_look(
        {
            "movies": movies,
            "movie": options,
            "first": _whole("First frame", source.first, 0),
            "n_frames": _whole("Frames", source.n_frames, DEFAULT_FRAMES),
            "gSig": reading.parameters.init.gSig[:2],
            "center_psf": reading.parameters.init.center_psf,
            "motion": reading.parameters.motion.model_dump(mode="json") if source.register else None,
        }
    )


def preview_request(request: LookRequest) -> LookRequest:
    """The frames that motion correction is tried on; what it does not depend on is set aside."""
    return request.model_copy(update={"n_frames": PREVIEW_FRAMES, "gSig": (4, 4), "center_psf": True, "motion": None})


def tuned(preset: str, base: Mapping[str, str], typed: Mapping[str, str | None]) -> Reading:
    """The whole set of parameters: what the page starts from, with what was chosen on it.

    Thresholds that only one-photon movies know stay as they are for others.
    """
    texts: dict[str, str | None] = dict(base)
    for key, text in typed.items():
        if key in THRESHOLDS and preset != "1p":
            continue
        texts[key] = str(text) if text is not None else None
    return read_form(preset, texts)


def fields_of(parameters: Parameters) -> dict[str, str]:
    """What the page's fields show for `parameters`."""
    texts = texts_of(parameters)
    return {key: texts[key] for key in TUNED}


def help_of(key: str) -> str:
    """What a field's tooltip says."""
    row = ROWS[key]
    return f"{row.help} {row.unit}".strip()


def _whole(field: str, text: str | None, usual: int) -> int:
    typed = str(text if text is not None else "").strip()
    if not typed:
        return usual
    if not (typed.isascii() and typed.isdigit() and len(typed) < 9):
        raise ParameterError(field, f"'{typed}' is not a whole number", f"Type a number, at most {MOST_FRAMES} frames.")
    return int(typed)
