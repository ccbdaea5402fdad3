"""Save what the viewer shows: a frame as PNG, a clip as MP4 or GIF, an image with its values as TIFF."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nwb_schema.errors import ExportError, ParameterError
from nwb_schema.layout import DELETED
from nwb_schema.project import Project
from nwb_schema.publishing import partial_path
from nwb_schema.reader import (
    SampleSummary,
    read_footprints,
    read_images,
    read_pixel_size_um,
    read_plane_images,
    read_rois,
    read_summary,
)
from pipeline.version import __version__
from pipeline.viewing.clips import ClipPlan, check_clip, plan_clip, write_clip
from pipeline.viewing.colour_maps import COLOUR_MAPS, GAMMA_RANGE
from pipeline.viewing.contours import Bodies, Outline, flatten_depth, outlines
from pipeline.viewing.frames import MOST_AVERAGED, View, picture, view_contrast
from pipeline.viewing.levels import Levels, contrast
from pipeline.viewing.pictures import ACCEPTED_COLOUR, REJECTED_COLOUR, Look, Rgb, drawn
from pipeline.viewing.views import VIEWS, open_view

SUFFIXES = (".png", ".tif", ".tiff", ".mp4", ".gif")
MOST_ENLARGED = 8

Outlined = list[tuple[Outline, tuple[int, int, int]]]


class PictureRequest(BaseModel):
    """What to save, and how it looks.

    Attributes
    ----------
    image
        A movie (of `pipeline.viewing.views.VIEWS`) or the name of a summary image.
    frame
        Of a movie: the frame, or the first one of a clip.
    stop
        Of a clip: the frame before which it ends; None for the movie's end.
    mean, plane
        See `pipeline.viewing.frames.picture`.
    levels
        Values shown as black and as white; None for automatic ones.
    gamma, colours
        See `pipeline.viewing.colour_maps.colour_table`.
    outlines
        Of no cells, of accepted ones or of all that are not deleted.
    scale_bar, enlarge
        See `pipeline.viewing.pictures.Look`.
    speed
        Of a clip: how many times as fast as it was recorded.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str = "movie"
    frame: int = Field(default=0, ge=0)
    stop: int | None = Field(default=None, ge=0)
    mean: int = Field(default=1, ge=1, le=MOST_AVERAGED)
    plane: int | None = Field(default=None, ge=0)
    levels: tuple[float, float] | None = None
    gamma: float = Field(default=1.0, ge=GAMMA_RANGE[0], le=GAMMA_RANGE[1])
    colours: str = "grey"
    outlines: Literal["none", "accepted", "all"] = "none"
    scale_bar: bool = False
    enlarge: int = Field(default=1, ge=1, le=MOST_ENLARGED)
    speed: float = Field(default=1.0, gt=0, le=1000)

    @model_validator(mode="after")
    def check(self) -> PictureRequest:
        """Refuse what is in no range but impossible all the same."""
        if self.colours not in COLOUR_MAPS:
            raise ValueError(f"colours must be one of {', '.join(COLOUR_MAPS)}")
        if self.levels is not None and not (np.isfinite(self.levels).all() and self.levels[0] < self.levels[1]):
            raise ValueError("levels must be two numbers in order")
        return self


def parse_picture(values: dict[str, Any]) -> PictureRequest:
    """A request from JSON-able values.

    Raises
    ------
    ParameterError
        When a value is of the wrong kind or out of range.
    """
    try:
        return PictureRequest.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(str(part) for part in problem["loc"]) or "picture"
        raise ParameterError(name, problem["msg"].removeprefix("Value error, "), "Correct it.") from error


