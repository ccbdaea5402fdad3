"""Stands in for CNMF: two square cells at places that tell rows from columns; all parameters are kept and saved."""

from __future__ import annotations

import logging
import os
from types import SimpleNamespace

import h5py
import numpy as np
from scipy import sparse

import caiman

GROUPS = ["data", "init", "preprocess", "spatial", "temporal", "merging", "patch", "motion", "online", "quality"]


class CNMFParams:
    def __init__(self) -> None:
        for group in GROUPS:
            setattr(self, group, {})
        self.quality.update(use_cnn=True)

    def change_params(self, params_dict: dict, allow_legacy: bool = True) -> None:
        for group, values in params_dict.items():
            self.set(group, values)

    def set(self, group: str, values: dict) -> None:
        getattr(self, group).update(values)

    def get_group(self, group: str) -> dict:
        return getattr(self, group)


class Estimates:
    b = None

    def evaluate_components(self, images: np.ndarray, params: CNMFParams, dview: object) -> None:
        if params.quality["use_cnn"]:
            if os.environ.get("STAND_IN") != "network":
                raise FileNotFoundError("cnn_model.h5")
            self.cnn_preds = np.array([1.0, 0.5]) / (1 + abs(params.init["gSig"][0] - 5))
        self.SNR_comp, self.r_values = np.array([5.0, 1.0]), np.array([0.9, 0.2])
        self.idx_components, self.idx_components_bad = np.array([0]), np.array([1])

    def detrend_df_f(self, quantileMin: int, frames_window: int, detrend_only: bool = False) -> None:
        self.F_dff = self.C * 2


class CNMF:
    def __init__(self, n_processes: int, params: CNMFParams, dview: object) -> None:
        self.params, self.n_processes, self.refitted = params, n_processes, False

    def fit(self, images: np.ndarray) -> None:
        logging.getLogger("caiman").info("update spatial ...")
        logging.getLogger("caiman").info("3 out of total 4 temporal components updated")
        caiman.misbehave("fit")
        height, width = images.shape[1:]
        cells = np.zeros((2, height, width))
        cells[0, 2:6, 10:15] = 1
        cells[1, 12:17, 20:30] = 2
        if os.environ.get("STAND_IN") == "nothing":
            cells = cells[:0]
        flat = cells.transpose(0, 2, 1).reshape(len(cells), height * width)  # Fortran order
        self.estimates = Estimates()
        self.estimates.A = sparse.csc_matrix(flat.T)
        self.estimates.C = np.stack([images[:, 3, 11], images[:, 13, 22]])[: len(cells)]
        self.estimates.S, self.estimates.YrA = self.estimates.C * 0.5, self.estimates.C * 0.1
        self.dims = (height, width)

    def refit(self, images: np.ndarray, dview: object) -> CNMF:
        self.refitted = True
        return self

    def save(self, path: str) -> None:
        caiman.misbehave("save")
        if os.environ.get("STAND_IN") == "no file":
            return
        with h5py.File(path, "w") as file:
            estimates = file.create_group("estimates")
            for name, value in vars(self.estimates).items():
                if name == "A":
                    group = estimates.create_group("A")
                    for part in ("data", "indices", "indptr", "shape"):
                        group[part] = getattr(value, part)
                else:
                    estimates[name] = value
            file["dims"], file["refitted"] = self.dims, self.refitted
            for group in GROUPS:
                into = file.create_group(f"params/{group}")
                for name, value in getattr(self.params, group).items():
                    if isinstance(value, str):
                        into.attrs[name] = value
                    else:
                        into[name] = "NoneType" if value is None else value


class OnACID(CNMF):
    def __init__(self, params: CNMFParams) -> None:
        super().__init__(1, params, None)

    def fit_online(self) -> None:
        import tifffile

        (name,) = self.params.data["fnames"]
        images = tifffile.imread(name)
        self.fit(images)
        self.estimates.shifts = np.tile([0.0, 1.0], (len(images), 1))
        self.params.data.pop("fnames")


params = SimpleNamespace(CNMFParams=CNMFParams)
cnmf = SimpleNamespace(CNMF=CNMF)
online_cnmf = SimpleNamespace(OnACID=OnACID)
