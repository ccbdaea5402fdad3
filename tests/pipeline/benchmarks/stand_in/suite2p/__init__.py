"""Stands in for Suite2p in tests: two cells, one of which it takes for none, saved as Suite2p saves them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile


def default_settings() -> dict:
    return {"torch_device": "cuda", "fs": 10.0, "tau": 1.0, "extraction": {"neuropil_coefficient": 0.5}}


def default_db() -> dict:
    return {"data_path": [], "file_list": None, "save_path0": None}


def run_s2p(db: dict, settings: dict) -> None:
    assert settings["torch_device"] == "cpu"
    (folder,), (name,) = db["data_path"], db["file_list"]
    movie = tifffile.imread(Path(folder) / name).astype(np.float32)
    y, x = np.mgrid[10:14, 30:36]
    cell = {"ypix": y.ravel(), "xpix": x.ravel(), "lam": np.ones(y.size, np.float32)}
    other = {name: values[:3] for name, values in cell.items()}
    traces = np.stack([movie[:, 10:14, 30:36].mean((1, 2)), movie[:, 0, 0]])
    into = Path(db["save_path0"])
    np.save(into / "F.npy", traces)
    np.save(into / "Fneu.npy", np.ones_like(traces))
    np.save(into / "stat.npy", np.array([cell, other], dtype=object))
    np.save(into / "iscell.npy", np.array([[1.0, 0.9], [0.0, 0.1]]))