def save_picture(
    project: Project,
    sample: Path,
    out: Path,
    request: PictureRequest,
    progress: Callable[[float], None] = lambda done: None,
) -> str:
    """Save a picture, a clip or values; the ending of `out` says which (`SUFFIXES`). Returns what it is, in words.

    Parameters
    ----------
    out
        A file; one that is there is replaced.
    progress
        Called with the fraction done; what it raises (a cancellation) stops the work and leaves nothing.

    Raises
    ------
    ExportError
        When the ending is none of those, the clip would be too large, or the file cannot be written.
    FluoriteError
        When the sample has no such image, frame or plane.
    """
    suffix = out.suffix.lower()
    if suffix not in SUFFIXES:
        raise ExportError(out, f"ends in {suffix or 'nothing'}", f"Let it end in one of: {', '.join(SUFFIXES)}.")
    out = out.with_suffix(suffix)
    if not out.parent.is_dir():
        raise ExportError(out, "its folder is not there", "Make the folder first, or save it elsewhere.")
    if request.image not in VIEWS:
        return _save_image(sample, out, request)
    view = open_view(project, sample, request.image)
    try:
        if suffix in (".mp4", ".gif"):
            return _save_clip(sample, out, request, view, progress)
        values = picture(view, request.frame, plane=request.plane, mean=request.mean)
        if suffix == ".png":
            levels = request.levels or view_contrast(view, planes=request.plane is not None, mean=request.mean).auto
            _write_png(out, drawn(values, _look(sample, request, Levels(*levels)), _outlined(sample, request)))
            return f"frame {request.frame}, {_size(values, request.enlarge)}"
        facts = {"frame": request.frame, "frames averaged": request.mean}
        _write_tiff(out, values, sample, request.image, facts)
        return f"values of frame {request.frame}, {_size(values)}"
    finally:
        view.close()


def _save_image(sample: Path, out: Path, request: PictureRequest) -> str:
    images = read_images(sample)
    if request.image not in images:
        there = ", ".join([*VIEWS, *sorted(images)])
        raise ExportError(sample, f"has no image called {request.image[:40]!r}", f"Ask for one of: {there}.")
    image: NDArray[np.float32] = images[request.image]
    if out.suffix in (".tif", ".tiff"):
        planes = read_plane_images(sample).get(request.image)
        values = image if planes is None else planes if request.plane is None else planes[..., _plane(planes, request)]
        _write_tiff(out, values, sample, request.image, {})
        return f"values of the {request.image} image, {_size(values)}"
    if out.suffix != ".png":
        raise ExportError(
            out, f"cannot hold the {request.image} image, which does not move", "Save it as .png or .tif."
        )
    if request.plane is not None:
        planes = read_plane_images(sample).get(request.image)
        if planes is None:
            raise ExportError(sample, f"has no planes of its {request.image} image", "Leave the plane out.")
        image = np.ascontiguousarray(planes[..., _plane(planes, request)])
    levels = Levels(*request.levels) if request.levels else contrast(image).auto
    _write_png(out, drawn(image, _look(sample, request, levels), _outlined(sample, request)))
    return f"{request.image} image, {_size(image, request.enlarge)}"


def _plane(planes: NDArray[np.float32], request: PictureRequest) -> int:
    plane = request.plane or 0
    if plane >= planes.shape[2]:
        raise ExportError("plane", f"there is no plane {plane}", f"Planes are numbered 0 to {planes.shape[2] - 1}.")
    return plane


def clip_plan(suffix: str, request: PictureRequest, n_frames: int, rate_hz: float) -> ClipPlan:
    """The frames and the speed of a clip."""
    stop = n_frames if request.stop is None else min(request.stop, n_frames)
    return plan_clip(suffix, request.frame, stop, rate_hz, request.speed)


def _save_clip(sample: Path, out: Path, request: PictureRequest, view: View, progress: Callable[[float], None]) -> str:
    plan = clip_plan(out.suffix, request, view.shape[0], view.rate_hz)
    height, width = view.shape[1] * request.enlarge, view.shape[2] * request.enlarge
    check_clip(out, plan, height, width)
    levels = request.levels or view_contrast(view, planes=request.plane is not None, mean=request.mean).auto
    look, outlined = _look(sample, request, Levels(*levels)), _outlined(sample, request)

    def pictures() -> Iterator[Rgb]:
        for number in plan.frames:
            yield drawn(picture(view, number, plane=request.plane, mean=request.mean), look, outlined)

    write_clip(out, plan, pictures(), progress)
    return f"{len(plan.frames)} pictures of {height} x {width} px, {plan.duration_s:.3g} s at {plan.rate_hz:.3g} Hz"


