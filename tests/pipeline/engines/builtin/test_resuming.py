"""A run that was killed goes on after its last finished stage, and what it kept is looked at before it is used."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy import sparse

from pipeline.engines.builtin.engine import BuiltinEngine
from pipeline.engines.builtin.stages import LIST_NAME, Stages
from pipeline.engines.engine import EngineResult
from pipeline.parameters import Parameters
from pipeline.simulate import Simulation, simulate_movie
from tests.pipeline.array_movie import ArrayMovie

# The short copy of a movie averaged over 10 frames is small enough to be kept beside so small a movie.
PARAMETERS = Parameters.preset("2p").updated({"tsub": 10})
STAGES = [
    "motion correction",
    "summary images",
    "initialisation",
    "traces",
    "refinement 1",
    "refinement 2",
    "evaluation",
]


class Killed(BaseException):
    """Stands for kill -9: nothing of ours may catch it and tidy up what is kept."""


def ignore(stage: str, fraction: float) -> None:
    pass


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate_movie("2p", n_frames=300, height=48, width=66, n_cells=6, seed=3)


@pytest.fixture(scope="module")
def undisturbed(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> EngineResult:
    workdir = tmp_path_factory.mktemp("undisturbed")
    return BuiltinEngine().run(ArrayMovie(simulation.frames), PARAMETERS, workdir, ignore)


@pytest.fixture(scope="module")
def kept(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run leaves that is killed while it writes its results: all stages."""
    keep, workdir = tmp_path_factory.mktemp("keep"), tmp_path_factory.mktemp("work")

    def kill(stage: str, fraction: float) -> None:
        if stage == "results":
            raise Killed

    with pytest.raises(Killed):
        BuiltinEngine().run(ArrayMovie(simulation.frames), PARAMETERS, workdir, kill, keep=keep)
    assert list(workdir.iterdir()) == []
    return keep


def killed_after(kept: Path, n_stages: int, folder: Path) -> Path:
    """The folder as a kill after that many stages would have left it."""
    shutil.copytree(kept, folder)
    listed = json.loads((folder / LIST_NAME).read_text())
    assert list(listed["stages"]) == STAGES
    for name in STAGES[n_stages:]:
        (folder / listed["stages"].pop(name)["file"]).unlink()
    (folder / LIST_NAME).write_text(json.dumps(listed))
    return folder


def rerun(simulation: Simulation, keep: Path, workdir: Path, caplog: pytest.LogCaptureFixture) -> tuple[Any, list[str]]:
    workdir.mkdir()
    with caplog.at_level(logging.INFO, "fluorite.engine"):
        result = BuiltinEngine().run(ArrayMovie(simulation.frames), PARAMETERS, workdir, ignore, keep=keep)
    resumed = [r.message.split(":")[0] for r in caplog.records if "already done by a run that was killed" in r.message]
    return result, resumed


