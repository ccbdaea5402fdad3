"""Peers run in their own interpreters on the same movie; what they found is kept, and a kept run is not run again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fluorite.cli import main
from nwb_schema.errors import EngineError
from pipeline.benchmarks import peers
from pipeline.benchmarks.engine import beside
from pipeline.benchmarks.peers import combinations, peer_runs
from pipeline.benchmarks.recordings import Recording
from pipeline.benchmarks.run import Run
from pipeline.movies import open_movie
from pipeline.simulate import simulate_movie, write_simulation

STAND_INS = (Path(__file__).with_name("stand_in"), Path(__file__).parents[1] / "engines" / "caiman" / "stand_in")


@pytest.fixture(autouse=True)
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter that has both, named as CaImAn's and as Suite2p's; and a small grid."""
    python = tmp_path / "python"
    packages = ":".join(map(str, STAND_INS))
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{packages}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("FLUORITE_CAIMAN_PYTHON", str(python))
    monkeypatch.setenv("FLUORITE_SUITE2P_PYTHON", str(python))
    monkeypatch.setattr(peers, "CAIMAN_PARAMETERS", {"sim": {"rf": 20, "stride": 8, "K": [2], "gSig": 3}})


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    simulation = simulate_movie("2p", n_frames=150, height=48, width=64, n_cells=3)
    movie = open_movie(write_simulation(simulation, tmp_path / "sim.tif"))
    everyone = np.ones(3, bool)
    yield Recording("sim", "2p", movie, simulation.footprints, simulation.traces, -simulation.shifts, everyone)
    movie.close()


def ignore(stage: str, fraction: float) -> None:
    pass


def test_a_run_of_caiman_is_kept_and_not_run_again(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = list(peer_runs("caiman", recording, tmp_path / "cache", ignore))

    ((first, kept),) = runs
    assert (first.numbers["parameters"]["K"], kept) == (2, False)
    assert first.footprints.shape == (1, 48, 64)  # what the stand-in accepts
    assert first.footprints[0, 2:6, 10:15].all()
    seconds = first.numbers["seconds"]
    own = ("motion correction", "memory map", "extraction", "refinement", "evaluation", "dF/F", "saving")
    assert seconds["total"] == pytest.approx(sum(seconds[stage] for stage in own), abs=0.01)
    assert seconds["starting CaImAn"] > 0

    monkeypatch.setenv("STAND_IN", "crash@fit")
    ((again, kept),) = peer_runs("caiman", recording, tmp_path / "cache", ignore)
    assert kept
    np.testing.assert_array_equal(again.traces, first.traces)
    assert again.numbers["seconds"] == seconds
    monkeypatch.setattr(peers, "CAIMAN_PARAMETERS", {"sim": {"K": 4, "gSig": 3}})
    with pytest.raises(EngineError, match="singular"):
        list(peer_runs("caiman", recording, tmp_path / "cache", ignore))


def test_cells_of_suite2p_come_with_neuropil_corrected_traces(recording: Recording, tmp_path: Path) -> None:
    ((run, _),) = peer_runs("suite2p", recording, tmp_path / "cache", ignore)

    assert run.footprints.shape == (1, 48, 64)
    assert (run.footprints[0] > 0).sum() == run.footprints[0, 10:14, 30:36].sum() == 24
    expected = recording.movie.read(0, 150)[:, 10:14, 30:36].mean((1, 2)) - 0.5
    np.testing.assert_allclose(run.traces[0], expected, rtol=1e-5)


def test_without_an_interpreter_of_suite2p_the_remedy_is_named(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLUORITE_SUITE2P_PYTHON")
    with pytest.raises(EngineError, match="pip install suite2p"):
        list(peer_runs("suite2p", recording, tmp_path, ignore))


def test_ratios_are_the_peers_to_ours_and_taken_at_its_best(recording: Recording) -> None:
    def made(footprints: np.ndarray, calibrations: float) -> Run:
        numbers = {
            "seconds": {"total": 5.0}, "calibrations": calibrations, "cpu_s": calibrations, "peak_rss_mb": 100,
        }  # fmt: skip
        return Run(footprints, recording.traces[: len(footprints)], None, numbers)

    ours, worse, better = (
        made(recording.footprints, 2.0),
        made(recording.footprints[:1], 30.0),
        made(recording.footprints[:2], 20.0),
    )
    found = beside(recording, ours, [(worse, False), (better, True)])

    assert found["best"] == 1
    assert found["ratios"] == {"speed": 10, "processor": 10, "memory": 1, "f1_difference": 0.2}
    assert found["agreement"] == {"matched": 2, "f1": 0.8, "trace_corr_median": 1}
    assert [run["kept"] for run in found["runs"]] == [False, True]


def test_every_choice_from_the_lists_is_one_combination() -> None:
    assert list(combinations({"a": 1, "b": [2, 3], "c": [4, 5]})) == [
        {"a": 1, "b": 2, "c": 4}, {"a": 1, "b": 2, "c": 5}, {"a": 1, "b": 3, "c": 4}, {"a": 1, "b": 3, "c": 5},
    ]  # fmt: skip


def test_a_peer_that_fails_is_reported_beside_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "crash@fit")
    small = ["--frames", "150", "--height", "48", "--width", "64", "--cells", "3", "--cache", str(tmp_path / "cache")]
    done = CliRunner().invoke(main, ["bench", "engine", *small, "--against", "caiman"])

    assert done.exit_code == 0, done.output
    assert "builtin" in done.stdout
    assert "caiman failed: " in done.stdout
    assert "singular" in done.stdout


def test_the_command_compares_and_prints_ratios(tmp_path: Path) -> None:
    small = ["--frames", "150", "--height", "48", "--width", "64", "--cells", "3", "--cache", str(tmp_path / "cache")]
    done = CliRunner().invoke(main, ["bench", "engine", *small, "--against", "suite2p"])

    assert done.exit_code == 0, done.output
    assert "suite2p 1.1.0: F1" in done.stdout
    assert "x the speed" in done.stdout
    assert 'parameters: {"fs": 15.0, "tau": 0.5}' in done.stdout
