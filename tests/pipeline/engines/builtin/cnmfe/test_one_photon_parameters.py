"""Parameters of one-photon extraction: honoured, noted or refused, and never silently ignored."""

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
from pipeline.parameters import Parameters
from pipeline.simulate import Simulation, simulate_movie
from tests.pipeline.array_movie import ArrayMovie

ONE_PHOTON = Parameters.preset("1p").updated({"motion_correct": False})


def ignore(stage: str, fraction: float) -> None:
    pass


def movie_like() -> ArrayMovie:
    return ArrayMovie(np.broadcast_to(np.uint16(3), (100, 60, 80)))


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ({"nb": 1}, "init.nb"),
        ({"ssub": 4}, "init.ssub"),
        ({"ring_size_factor": 5}, "init.ring_size_factor"),
        ({"gSig": 40, "gSiz": 81, "rf": None}, "init.gSig"),
        ({"border_pix": 30}, "patch.border_pix"),
        ({"use_cnn": True}, "quality.use_cnn"),
    ],
)
def test_what_cannot_work_is_refused_before_any_work(overrides: dict[str, Any], name: str) -> None:
    with pytest.raises(ParameterError) as refusal:
        BuiltinEngine().check(ONE_PHOTON.updated(overrides), movie_like())
    assert refusal.value.file == name
    assert refusal.value.remedy


@pytest.mark.parametrize("overrides", [{"min_corr": 2}, {"min_pnr": -1}, {"ssub_B": 0}, {"ring_size_factor": 0}])
def test_values_out_of_range_are_refused(overrides: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(overrides))):
        ONE_PHOTON.updated(overrides)


def test_the_preset_is_taken_without_complaint() -> None:
    BuiltinEngine().check(Parameters.preset("1p"), movie_like())
    assert warnings_of(Parameters.preset("1p")) == ()


@pytest.mark.parametrize(
    "overrides", [{"rf": 30}, {"only_init": False}, {"rolling_length": 7}, {"normalize_init": True}]
)
def test_what_has_no_effect_is_noted(overrides: dict[str, Any]) -> None:
    changed = ONE_PHOTON.updated(overrides)
    BuiltinEngine().check(changed, movie_like())
    assert any(next(iter(overrides)) in note for note in warnings_of(changed))


@pytest.fixture(scope="module")
def dim() -> Simulation:
    """A movie in which every decision is a close one, so that every parameter matters."""
    return simulate_movie("1p", n_frames=300, height=56, width=72, n_cells=12, seed=5, brightness=0.8, motion_px=0.0)


@pytest.fixture(scope="module")
def usual(dim: Simulation, tmp_path_factory: pytest.TempPathFactory) -> EngineResult:
    return BuiltinEngine().run(ArrayMovie(dim.frames), ONE_PHOTON, tmp_path_factory.mktemp("dim"), ignore)


CHANGES: dict[str, Any] = {
    "min_corr": 0.95,
    "min_pnr": 12.0,
    "K": 3,
    "gSig": 4,
    "gSiz": 9,
    "ssub": 2,
    "tsub": 5,
    "ssub_B": 1,
    "ring_size_factor": 1.0,
    "center_psf": False,
    "border_pix": 12,
    "del_duplicates": False,
    "merge_thr": 0.1,
    "refit": True,
    "update_background_components": False,
    "nrgthr": 0.9,
    "p": 0,
    "ITER": 1,
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_honoured_parameter_changes_the_result(
    name: str, dim: Simulation, usual: EngineResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, other = ONE_PHOTON, usual
    if name == "del_duplicates":  # nothing is found twice here, so neighbours that touch have to count as doubles
        monkeypatch.setattr("pipeline.engines.builtin.cnmfe.duplicates.DOUBLE", 0.005)
        (tmp_path / "usual").mkdir()
        other = BuiltinEngine().run(ArrayMovie(dim.frames), base, tmp_path / "usual", ignore)
    changed = BuiltinEngine().run(ArrayMovie(dim.frames), base.updated({name: CHANGES[name]}), tmp_path, ignore)

    def content(result: EngineResult) -> list[np.ndarray]:
        with h5py.File(result.results) as file:
            return [file["estimates"][key][:] for key in ("C", "A/data", "W/data", "idx_components")]

    same = [np.array_equal(one, two) for one, two in zip(content(other), content(changed), strict=True)]
    assert not all(same)
    if name == "K":
        with h5py.File(changed.results) as file:
            assert file["estimates/C"].shape[0] <= 3
