"""The files of a sample's outputs: read again without any of our code."""

from __future__ import annotations

import shutil
from pathlib import Path

import isx
import numpy as np
import pandas as pd
import pytest
import tifffile
from click.testing import CliRunner

from fluorite.cli import main
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.configure import add_column
from nwb_schema.edits import Delete, Tag, commit
from nwb_schema.project import Project
from nwb_schema.reader import read_footprints, read_rois, read_traces
from pipeline.outputs.cell_set import previewed_rows
from pipeline.outputs.events import find_events
from pipeline.outputs.writing import Outputs
from tests.nwb_schema.made_samples import HEIGHT, N_FRAMES, RATE_HZ, START, WIDTH, made_sample, made_segmentation

N_ROIS = 6


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A sample whose cell 1 was deleted and whose cell 2 has a tag that a spreadsheet would take for a formula."""
    project = Project.create(tmp_path_factory.mktemp("outputs") / "project")
    rng = np.random.default_rng(3)
    spikes = np.where(rng.random((N_ROIS, N_FRAMES)) < 0.2, rng.random((N_ROIS, N_FRAMES)), 0).astype(np.float32)
    images = {name: rng.uniform(0, 9, (HEIGHT, WIDTH)).astype(np.float32) for name in ("mean", "correlation", "pnr")}
    path = made_sample(project, segmentation=made_segmentation(N_ROIS, deconvolved=spikes, images=images))
    rois = list(read_rois(path)["roi_uuid"])
    column = ColumnDefinition("note", ColumnKind.ROI_TAG)
    add_column(project, column)
    stored = project.columns(ColumnKind.ROI_TAG)[0]
    commit(project, path, [Delete((rois[1],)), Tag((rois[2],), stored, "=1+1")], actor="test")
    return project


@pytest.fixture(scope="module")
def sample(project: Project) -> Path:
    return project.sample_paths()[0]


@pytest.fixture(scope="module")
def written(project: Project, sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "results"
    words = ["results", str(project.folder), sample.stem, "--to", str(folder), "--least-event", "0"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert set(done.stdout.split()) == {str(path) for path in folder.iterdir()}
    assert "results file is not among" in done.stderr
    return folder


def kept(sample: Path) -> np.ndarray:
    return np.flatnonzero(~read_rois(sample)["deleted"].to_numpy(bool))


def test_inscopix_s_own_package_reads_the_cell_sets(written: Path, sample: Path) -> None:
    rows = kept(sample)
    dense = read_footprints(sample).toarray().reshape(-1, HEIGHT, WIDTH)
    accepted = read_rois(sample)["is_accepted"].to_numpy(bool)
    for kind in ("raw", "denoised"):
        cells = isx.CellSet.read(str(written / f"cells_{kind}.isxd"))
        traces = read_traces(sample, kind)
        assert cells.num_cells == len(rows)
        assert tuple(cells.spacing.num_pixels) == (HEIGHT, WIDTH)
        assert cells.timing.num_samples == N_FRAMES
        assert cells.timing.period.secs_float == pytest.approx(1 / RATE_HZ, abs=1e-6)
        assert cells.timing.start.to_datetime() == START.replace(tzinfo=None)
        for number, row in enumerate(rows):
            assert cells.get_cell_name(number) == f"C{row}"
            assert cells.get_cell_status(number) == ("accepted" if accepted[row] else "rejected")
            np.testing.assert_array_equal(cells.get_cell_image_data(number), dense[row])
            np.testing.assert_array_equal(cells.get_cell_trace_data(number), traces[row])


def test_inscopix_s_own_package_reads_the_events(written: Path, sample: Path) -> None:
    rows = [row for row in kept(sample) if read_rois(sample)["is_accepted"][row]]
    expected = find_events(read_traces(sample, "deconvolved", rows), RATE_HZ)
    events = isx.EventSet.read(str(written / "events.isxd"))

    assert events.num_cells == len(rows)
    assert len(expected.cell) > 10
    for number, row in enumerate(rows):
        offsets_us, sizes = events.get_cell_data(number)
        assert events.get_cell_name(number) == f"C{row}"
        np.testing.assert_allclose(offsets_us / 1e6, expected.time_s[expected.cell == number], atol=1e-4)
        np.testing.assert_allclose(sizes, expected.size[expected.cell == number])


def test_tables_and_images_hold_the_same_as_the_sample(written: Path, sample: Path) -> None:
    rows = kept(sample)
    traces = pd.read_csv(written / "traces_raw.csv")
    assert list(traces.columns) == ["time_s", *(f"C{row}" for row in rows)]
    np.testing.assert_allclose(traces["time_s"], np.arange(N_FRAMES) / RATE_HZ, atol=1e-6)
    np.testing.assert_allclose(traces.to_numpy()[:, 1:].T, read_traces(sample, "raw")[rows], rtol=1e-5)
    masks = tifffile.imread(written / "footprints.tif")
    np.testing.assert_array_equal(masks, read_footprints(sample).toarray().reshape(-1, HEIGHT, WIDTH)[rows])
    cells = pd.read_csv(written / "cells.csv")
    assert cells["number"].tolist() == rows.tolist()
    assert cells["note"].tolist().count("'=1+1") == 1
    pnr, correlation, search = (
        tifffile.imread(written / f"initialisation_{name}.tif") for name in ("pnr", "correlation", "search")
    )
    assert pnr.shape == (HEIGHT, WIDTH)
    np.testing.assert_allclose(search, pnr * correlation, rtol=1e-6)
    rates = pd.read_csv(written / "event_rates.csv")
    assert rates["events"].sum() == len(pd.read_csv(written / "events.csv"))


def test_every_preview_is_a_picture_and_a_drawing(written: Path) -> None:
    for name in ("cells_raw", "cells_denoised", "initialisation", "events"):
        assert (written / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (written / f"{name}.svg").read_text()[:1000]
    # Text can be searched and edited: a cell's number is a word.
    assert ">Time (s)<" in (written / "cells_raw.svg").read_text()


def test_nothing_is_written_over_or_half_written(project: Project, sample: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    run = CliRunner().invoke
    done = run(main, ["results", str(project.folder), sample.stem, "--to", str(tmp_path / "mine")])
    assert done.exit_code == 1
    assert "not empty" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]

    def stop(stage: str, done: float) -> None:
        if stage == "events.csv":
            raise KeyboardInterrupt

    from pipeline.outputs.writing import write_outputs

    with pytest.raises(KeyboardInterrupt):
        write_outputs(Outputs(project, sample, progress=stop), tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_rejected_cells_and_small_events_are_asked_for(project: Project, sample: Path) -> None:
    plain = Outputs(project, sample, least_noise=0)
    everyone = Outputs(project, sample, rejected=True, least_noise=0)
    large = Outputs(project, sample, rejected=True, least_noise=0.6)

    assert len(plain.shown.table) < len(everyone.shown.table) == N_ROIS - 1
    assert plain.events is not None
    assert everyone.events is not None
    assert large.events is not None
    assert 0 < len(large.events.cell) < len(everyone.events.cell)
    assert "cells_raw.isxd" in plain.writers


def test_without_isx_the_rest_is_written_and_said(
    project: Project, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.outputs.writing.isx_obstacle", lambda: "the package isx does not load here (no)")
    outputs = Outputs(project, sample)

    assert not [name for name in outputs.writers if name.endswith(".isxd")]
    assert "cells.csv" in outputs.writers
    assert any("isx does not load here" in note for note in outputs.notes())


def test_a_sample_without_cells_has_what_it_has(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    path = made_sample(project, segmentation=made_segmentation(0, background=False, traces=False))
    folder = tmp_path / "out"
    done = CliRunner().invoke(main, ["results", str(project.folder), path.stem, "--to", str(folder)])

    assert done.exit_code == 0, done.output
    assert "There are no cells" in done.stderr
    shutil.rmtree(folder)


def test_the_preview_shows_the_whole_range_of_snr_the_highest_first() -> None:
    snr = np.random.default_rng(1).permutation(np.arange(100.0))
    snr[7] = np.nan

    rows = previewed_rows(snr)

    assert len(rows) == 20
    shown = snr[rows]
    assert shown[0] == np.nanmax(snr)
    assert np.isnan(shown[-1])
    assert (np.diff(shown[:-1]) < 0).all()
    assert previewed_rows(np.array([3.0, 9.0])).tolist() == [1, 0]
