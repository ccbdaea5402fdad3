"""Online mode: frame by frame to the same results as a whole movie gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nwb_schema.errors import ParameterError
from nwb_schema.movie_file import MovieFile
from pipeline.benchmarks.scoring import load_accepted, score
from pipeline.engines.builtin.online.engine import OnlineEngine
from pipeline.engines.engine import EngineResult
from pipeline.parameters import Parameters, parameter_table
from pipeline.progress import Cancelled
from pipeline.results import read_results
from pipeline.simulate import Simulation, simulate_movie
from tests.pipeline.array_movie import ArrayMovie

ONLINE = Parameters.preset("2p").updated({"init_batch": 100, "minibatch_shape": 60})


def ignore(stage: str, fraction: float) -> None:
    pass


def run(simulation: Simulation, params: Parameters, folder: Path) -> EngineResult:
    return OnlineEngine().run(ArrayMovie(simulation.frames), params, folder, ignore)


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate_movie("2p", n_frames=400, height=64, width=84, n_cells=10, seed=4)


@pytest.fixture(scope="module")
def result(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> EngineResult:
    return run(simulation, ONLINE, tmp_path_factory.mktemp("work"))


def scored(simulation: Simulation, result: EngineResult) -> dict[str, Any]:
    return score(simulation.footprints, simulation.traces, *load_accepted(result.results))


def test_it_finds_the_cells_and_their_traces(simulation: Simulation, result: EngineResult) -> None:
    scores = scored(simulation, result)

    assert scores["f1"] >= 0.85
    assert scores["trace_corr_median"] >= 0.9


def test_motion_is_corrected_against_the_models_image(simulation: Simulation, result: EngineResult) -> None:
    error = result.shifts + simulation.shifts

    assert np.sqrt(((error - error.mean(axis=0)) ** 2).mean()) < 0.1
    with MovieFile(result.registered_movie) as movie:
        assert movie.shape == (400, 64, 84)
        registered = movie.read(0, 400)
    assert registered.dtype == np.uint16
    assert registered.astype(float).std(axis=0).mean() < simulation.frames.astype(float).std(axis=0).mean()


def test_the_results_file_is_that_of_the_batch_engine(result: EngineResult) -> None:
    segmentation = read_results(result.results)

    assert segmentation.n_rois >= 8
    with h5py.File(result.results) as file:
        assert file["estimates/C"].shape == file["estimates/YrA"].shape == (segmentation.n_rois, 400)
        assert file["estimates/f"].shape == (2, 400)
        assert file["params/online/init_batch"][()] == 100
        latency = file["fluorite/latency_s"][:]
    assert latency.shape == (300, 2), "every frame after the first batch"
    assert (latency > 0).all()
    assert any("latency median" in note for note in result.notes)


def test_cells_that_the_first_frames_do_not_show_are_found_later(simulation: Simulation, tmp_path: Path) -> None:
    found = run(simulation, ONLINE.updated({"K": 0}), tmp_path)

    assert scored(simulation, found)["recall"] >= 0.7
    assert any("were found while the movie ran" in note for note in found.notes)
    with h5py.File(found.results) as file:
        calcium, raw = file["estimates/C"][:], file["estimates/C"][:] + file["estimates/YrA"][:]
    late = raw[:, :30].std(axis=1) == 0
    assert late.any()
    assert (calcium[late, :30] == 0).all(), "nothing is known of them there"


def test_a_second_epoch_gives_them_their_traces_from_the_start(simulation: Simulation, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    once = run(simulation, ONLINE.updated({"K": 0}), tmp_path / "one")
    twice = run(simulation, ONLINE.updated({"K": 0, "epochs": 2, "stop_detection": True}), tmp_path / "two")

    assert not any("were found while the movie ran" in note for note in twice.notes)
    assert scored(simulation, twice)["trace_corr_median"] > scored(simulation, once)["trace_corr_median"]


def masks(simulation: Simulation, folder: Path) -> Path:
    """A file with the masks of the first six cells."""
    path = folder / "masks.npy"
    np.save(path, simulation.footprints[:6] > 0.3)
    return path


def test_seeds_say_where_the_cells_are(simulation: Simulation, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    params = ONLINE.updated({"Ain": str(masks(simulation, tmp_path)), "update_num_comps": False})
    found = run(simulation, params, tmp_path / "work")

    with h5py.File(found.results) as file:
        seen = file["estimates/C"][:] + file["estimates/YrA"][:]
    assert len(seen) == 6
    # Component i is mask i.
    for trace, truth in zip(seen, simulation.traces, strict=False):
        assert np.corrcoef(trace, truth)[0, 1] > 0.8
    assert any("masks.npy" in note for note in found.notes)


@pytest.mark.parametrize("method", ["seeded", "bare"])
def test_a_start_that_contradicts_the_seeds_is_refused(method: str, simulation: Simulation, tmp_path: Path) -> None:
    params = ONLINE.updated({"init_method": method})
    if method == "bare":
        params = params.updated({"Ain": str(masks(simulation, tmp_path))})
    with pytest.raises(ParameterError, match="masks were given"):
        OnlineEngine().check(params, ArrayMovie(simulation.frames))


def test_masks_of_another_field_are_refused(simulation: Simulation, tmp_path: Path) -> None:
    params = ONLINE.updated({"Ain": str(masks(simulation, tmp_path))})
    with pytest.raises(ParameterError):
        OnlineEngine().check(params, ArrayMovie(simulation.frames[:, :-4]))


def test_two_runs_agree_to_the_last_bit(simulation: Simulation, result: EngineResult, tmp_path: Path) -> None:
    again = run(simulation, ONLINE, tmp_path)

    with h5py.File(result.results) as one, h5py.File(again.results) as two:
        assert np.array_equal(one["estimates/C"][:], two["estimates/C"][:])
        assert np.array_equal(one["estimates/A/data"][:], two["estimates/A/data"][:])


def test_a_cancelled_run_leaves_nothing(simulation: Simulation, tmp_path: Path) -> None:
    def progress(stage: str, fraction: float) -> None:
        if stage == "online" and fraction > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        OnlineEngine().run(ArrayMovie(simulation.frames), ONLINE, tmp_path, progress)
    assert list(tmp_path.iterdir()) == []


def test_a_movie_without_cells_ends_in_an_empty_result(tmp_path: Path) -> None:
    found = OnlineEngine().run(ArrayMovie(np.full((120, 40, 56), 100, np.uint16)), ONLINE, tmp_path, ignore)

    assert read_results(found.results).n_rois == 0


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ({"method_init": "corr_pnr"}, "init.method_init"),
        ({"nb": 0}, "init.nb"),
        ({"p": 2}, "temporal.p"),
        ({"minibatch_shape": 150}, "online.minibatch_shape"),
        ({"ssub": 2}, "init.ssub"),
        ({"fr": 30}, "data.fr"),
        ({"gSig": 40}, "init.gSig"),
    ],
)
def test_what_online_mode_does_not_do_is_refused_before_any_work(overrides: dict[str, Any], name: str) -> None:
    movie = ArrayMovie(np.broadcast_to(np.uint16(3), (100, 60, 80)))
    with pytest.raises(ParameterError) as refusal:
        OnlineEngine().check(ONLINE.updated(overrides), movie)
    assert refusal.value.file == name


def test_volumes_are_refused(simulation: Simulation) -> None:
    with pytest.raises(ParameterError, match=r"motion.is3D"):
        OnlineEngine().check(Parameters.preset("3d"), ArrayMovie(simulation.frames))


@pytest.mark.parametrize(
    "overrides",
    [{"init_batch": 10}, {"epochs": 0}, {"min_num_trial": -1}, {"thresh_fitness_raw": 1.0}, {"update_freq": 0},
     {"thresh_overlap": 2}, {"init_method": "cnmf"}, {"N_samples_exceptionality": 0}],
    ids=lambda value: next(iter(value)),
)  # fmt: skip
def test_impossible_values_are_refused(overrides: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(overrides))):
        ONLINE.updated(overrides)


@pytest.fixture(scope="module")
def dim() -> Simulation:
    """A short movie in which every decision is a close one, so that every parameter matters."""
    return simulate_movie("2p", n_frames=220, height=56, width=68, n_cells=9, seed=5, brightness=0.6)


DIM = ONLINE.updated({"K": 3, "update_freq": 40})
CHANGES: dict[str, Any] = {
    "data.decay_time": 2.0,
    "motion.motion_correct": False,
    "motion.max_shifts": 1,
    "motion.gSig_filt": 4,
    "motion.border_nan": "min",
    "motion.niter_rig": 1,
    "init.K": 1,
    "init.gSig": 3,
    "init.gSiz": 6,
    "init.nb": 1,
    "init.rolling_sum": False,
    "init.rolling_length": 4,
    "init.tsub": 5,
    "init.normalize_init": False,
    "p": 0,
    "spatial.nrgthr": 0.9,
    "spatial.update_background_components": False,
    "temporal.bas_nonneg": True,
    "temporal.fudge_factor": 0.8,
    "temporal.lags": 20,
    "temporal.ITER": 1,
    "patch.border_pix": 20,
    "merging.do_merge": False,
    "merging.merge_thr": -1.0,
    "quality.min_SNR": 1000.0,
    "quality.SNR_lowest": 1000.0,
    "quality.rval_thr": -1.0,
    "quality.rval_lowest": 0.9,
    "online.init_batch": 120,
    "online.epochs": 2,
    "online.max_shifts_online": 1,
    "online.update_num_comps": False,
    "online.stop_detection": True,
    "online.minibatch_shape": 40,
    "online.min_num_trial": 0,
    "online.max_num_added": 0,
    "online.min_SNR": 8.0,
    "online.N_samples_exceptionality": 59,
    "online.thresh_fitness_raw": -200.0,
    "online.rval_thr": 0.99,
    "online.thresh_overlap": 0.0,
    "online.update_freq": 80,
    "online.dist_shape_update": False,
    "online.iters_shape": 1,
}
# Where a parameter only matters together with another one, that one is set in both runs.
TOGETHER: dict[str, dict[str, Any]] = {
    "merging.do_merge": {"merge_thr": -1.0},
    "quality.rval_thr": {"quality.min_SNR": 1000.0},
    "online.iters_shape": {"dist_shape_update": False},
    "init.rolling_sum": {"K": None, "rolling_length": 4},
    "init.rolling_length": {"K": None},
    "online.N_samples_exceptionality": {"online.min_SNR": 5.0},
}
# Elsewhere: fr is only checked against the movie, init_method needs seeds, the other methods have one value each.
TESTED_ELSEWHERE = {"data.fr", "init.Ain", "init.method_init", "temporal.method_deconvolution", "online.init_method"}


def test_every_honoured_parameter_is_tested() -> None:
    honoured = {f"{row.group}.{row.name}" for row in parameter_table() if "online" in row.honoured_by}
    assert honoured - {"preprocess.p", "temporal.p"} == set(CHANGES) - {"p"} | TESTED_ELSEWHERE


@pytest.fixture(scope="module")
def usual(dim: Simulation, tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    return content(run(dim, DIM, tmp_path_factory.mktemp("dim")))


@pytest.mark.parametrize("name", CHANGES)
def test_an_honoured_parameter_changes_the_result(
    name: str, dim: Simulation, usual: list[np.ndarray], tmp_path: Path
) -> None:
    base, before = DIM, usual
    if name in TOGETHER:
        base = DIM.updated(TOGETHER[name])
        (tmp_path / "before").mkdir()
        before = content(run(dim, base, tmp_path / "before"))
    (tmp_path / "after").mkdir()
    after = content(run(dim, base.updated({name: CHANGES[name]}), tmp_path / "after"))

    assert not all(np.array_equal(one, two) for one, two in zip(before, after, strict=True))


def content(result: EngineResult) -> list[np.ndarray]:
    with h5py.File(result.results) as file, MovieFile(result.registered_movie) as movie:
        estimates = [file["estimates"][key][:] for key in ("C", "A/data", "SNR_comp", "idx_components")]
        return [*estimates, movie.read(0, 20)]
