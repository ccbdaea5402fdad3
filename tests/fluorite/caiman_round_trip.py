"""Run by path in CaImAn's interpreter: load a results file, evaluate it against its movie, and save it again.

``caiman_round_trip.py RESULTS MOVIE.h5 AGAIN`` prints what CaImAn made of it as one JSON line. MOVIE is ours:
``/data`` is ``(n_frames, width, height[, depth])``.
"""

from __future__ import annotations

import json
import os
import sys

import h5py
import numpy as np
import scipy.linalg

original = scipy.linalg.toeplitz
scipy.linalg.toeplitz = lambda c, r=None: original(np.ravel(c), None if r is None else np.ravel(r))

import caiman  # noqa: E402
from caiman.source_extraction.cnmf.cnmf import load_CNMF  # noqa: E402

if __name__ == "__main__":
    results, movie, again = sys.argv[1:]
    model = load_CNMF(results)
    with h5py.File(movie, "r") as file:
        frames = np.swapaxes(file["data"][()], 1, 2).astype(np.float32)
    # As CaImAn's own demos do it, from a memory map: pixels in Fortran order, one pixel after the other.
    n_frames, height, width, depth = (*frames.shape, 1)[:4]
    name = os.path.abspath(f"memmap_d1_{height}_d2_{width}_d3_{depth}_order_C_frames_{n_frames}.mmap")
    frames.reshape(n_frames, -1, order="F").T.astype(np.float32, order="C").tofile(name)
    by_pixel, dims, _ = caiman.load_memmap(name)
    images = np.reshape(by_pixel.T, [n_frames, *dims], order="F")
    model.params.set("quality", {"use_cnn": False})
    model.estimates.evaluate_components(images, model.params)
    model.save(again)
    told = {
        "n_components": int(model.estimates.A.shape[1]),
        "snr": [float(value) for value in model.estimates.SNR_comp],
        "r_values": [float(value) for value in model.estimates.r_values],
    }
    sys.stdout.write(json.dumps(told) + "\n")
