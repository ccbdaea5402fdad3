"""Stands in for NoRMCorre: every frame but the first is said to have moved by one row."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import tifffile

import caiman


class MotionCorrect:
    def __init__(self, files: list[str], dview: object, **options: object) -> None:
        (self.file,) = files
        self.pw_rigid, self.border_nan = options["pw_rigid"], options["border_nan"]
        self.filtered = options["gSig_filt"] is not None
        self.border_to_0 = 1

    def motion_correct(self, save_movie: bool) -> None:
        caiman.misbehave("motion")
        movie = tifffile.imread(self.file)
        if os.environ.get("STAND_IN") == "short":
            movie = movie[1:]
        self.min_mov = float(movie.min())
        stored = movie - self.min_mov
        if self.filtered:
            # What the real one tells is then the minimum of the filtered frames, and it stores whole ones.
            self.min_mov, stored = -60.0, movie
        self.mmap_file = [caiman.write_map(Path(os.environ["CAIMAN_TEMP"]) / "corrected.mmap", stored)]
        shifts = np.array([(float(number > 0), 0.0) for number in range(len(movie))])
        self.shifts_rig = [tuple(shift) for shift in shifts]
        patches = np.array([-1.0, 0.0, 1.0])  # of mean 0
        self.x_shifts_els, self.y_shifts_els = ([axis[:, None] + patches][0] for axis in shifts.T)
