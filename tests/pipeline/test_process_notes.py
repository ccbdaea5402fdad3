"""What a sample has to say about the frames that its microscope lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.process import missing_frames
from tests.pipeline.array_movie import ArrayMovie


def test_lost_frames_are_counted_by_kind() -> None:
    movie = ArrayMovie(np.zeros((120, 20, 30), np.uint16))
    assert missing_frames(movie) == ()

    movie.metadata = replace(movie.metadata, extra={"dropped_frames": 2})
    assert missing_frames(movie) == ()

    movie.metadata = replace(
        movie.metadata, extra={"dropped_frames": [3, 9], "cropped_frames": [[10, 19], [30, 30]], "blank_frames": []}
    )
    assert missing_frames(movie) == (
        "The microscope reports 2 dropped frames, which are zeros in the movie.",
        "The microscope reports 11 cropped frames, which are zeros in the movie.",
    )