def content(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def visit(name: str, item: h5py.HLObject) -> None:
        found[name] = item[()] if isinstance(item, h5py.Dataset) else None
        found.update({f"{name}@{key}": value for key, value in item.attrs.items()})

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def assert_same(one: EngineResult, two: EngineResult) -> None:
    for name in ("results", "registered_movie"):
        first, second = content(getattr(one, name)), content(getattr(two, name))
        assert first.keys() == second.keys()
        for key, value in first.items():
            np.testing.assert_array_equal(value, second[key], err_msg=key)
    np.testing.assert_array_equal(one.shifts, two.shifts)
    assert one.seconds.keys() == two.seconds.keys()


@pytest.mark.parametrize("n_stages", range(len(STAGES) + 1))
def test_a_killed_run_goes_on_after_its_last_stage_and_ends_the_same(
    n_stages: int,
    simulation: Simulation,
    undisturbed: EngineResult,
    kept: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    keep = killed_after(kept, n_stages, tmp_path / "keep")
    result, resumed = rerun(simulation, keep, tmp_path / "work", caplog)
    assert resumed == STAGES[:n_stages]
    assert_same(result, undisturbed)


@pytest.mark.parametrize("stage", ["motion correction", "summary images", "refinement 2"])
def test_a_stage_whose_bytes_have_changed_is_done_again(
    stage: str,
    simulation: Simulation,
    undisturbed: EngineResult,
    kept: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    keep = killed_after(kept, len(STAGES), tmp_path / "keep")
    path = keep / f"{stage.replace(' ', '-')}.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    result, resumed = rerun(simulation, keep, tmp_path / "work", caplog)
    assert resumed == [name for name in STAGES if name != stage]
    assert any("its bytes have changed" in record.message for record in caplog.records)
    assert_same(result, undisturbed)


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_registered_movie_that_is_not_the_one_written_is_made_again(
    damage: str,
    simulation: Simulation,
    undisturbed: EngineResult,
    kept: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    keep = killed_after(kept, 1, tmp_path / "keep")
    if damage == "missing":
        (keep / "registered.h5").unlink()
    else:
        with h5py.File(keep / "registered.h5", "r+") as file:
            file["data"][200, 5, 7] += 1
    result, resumed = rerun(simulation, keep, tmp_path / "work", caplog)
    assert resumed == []
    assert_same(result, undisturbed)


def test_other_parameters_take_nothing_and_leave_nothing(
    simulation: Simulation, kept: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep = killed_after(kept, 3, tmp_path / "keep")
    workdir = tmp_path / "work"
    workdir.mkdir()

    def kill(stage: str, fraction: float) -> None:
        raise Killed

    with pytest.raises(Killed), caplog.at_level(logging.INFO, "fluorite.engine"):
        BuiltinEngine().run(ArrayMovie(simulation.frames), PARAMETERS.updated({"gSig": 5}), workdir, kill, keep=keep)
    assert not any("already done" in record.message for record in caplog.records)
    assert list(keep.glob("*.npz")) == []


@dataclass(frozen=True)
class Inner:
    weights: sparse.csr_array
    name: str | None


@dataclass(frozen=True)
class Outer:
    inner: Inner
    images: dict[str, np.ndarray]
    number: float
    scalar: np.float32
    notes: tuple[str, ...]
    nothing: None = None


def test_everything_that_a_result_is_made_of_comes_back(tmp_path: Path) -> None:
    weights = sparse.csr_array(np.array([[0, 1.5, 0], [2, 0, 3]], np.float32))
    made = Outer(Inner(weights, "a"), {"mean": np.arange(6.0).reshape(2, 3)}, 0.25, np.float32(3), ("x", "y"))
    Stages(tmp_path, "key", 10**6, ignore).run("stage", lambda: made, (Outer, Inner))
    again = Stages(tmp_path, "key", 10**6, ignore)
    found = again.run("stage", lambda: pytest.fail("done again"), (Outer, Inner))
    assert again.resumed == ["stage"]
    np.testing.assert_array_equal(found.inner.weights.toarray(), weights.toarray())
    assert found.inner.weights.dtype == np.float32
    np.testing.assert_array_equal(found.images["mean"], made.images["mean"])
    assert (found.inner.name, found.number, found.scalar, found.notes) == ("a", 0.25, np.float32(3), ("x", "y"))
    assert found.scalar.dtype == np.float32
    assert found.nothing is None


def test_what_only_a_pickle_could_hold_is_refused(tmp_path: Path) -> None:
    stages = Stages(tmp_path, "key", 10**6, ignore)
    with pytest.raises(TypeError, match=r"result\.1 is a object"):
        stages.run("stage", lambda: (1, object()))
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        stages.run("stage", lambda: np.array([object()]))
    assert [path.name for path in tmp_path.iterdir()] == []


def test_no_more_is_kept_than_allowed(tmp_path: Path) -> None:
    stages = Stages(tmp_path, "key", 1000, ignore)
    stages.run("large", lambda: np.zeros(2000, np.uint8))
    stages.run("small", lambda: np.zeros(200, np.uint8))
    again = Stages(tmp_path, "key", 1000, ignore)
    again.run("large", lambda: np.zeros(2000, np.uint8))
    again.run("small", lambda: pytest.fail("done again"))
    assert again.resumed == ["small"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2000


def test_a_list_of_stages_that_is_no_list_starts_from_the_beginning(tmp_path: Path) -> None:
    Stages(tmp_path, "key", 1000, ignore).run("stage", lambda: 3)
    (tmp_path / LIST_NAME).write_text("[")
    assert Stages(tmp_path, "key", 1000, ignore).run("stage", lambda: 4) == 4


def test_a_cancel_is_noticed_while_a_large_result_is_kept(tmp_path: Path) -> None:
    def stop(stage: str, fraction: float) -> None:
        raise Killed

    with pytest.raises(Killed):
        Stages(tmp_path, "key", 10**9, stop).run("stage", lambda: np.zeros(40 * 2**20, np.uint8))
    assert list(tmp_path.iterdir()) == []
