"""Parameters of the built-in engine: honoured, noted or refused, and never silently ignored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nwb_schema.errors import ParameterError
from pipeline.engines.builtin.checks import warnings_of
from pipeline.engines.builtin.engine import BuiltinEngine
from pipeline.engines.engine import EngineResult
from pipeline.parameters import Parameters, parameter_table
from pipeline.simulate import Simulation, simulate_movie
from tests.pipeline.array_movie import ArrayMovie

TWO_PHOTON = Parameters.preset("2p")


def ignore(stage: str, fraction: float) -> None:
    pass


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate_movie("2p", n_frames=500, height=72, width=96, n_cells=10, seed=3)


@pytest.fixture(scope="module")
def result(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> EngineResult:
    return BuiltinEngine().run(ArrayMovie(simulation.frames), TWO_PHOTON, tmp_path_factory.mktemp("work"), ignore)


def movie_like() -> ArrayMovie:
    return ArrayMovie(np.broadcast_to(np.uint16(3), (100, 60, 80)))


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ({"method_init": "corr_pnr"}, "init.nb"),
        ({"method_init": "sparse_nmf"}, "init.K"),
        ({"max_shifts": [6, 40]}, "motion.max_shifts"),
        ({"max_shifts": [30, 6]}, "motion.max_shifts"),
        ({"pw_rigid": True, "strides": 90}, "motion.strides"),
        ({"pw_rigid": True, "overlaps": 60}, "motion.overlaps"),
        ({"pw_rigid": True, "strides": 8, "overlaps": 4, "max_deviation_rigid": 5}, "motion.max_deviation_rigid"),
        ({"nb": 0}, "init.nb"),
        ({"method_deconvolution": "cvxpy"}, "temporal.method_deconvolution"),
        ({"low_rank_background": False}, "patch.low_rank_background"),
        ({"Ain": "no such file.npy"}, "init.Ain"),
        ({"fr": 30}, "data.fr"),
        ({"gSig": 40}, "init.gSig"),
        ({"border_pix": 30}, "patch.border_pix"),
    ],
)
def test_what_it_does_not_do_is_refused_before_any_work(overrides: dict[str, Any], name: str) -> None:
    with pytest.raises(ParameterError) as refusal:
        BuiltinEngine().check(TWO_PHOTON.updated(overrides), movie_like())
    assert refusal.value.file == name
    assert refusal.value.remedy


def test_the_two_photon_preset_is_taken_without_complaint() -> None:
    BuiltinEngine().check(TWO_PHOTON, movie_like())
    assert warnings_of(TWO_PHOTON) == ()


def test_a_harmless_parameter_is_noted() -> None:
    changed = TWO_PHOTON.updated({"n_processes": 3})
    BuiltinEngine().check(changed, movie_like())
    assert any("n_processes" in note for note in warnings_of(changed))


def test_patches_are_noted_when_they_are_not_corrected() -> None:
    changed = TWO_PHOTON.updated({"strides": 60, "max_deviation_rigid": 2})
    BuiltinEngine().check(changed, movie_like())
    noted = [note for note in warnings_of(changed) if "no effect without motion.pw_rigid" in note]
    assert [note.split()[0] for note in noted] == ["motion.strides", "motion.max_deviation_rigid"]
    assert warnings_of(changed.updated({"pw_rigid": True})) == ()


def test_more_patches_than_can_be_fitted_are_refused_with_a_stride() -> None:
    movie = ArrayMovie(np.broadcast_to(np.uint16(3), (100, 400, 600)))
    with pytest.raises(ParameterError, match=r"3\d\d\d patches in a field of 400 x 600 .* Use at least 16"):
        BuiltinEngine().check(TWO_PHOTON.updated({"pw_rigid": True, "strides": 8, "overlaps": 8}), movie)


@pytest.mark.parametrize(
    ("overrides", "differs"),
    [
        ({"K": 3}, lambda one, two: two["C"].shape[0] <= 3 < one["C"].shape[0]),
        ({"nb": 1}, lambda one, two: two["f"].shape[0] == 1),
        (
            {"min_SNR": 50, "rval_thr": 1.0, "min_cnn_thr": 1.0},
            lambda one, two: len(two["idx_components"]) < len(one["idx_components"]),
        ),
        ({"p": 0}, lambda one, two: np.array_equal(two["C"][:], two["S"][:])),
        ({"p": 2}, lambda one, two: two["g"].shape == (two["C"].shape[0], 2) and (two["g"][:, 1] < 0).any()),
        ({"gSig": 9}, lambda one, two: two["C"].shape[0] < one["C"].shape[0]),
        ({"border_pix": 25}, lambda one, two: two["C"].shape[0] < one["C"].shape[0]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_parameters_have_their_effect(
    overrides: dict[str, Any], differs: Any, simulation: Simulation, result: EngineResult, tmp_path: Path
) -> None:
    changed = BuiltinEngine().run(ArrayMovie(simulation.frames), TWO_PHOTON.updated(overrides), tmp_path, ignore)
    with h5py.File(result.results) as one, h5py.File(changed.results) as two:
        assert differs(one["estimates"], two["estimates"])


@pytest.fixture(scope="module")
def dim() -> Simulation:
    """A movie in which every decision is a close one, so that every parameter matters."""
    return simulate_movie("2p", n_frames=400, height=64, width=84, n_cells=12, seed=5, brightness=0.5)


@pytest.fixture(scope="module")
def dim_result(dim: Simulation, tmp_path_factory: pytest.TempPathFactory) -> EngineResult:
    return BuiltinEngine().run(ArrayMovie(dim.frames), TWO_PHOTON, tmp_path_factory.mktemp("dim"), ignore)


CHANGES: dict[str, Any] = {
    "decay_time": 2.0,
    "motion_correct": False,
    "max_shifts": 1,
    "gSig_filt": 4,
    "border_nan": "min",
    "niter_rig": 1,
    "pw_rigid": True,
    "strides": 32,
    "overlaps": 8,
    "max_deviation_rigid": 1,
    "gSiz": 5,
    "rolling_sum": False,
    "rolling_length": 20,
    "tsub": 5,
    "normalize_init": False,
    "nrgthr": 0.9,
    "update_background_components": False,
    "bas_nonneg": True,
    "fudge_factor": 0.8,
    "lags": 20,
    "ITER": 1,
    "ssub": 2,
    "rf": 16,
    "stride": 20,
    "del_duplicates": True,
    "only_init": False,
    "refit": False,
    "do_merge": False,
    "merge_thr": -1.0,
    "min_SNR": 1000.0,
    "SNR_lowest": 1000.0,
    "rval_thr": -1.0,
    "rval_lowest": 0.9,
    "use_cnn": False,
    "min_cnn_thr": 0.0,
    "cnn_lowest": 0.999,
    "gSig_range": [1, 9],
}
# What another parameter has to be for a change to matter.
BASES: dict[str, dict[str, Any]] = {
    "do_merge": {"merge_thr": -1.0},  # where there is something to merge
    "strides": {"pw_rigid": True},
    "overlaps": {"pw_rigid": True},
    "max_deviation_rigid": {"pw_rigid": True},
    "stride": {"rf": 16},
    "del_duplicates": {"rf": 16, "stride": 14},
    "only_init": {"refit": False},
    "rval_thr": {"use_cnn": False},
    # Nothing is accepted for its trace, so that its shape decides.
    "min_cnn_thr": {"min_SNR": 1000.0, "rval_thr": 1.0},
}
# Elsewhere: K, nb, p and border_pix above, fr (only checked against the movie), method_deconvolution (one value), Ain
# and method_init in test_start.py, is3D in test_volumes.py.
# What only one-photon extraction uses is in cnmfe/test_one_photon_parameters.py; here it has to be noted.
ONE_PHOTON = {"min_corr": 0.5, "min_pnr": 3.0, "ssub_B": 3, "ring_size_factor": 2.0, "center_psf": True}
TESTED_ELSEWHERE = {"is3D", "K", "gSig", "nb", "p", "border_pix", "fr", "method_init", "method_deconvolution", "Ain"}
# Another value for every parameter that this engine does not honour.
NOT_HONOURED: dict[str, Any] = {
    "dxy": 2.0,
    "nb_patch": 3,
    "low_rank_background": False,
    "n_processes": 3,
    "caiman_args": {"spatial": {"method_exp": "dilate"}},
}


def test_every_honoured_parameter_is_tested() -> None:
    honoured = {row.name for row in parameter_table() if "builtin" in row.honoured_by}
    assert honoured == set(CHANGES) | TESTED_ELSEWHERE | set(ONE_PHOTON)


def test_every_other_parameter_is_known_here() -> None:
    rows = [row for row in parameter_table() if row.group != "online"]
    assert {row.name for row in rows if "builtin" not in row.honoured_by} == set(NOT_HONOURED)


@pytest.mark.parametrize("name", NOT_HONOURED | ONE_PHOTON)
def test_what_is_not_honoured_is_refused_or_noted(name: str) -> None:
    changed = TWO_PHOTON.updated({name: (NOT_HONOURED | ONE_PHOTON)[name]})
    try:
        BuiltinEngine().check(changed, movie_like())
    except ParameterError as refusal:
        assert name in str(refusal)  # noqa: PT017 - either outcome is right
    else:
        assert any(name in note for note in warnings_of(changed))


@pytest.mark.parametrize("name", CHANGES)
def test_an_honoured_parameter_changes_the_result(
    name: str, dim: Simulation, dim_result: EngineResult, tmp_path: Path
) -> None:
    base = TWO_PHOTON.updated(BASES.get(name, {}))
    changed = BuiltinEngine().run(ArrayMovie(dim.frames), base.updated({name: CHANGES[name]}), tmp_path, ignore)
    usual = dim_result
    if name in BASES:
        (tmp_path / "usual").mkdir()
        usual = BuiltinEngine().run(ArrayMovie(dim.frames), base, tmp_path / "usual", ignore)

    def content(result: EngineResult) -> list[np.ndarray]:
        with h5py.File(result.results) as file:
            estimates = file["estimates"]
            return [estimates[key][()] for key in ("C", "A/data", "SNR_comp", "idx_components", "Cn", "cnn_preds")]

    same = [np.array_equal(one, two) for one, two in zip(content(usual), content(changed), strict=True)]
    assert not all(same)


def test_a_parameter_of_online_mode_is_noted() -> None:
    changed = TWO_PHOTON.updated({"update_freq": 50, "min_SNR": 3.0})
    BuiltinEngine().check(changed, movie_like())
    assert [note for note in warnings_of(changed) if "online" in note] == [
        "online.update_freq was set; it only has an effect with --online."
    ]
