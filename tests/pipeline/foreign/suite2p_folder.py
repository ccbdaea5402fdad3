"""Folders as Suite2p writes them, made up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

HEIGHT, WIDTH, FRAMES, RATE_HZ = 24, 40, 120, 7.5


@dataclass(frozen=True)
class Written:
    """A plane's folder and what was put into it; `movie` is ``(n_frames, height, width)``."""

    folder: Path
    cells: list[dict[str, Any]]
    arrays: dict[str, NDArray[Any]]
    settings: dict[str, Any]
    movie: NDArray[np.int16]


def write_plane(folder: Path, *, seed: int = 0, n_cells: int = 3, **settings: Any) -> Written:
    """Write ``stat.npy``, ``ops.npy``, the traces, ``iscell.npy``, ``data.bin`` and ``Fall.mat`` into `folder`."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    cells = []
    for number in range(n_cells):
        y, x = np.mgrid[2 + 5 * number : 6 + 5 * number, 3 + 10 * number : 9 + 10 * number]
        lam = rng.uniform(0.1, 1, y.size).astype(np.float32)
        cells.append(
            {
                "ypix": y.ravel(), "xpix": x.ravel(), "lam": lam, "med": [y.mean(), x.mean()], "npix": y.size,
                "overlap": np.zeros(y.size, bool), "skew": np.float32(1.5), "neuropil_mask": np.arange(9),
            }
        )  # fmt: skip
    arrays = {
        "F": rng.uniform(100, 200, (n_cells, FRAMES)).astype(np.float32),
        "Fneu": rng.uniform(50, 60, (n_cells, FRAMES)).astype(np.float32),
        "spks": rng.exponential(3, (n_cells, FRAMES)).astype(np.float32),
        "iscell": np.column_stack([np.arange(n_cells) != 1, rng.uniform(0, 1, n_cells)]).astype(np.float64),
    }
    movie = rng.integers(0, 900, (FRAMES, HEIGHT, WIDTH)).astype(np.int16)
    ops = {
        "Ly": HEIGHT, "Lx": np.int64(WIDTH), "fs": RATE_HZ, "tau": 0.8, "neucoeff": 0.6, "nframes": FRAMES,
        "meanImg": movie.mean(axis=0).astype(np.float32), "save_path": str(folder), "filelist": ["a.tif", "b.tif"],
        "yoff": rng.integers(-2, 3, FRAMES), "xoff": rng.integers(-2, 3, FRAMES), "nonrigid": False,
        "data_path": [PurePosixPath("/somewhere")], **settings,
    }  # fmt: skip
    stat = np.empty(n_cells, object)
    stat[:] = cells
    np.save(folder / "stat.npy", stat)
    np.save(folder / "ops.npy", np.array(ops, dtype=object))
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)
    movie.tofile(folder / "data.bin")
    plain = {name: value for name, value in ops.items() if name != "data_path"}
    savemat(folder / "Fall.mat", {"stat": stat, "ops": plain, **arrays})
    return Written(folder, cells, arrays, ops, movie)
