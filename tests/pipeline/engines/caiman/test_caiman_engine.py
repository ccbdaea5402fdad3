"""The engine ``caiman`` with a package that stands in for CaImAn: what arrives, what comes back, and ways to fail."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import psutil
import pytest

from nwb_schema.errors import EngineError, MovieError, ParameterError
from nwb_schema.movie_file import MovieFile
from pipeline.engines.caiman.engine import WORKER, CaimanEngine, write_raw
from pipeline.engines.caiman.installation import child_environment
from pipeline.engines.caiman.task import caiman_task, estimated_k
from pipeline.engines.engine import EngineResult
from pipeline.parameters import Parameters
from pipeline.progress import Cancelled
from pipeline.results import read_engine, read_results, read_shifts
from tests.pipeline.array_movie import ArrayMovie

TWO_PHOTON = Parameters.preset("2p").updated({"gSig": 3, "n_processes": 1})


def ignore(stage: str, fraction: float) -> None:
    pass


def run(python: Path, movie: ArrayMovie, work: Path, changes: dict[str, Any] | None = None) -> EngineResult:
    return CaimanEngine(python).run(movie, TWO_PHOTON.updated(changes or {}), work, ignore)


def test_a_movie_that_was_filtered_to_find_its_motion_comes_back_in_its_own_units(
    python: Path, movie: ArrayMovie, work: Path
) -> None:
    result = run(python, movie, work, {"gSig_filt": 3})

    with MovieFile(result.registered_movie) as registered:
        np.testing.assert_array_equal(registered.read(0, 120), movie.read(0, 120))


def test_what_caiman_saved_is_what_comes_back(python: Path, movie: ArrayMovie, work: Path) -> None:
    stages: list[tuple[str, float]] = []
    result = CaimanEngine(python).run(movie, TWO_PHOTON, work, lambda *told: stages.append(told))
    found = read_results(result.results)

    assert (result.engine, result.version) == ("caiman", "1.12.1") == read_engine(result.results)
    assert found.accepted.tolist() == [True, False]
    image = found.footprints[0].toarray().reshape(24, 40)
    assert (np.flatnonzero(image.any(1)).tolist(), np.flatnonzero(image.any(0)).tolist()) == (
        [2, 3, 4, 5],
        [10, 11, 12, 13, 14],
    )
    # The stand-in corrects nothing, and like CaImAn takes the minimum away first.
    raw = movie.read(0, 120)
    np.testing.assert_array_equal(found.denoised[0], raw[:, 3, 11] - raw.min())
    with MovieFile(result.registered_movie) as registered:
        np.testing.assert_array_equal(registered.read(0, 120), raw)
        assert registered.dtype == np.uint16
    assert result.shifts.shape == (120, 2)
    assert (result.shifts[0].tolist(), result.shifts[-1].tolist()) == ([0, 0], [1, 0])
    shifts = read_shifts(result.results)
    assert shifts is not None
    np.testing.assert_array_equal(shifts, result.shifts)
    np.testing.assert_allclose(result.summary_images["mean"], raw.mean(0), rtol=1e-5)
    assert {"motion correction", "extraction", "refinement", "evaluation", "summary images"} <= set(result.seconds)
    assert ("extraction: update spatial", 0.75) in stages
    assert result.peak_rss_mb > 20
    assert sorted(path.name for path in work.iterdir()) == ["caiman.txt", "registered.h5", "results.hdf5"]


def test_every_parameter_arrives_under_its_name_and_in_its_group(python: Path, movie: ArrayMovie, work: Path) -> None:
    changes = {
        "motion": {"pw_rigid": True, "max_shifts": 7, "strides": [32, 36], "border_nan": "min", "niter_rig": 3},
        "init": {"K": 9, "gSiz": [9, 11], "nb": 3, "method_init": "sparse_nmf", "ssub": 2, "min_corr": 0.7},
        "patch": {"rf": 10, "stride": 5, "refit": False, "low_rank_background": False},
        "temporal": {"p": 2, "fudge_factor": 0.9}, "preprocess": {"p": 2}, "merging": {"merge_thr": 0.6},
        "quality": {"min_SNR": 4.5, "use_cnn": False}, "data": {"decay_time": 1.5},
        "caiman_args": {"spatial": {"method_exp": "dilate", "dist": 3}},
    }  # fmt: skip
    result = run(python, movie, work, changes)
    expected = TWO_PHOTON.updated(changes).to_dict()
    del expected["motion"]["motion_correct"], expected["patch"]["refit"], expected["patch"]["n_processes"]
    expected["data"]["fr"] = 12.5
    expected["spatial"] |= expected.pop("extra")["caiman_args"]["spatial"]
    with h5py.File(result.results) as file:
        assert not file["refitted"][()]
        assert file["params/data/dims"][:].tolist() == [24, 40]
        for group, values in expected.items():
            for name, value in values.items():
                if group == "online" and value in (None, "auto"):
                    continue
                node = file[f"params/{group}"]
                saved = node.attrs[name] if name in node.attrs else node[name][()]
                saved = saved.decode() if isinstance(saved, bytes) else saved
                assert np.array_equal(saved, "NoneType" if value is None else value), f"{group}.{name}: {saved}"
    np.testing.assert_allclose(result.shifts[-1], [1, 0], err_msg="the mean over the patches")


def test_without_the_weights_of_the_network_the_other_criteria_decide(
    python: Path, movie: ArrayMovie, work: Path
) -> None:
    result = run(python, movie, work, {"use_cnn": True})

    assert read_results(result.results).evaluated
    assert any("cnn_model.h5" in note and "caimanmanager install" in note for note in result.notes)


def test_the_size_that_suits_the_network_best_counts(
    python: Path, movie: ArrayMovie, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN", "network")  # its scores are highest for a gSig of 5
    result = run(python, movie, work, {"use_cnn": True, "gSig_range": [2, 5, 9]})

    with h5py.File(result.results) as file:
        np.testing.assert_allclose(file["estimates/cnn_preds"], [1.0, 0.5])
        assert file["params/init/gSig"][:].tolist() == [3, 3], "what cells were looked for with is kept"


def test_without_motion_correction_the_movie_is_copied(python: Path, movie: ArrayMovie, work: Path) -> None:
    result = run(python, movie, work, {"motion_correct": False})

    assert not result.shifts.any()
    with MovieFile(result.registered_movie) as registered:
        np.testing.assert_array_equal(registered.read(0, 120), movie.read(0, 120))


def test_online_moves_the_movie_by_the_shifts_that_caiman_found(python: Path, movie: ArrayMovie, work: Path) -> None:
    result = CaimanEngine(python, online=True).run(movie, TWO_PHOTON, work, ignore)

    assert result.engine == "caiman-online"
    assert result.shifts[5].tolist() == [0, 1]
    assert read_results(result.results).n_rois == 2
    with MovieFile(result.registered_movie) as registered:
        np.testing.assert_array_equal(registered.read(0, 120)[:, :, 1:], movie.read(0, 120)[:, :, :-1])


def test_no_component_is_a_result(python: Path, movie: ArrayMovie, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "nothing")
    result = run(python, movie, work)

    assert read_results(result.results).n_rois == 0
    assert any("found no component" in note for note in result.notes)


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("crash@motion", "ValueError: the matrix is singular"),
        ("die@fit", "SIGKILL"),
        ("leave@fit", "exit code 0 without saying"),
        ("short", "its corrected movie is (119, 24, 40)"),
        ("no file", "cannot be completed"),
    ],
)
def test_a_failure_is_told_and_leaves_only_the_log(
    python: Path, movie: ArrayMovie, work: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str, said: str
) -> None:
    monkeypatch.setenv("STAND_IN", behaviour)
    with pytest.raises(EngineError) as caught:
        run(python, movie, work)

    # 119 shifts for 120 frames are noticed before the movie is.
    assert said in str(caught.value) or (behaviour == "short" and "(119, 2)" in str(caught.value))
    assert [path.name for path in work.iterdir()] == ["caiman.txt"]
    if behaviour.startswith("crash"):
        assert "Traceback" in (work / "caiman.txt").read_text()


def test_a_cancel_ends_the_whole_process_group(
    python: Path, movie: ArrayMovie, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN", "hang@fit")
    monkeypatch.setenv("STAND_IN_PIDS", str(tmp_path / "pids"))

    def cancel(stage: str, fraction: float) -> None:
        if (tmp_path / "pids").exists() and (tmp_path / "pids").read_text():
            raise Cancelled

    with pytest.raises(Cancelled):
        CaimanEngine(python).run(movie, TWO_PHOTON, work, cancel)

    assert not any(map(runs, (tmp_path / "pids").read_text().split()))
    assert [path.name for path in work.iterdir()] == ["caiman.txt"]


def test_a_worker_whose_starter_is_gone_ends_with_its_children(
    python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN", "hang@fit")
    monkeypatch.setenv("STAND_IN_PIDS", str(tmp_path / "pids"))
    movie = ArrayMovie(np.ones((100, 20, 30), np.uint16))
    task, _ = caiman_task(TWO_PHOTON, movie.shape, 10.0)
    raw = write_raw(movie, tmp_path, lambda done: None)
    (tmp_path / "task.json").write_text(json.dumps(task | {"movie": str(raw), "results": str(tmp_path / "r.hdf5")}))
    process = subprocess.Popen(
        [str(python), str(WORKER), str(tmp_path / "task.json")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, start_new_session=True, env={**child_environment(), "CAIMAN_TEMP": str(tmp_path)},
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    assert any(b"merging" in line for line in process.stdout), "it ended before it could hang"
    process.stdin.close()
    process.wait(timeout=30)

    gone = [psutil.Process(int(pid)) for pid in (tmp_path / "pids").read_text().split() if runs(pid)]
    assert psutil.wait_procs(gone, timeout=30)[1] == []


def runs(pid: str) -> bool:
    return psutil.pid_exists(int(pid)) and psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE


def test_impossible_requests_are_refused_before_any_work(python: Path, work: Path) -> None:
    engine = CaimanEngine(python)
    with pytest.raises(MovieError, match="has 20 frames"):
        engine.check(TWO_PHOTON, ArrayMovie(np.zeros((20, 30, 40), np.uint16)))
    movie = ArrayMovie(np.zeros((200, 30, 40), np.uint16))
    with pytest.raises(ParameterError, match="too large for a field of 30 x 40"):
        engine.check(TWO_PHOTON.updated({"gSig": 16}), movie)
    with pytest.raises(ParameterError, match=r"patch\.stride"):
        engine.check(TWO_PHOTON.updated({"rf": 20}), movie)
    with pytest.raises(ParameterError, match="is3D"):
        engine.check(TWO_PHOTON.updated({"is3D": True}), movie)


def test_an_automatic_number_of_cells_follows_from_area_and_size() -> None:
    assert estimated_k([4, 4], None, (240, 272)) == 163
    assert estimated_k([4, 4], 20, (240, 272)) == 4
    assert estimated_k([40, 40], None, (60, 60)) == 1
    task, notes = caiman_task(TWO_PHOTON, (500, 240, 272), 15.0)
    assert task["parameters"]["init"]["K"] == 290
    assert "290 cells in the field" in notes[0]
    task, notes = caiman_task(Parameters.preset("1p"), (500, 240, 272), 15.0)
    assert (task["parameters"]["init"]["K"], task["refit"], notes) == (None, False, ())


def test_volumes_go_in_as_they_are_and_sizes_get_three_axes(tmp_path: Path) -> None:
    frames = np.random.default_rng(1).integers(0, 99, (110, 20, 30, 4)).astype(np.uint16)
    path = write_raw(ArrayMovie(frames), tmp_path, lambda done: None)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["mov"][:], frames)
    task, _ = caiman_task(Parameters.preset("3d"), frames.shape, 5.0)

    assert task["is3D"]
    assert [len(task["parameters"]["motion"][name]) for name in ("max_shifts", "strides", "overlaps")] == [3, 3, 3]
    assert len(task["parameters"]["init"]["gSig"]) == 3