def _look(sample: Path, request: PictureRequest, levels: Levels) -> Look:
    size = read_pixel_size_um(sample)
    return Look(levels, request.gamma, request.colours, request.enlarge, request.scale_bar, size)


def _outlined(sample: Path, request: PictureRequest) -> Outlined:
    """Outlines with their colours, rejected cells first: accepted ones lie on top."""
    summary = read_summary(sample)
    if request.outlines == "none" or not (summary.height and summary.width and summary.n_rois):
        return []
    footprints, shape = read_footprints(sample), (summary.height, summary.width)
    if summary.depth is None:
        found = outlines(footprints, shape)
    elif request.plane is None:
        found = outlines(flatten_depth(footprints, summary.depth), shape)
    else:
        found = Bodies.of(footprints, (*shape, summary.depth)).outlines(request.plane)
    rois = read_rois(sample)
    accepted, there = rois["is_accepted"].to_numpy(bool), ~rois[DELETED].to_numpy(bool)
    drawn_last: Outlined = [(found[row], ACCEPTED_COLOUR) for row in np.flatnonzero(accepted & there)]
    if request.outlines == "accepted":
        return drawn_last
    return [(found[row], REJECTED_COLOUR) for row in np.flatnonzero(~accepted & there)] + drawn_last


def _write_png(out: Path, rgb: Rgb) -> None:
    done, encoded = cv2.imencode(".png", np.ascontiguousarray(rgb[..., ::-1]))
    if not done:
        raise RuntimeError(f"OpenCV cannot encode a picture of shape {rgb.shape}")
    _replace(out, encoded.tobytes())


def _write_tiff(out: Path, values: NDArray[Any], sample: Path, image: str, facts: dict[str, Any]) -> None:
    """Values ``(height, width[, depth])`` as 32-bit floats, in the form of TIFF that ImageJ knows, with their scale."""
    summary, size = read_summary(sample), read_pixel_size_um(sample)
    planes = values if values.ndim == 2 else np.moveaxis(values, 2, 0)
    metadata: dict[str, Any] = {"axes": "ZYX"[-planes.ndim :], "Info": _facts(summary, image, facts)}
    if size is not None:
        metadata["unit"] = "um"
    temporary = partial_path(out.parent)
    try:
        tifffile.imwrite(
            temporary,
            np.ascontiguousarray(planes, dtype=np.float32),
            imagej=True,
            resolution=None if size is None else (1 / size[1], 1 / size[0]),
            metadata=metadata,
        )
        temporary.replace(out)
    except OSError as error:
        raise ExportError(out, f"cannot be written ({error})", "Check free space and permissions.") from error
    finally:
        temporary.unlink(missing_ok=True)


def _facts(summary: SampleSummary, image: str, facts: dict[str, Any]) -> str:
    """Where the values are from, as JSON: ImageJ shows it under Image > Show Info."""
    known = {
        "image": image,
        **facts,
        "sample": summary.path.name,
        "identifier": summary.identifier,
        "subject": summary.subject_id,
        "session": summary.session_id,
        "session start": summary.session_start_time,
        "frames": summary.n_frames,
        "rate in Hz": summary.rate_hz,
        "engine": summary.engine,
        "engine version": summary.engine_version,
        "SHA-256 of the parameters": summary.parameters_sha256,
        "SHA-256 of the input": summary.input_sha256,
        "saved by": f"Fluorite {__version__}",
    }
    return json.dumps({name: value for name, value in known.items() if value is not None}, indent=1)


def _replace(out: Path, content: bytes) -> None:
    temporary = partial_path(out.parent)
    try:
        temporary.write_bytes(content)
        temporary.replace(out)
    except OSError as error:
        raise ExportError(out, f"cannot be written ({error})", "Check free space and permissions.") from error
    finally:
        temporary.unlink(missing_ok=True)


def _size(values: NDArray[Any], enlarge: int = 1) -> str:
    height, width, *depth = values.shape
    return " x ".join(map(str, (height * enlarge, width * enlarge, *depth))) + " px"
