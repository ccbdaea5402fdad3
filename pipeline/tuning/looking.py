"""Looking at a movie: what was asked for is computed, or found where it was kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nwb_schema.project import Project
from pipeline.movies.cropped import automatic_crop, field_of_raw
from pipeline.movies.movie import Movie
from pipeline.parameters.groups import Motion
from pipeline.tuning.images import TuningImages, tuning_images
from pipeline.tuning.motion_preview import MotionPreview, preview_motion
from pipeline.tuning.part import PartOfMovie
from pipeline.tuning.registered import RegisteredPart
from pipeline.tuning.request import LEAST_FRAMES, Answers, LookRequest, digest_of


def look(project: Project, request: LookRequest, progress: Callable[[float], None]) -> dict[str, Any]:
    """Compute the images that thresholds are chosen on, or find them; what a page needs to know of them, JSON-able.

    Raises
    ------
    MovieError, ParameterError
    """
    digest, answers = digest_of(request, "images"), Answers(project)
    movie = request.open()
    try:
        if not answers.has(digest):
            part = PartOfMovie(movie, request.first, request.n_frames, least=LEAST_FRAMES)
            motion = request.motion or Motion(motion_correct=False)
            registered = RegisteredPart(part, motion, lambda done: progress(0.3 * done))
            images = tuning_images(
                registered,
                request.gSig,
                center_psf=request.center_psf,
                progress=lambda done: progress(0.3 + 0.7 * done),
            )
            answers.keep(digest, _arrays(images))
        raw_height, raw_width = _raw_size(movie)
        height, width = movie.shape[1:3]
        return {
            "digest": digest,
            "height": height,
            "width": width,
            "raw_height": raw_height,
            "raw_width": raw_width,
            "n_frames": movie.shape[0],
            "looked_at": min(request.n_frames, movie.shape[0] - request.first),
            "pixel_size_um": movie.metadata.pixel_size_um,
            "gSig": list(request.gSig),
            "pnr_max": math.ceil(float(answers.read(digest, "pnr").max(initial=0))),
            "names": ["mean", "correlation", "pnr"],
            "name": movie.paths[0].name,
        }
    finally:
        movie.close()


def _raw_size(movie: Movie) -> tuple[int, int]:
    field = field_of_raw(movie)
    return (movie.shape[1], movie.shape[2]) if field is None else (field.raw_height, field.raw_width)


def _arrays(images: TuningImages) -> dict[str, NDArray[Any]]:
    return {
        "mean": images.mean,
        "correlation": images.correlation,
        "pnr": images.pnr,
        "seeds": images.seeds.astype(np.float32),
    }


def try_motion(
    project: Project, request: LookRequest, motion: Motion, progress: Callable[[float], None]
) -> dict[str, Any]:
    """Try motion correction on the part of the movie, or find what was tried; JSON-able.

    Raises
    ------
    MovieError, ParameterError
    """
    digest = digest_of(request, "motion", {"motion": motion.model_dump(mode="json")})
    answers = Answers(project)
    if not answers.has(digest):
        movie = request.open()
        try:
            part = PartOfMovie(movie, request.first, request.n_frames, least=LEAST_FRAMES)
            answers.keep(digest, _preview_arrays(preview_motion(part, motion, progress)))
        finally:
            movie.close()
    shifts = answers.read(digest, "shifts")
    crisp, correlations = answers.read(digest, "crispness"), answers.read(digest, "correlations")
    height, width = answers.read(digest, "before").shape
    return {
        "digest": digest,
        "height": height,
        "width": width,
        "names": ["before", "after"],
        "shifts": np.round(shifts, 3).tolist(),
        "first": request.first,
        "crispness": [round(float(value), 4) for value in crisp[:2]],
        "at_limit": round(float(crisp[2]), 4),
        "border_px": math.ceil(float(np.abs(shifts).max(initial=0))),
        "correlation": [round(float(np.mean(one)), 4) for one in correlations],
    }


def _preview_arrays(preview: MotionPreview) -> dict[str, NDArray[Any]]:
    return {
        "before": preview.before,
        "after": preview.after,
        "shifts": preview.shifts,
        "crispness": np.array([preview.crispness_before, preview.crispness_after, preview.at_limit]),
        "correlations": np.stack([preview.correlation_before, preview.correlation_after]),
    }


def find_crop(request: LookRequest) -> str:
    """The automatic crop of the raw movie, as ``Y0:Y1,X0:X1``; empty where it is the whole frame.

    Raises
    ------
    MovieError, ParameterError
    """
    raw = request.model_copy(update={"movie": request.movie.model_copy(update={"resize": None})}).open()
    try:
        crop = automatic_crop(raw)
        return "" if (crop.height, crop.width) == tuple(raw.shape[1:3]) else str(crop)
    finally:
        raw.close()
