from __future__ import annotations

import shutil
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dash import Dash
from scipy import sparse

from app.components.compare.choosing import question
from app.components.compare.traces import stepped
from app.components.compare.view import comparison_view
from app.figures.compare_figures import mark_shapes, pair_traces_figure
from app.pages import compare_page
from app.samples.compared import SAMPLE, load_pair, variants_of
from app.servers.dashboard import create_app
from app.workspace import Workspace
from nwb_schema.errors import JobError
from nwb_schema.project import Project
from nwb_schema.reader import read_footprints, read_rois, read_traces
from pipeline.results_file import Results, write_results
from pipeline.variants.choosing import choose_variant
from pipeline.variants.run_record import RunRecord, write_run
from tests.app.small_project import HEIGHT, RATE_HZ, WIDTH, MadeSample


@pytest.fixture
def mine(project: Project, sample: MadeSample, tmp_path: Path) -> Workspace:
    """A copy of the project, in which somebody chooses."""
    return Workspace.of(Project.open(shutil.copytree(project.folder, tmp_path / "project")))


def add_variant(project: Project, sample: MadeSample) -> str:
    """A result for the sample's movie that lacks its first two cells and has one of its own in a corner."""
    footprints = read_footprints(sample.path)[2:]
    corner = np.zeros((HEIGHT, WIDTH), np.float32)
    corner[:6, -6:] = 1
    both = sparse.csr_array(
        sparse.vstack([footprints.tocsr(), sparse.csr_array(corner.reshape(1, -1))]), dtype=np.float32
    )
    traces = read_traces(sample.path, "denoised")
    denoised = np.vstack([traces[2:] * 3, traces[:1]])
    n = len(denoised)
    nothing = np.zeros_like(denoised)
    folder = project.batch_dir / str(uuid.uuid4())
    folder.mkdir()
    results = Results(
        shape=(HEIGHT, WIDTH),
        rate_hz=RATE_HZ,
        footprints=both,
        denoised=denoised,
        deconvolved=nothing,
        residual=nothing,
        dff=nothing,
        background_footprints=np.zeros((1, HEIGHT * WIDTH), np.float32),
        background_traces=np.zeros((1, denoised.shape[1]), np.float32),
        snr=np.full(n, 5, np.float32),
        r_values=np.full(n, 0.5, np.float32),
        accepted=np.ones(n, bool),
        per_trace={name: np.zeros((n, 1) if name == "g" else n, np.float32)
                   for name in ("g", "bl", "c1", "neurons_sn", "lam")},
        noise=np.zeros((HEIGHT, WIDTH), np.float32),
        shifts=np.zeros((denoised.shape[1], 2), np.float32),
        images={},
        parameters={"init": {"K": 20, "nb": None}},
        engine="caiman",
        version="1.12",
    )  # fmt: skip
    path = write_results(folder / "results.hdf5", results)
    record = RunRecord(sample.identifier, "", "K 20", "ada", "2026-01-02T03:04:05+00:00", seconds={"total": 61.0})
    write_run(path, replace(record, peak_rss_mb=1234.0))
    return folder.name


def test_a_sample_without_another_result_is_told_how_to_make_one(app: Dash, sample: MadeSample) -> None:
    with app.server.test_request_context("/"):
        page = str(compare_page.layout(sample.identifier))
        assert "This sample cannot be shown" in str(compare_page.layout("gone"))

    assert "There is nothing to compare yet" in page
    assert f"--variant-of {sample.path.stem}" in page


def test_cells_numbers_and_parameters_of_both_are_shown(mine: Workspace, sample: MadeSample) -> None:
    variant = add_variant(mine.project, sample)
    data = mine.samples.get(sample.identifier)
    n_cells = len(sample.simulation.footprints)

    pair = load_pair(mine, data, (SAMPLE, variant), accepted_only=False, least_overlap=0.3)
    outlines, legend, numbers, snr, _, parameters, no_a, no_b = comparison_view(data, pair, on_top=False)

    assert pair.comparison.pairs.tolist() == [[row, row - 2] for row in range(2, n_cells)]
    assert pair.comparison.only_a.tolist() == [0, 1]
    assert pair.comparison.only_b.tolist() == [n_cells - 2]
    np.testing.assert_allclose(pair.comparison.correlation, 1, atol=1e-4)
    words = str(legend) + str(numbers)
    for text in (f"{n_cells - 2} cells in both", "2 only in A", "1 only in B", "1:01 min", "1,234 MB", "caiman 1.12"):
        assert text in words
    assert "init.K" in str(parameters)
    assert "init.nb" not in str(parameters)
    assert (no_a, no_b) == (True, False)
    assert len(snr.data) == 2
    targets = outlines.data[-2:]
    assert [0, -1] in list(targets[0].customdata)
    assert [-1, n_cells - 2] in list(targets[1].customdata)
    dashes = {trace.name: trace.line.dash for trace in outlines.data[:-2]}
    assert dashes == {"in both": "solid", "only in A": "dash", "only in B": "dot"}
    assert len(pair_traces_figure(pair, 2, 0, "denoised").data) == 2
    assert len(pair_traces_figure(pair, 0, -1, "denoised").data) == 1


def test_the_chosen_cell_is_ringed_where_it_is(mine: Workspace, sample: MadeSample) -> None:
    variant = add_variant(mine.project, sample)
    data = mine.samples.get(sample.identifier)
    pair = load_pair(mine, data, (SAMPLE, variant), accepted_only=False, least_overlap=0.3)
    n_cells = len(sample.simulation.footprints)

    both = mark_shapes(pair, 3, 1, on_top=False)
    (own,) = mark_shapes(pair, -1, n_cells - 2, on_top=False)

    assert [shape["xref"] for shape in both] == ["x", "x2"]
    assert both[0]["x0"] == both[1]["x0"]
    assert len(mark_shapes(pair, 3, 1, on_top=True)) == 1
    # The variant's own cell fills the top right corner, 6 x 6 px.
    assert (own["xref"], (own["x0"] + own["x1"]) / 2, (own["y0"] + own["y1"]) / 2) == ("x2", WIDTH - 3, 3)


def test_all_cells_can_be_gone_through_without_a_mouse(mine: Workspace, sample: MadeSample) -> None:
    variant = add_variant(mine.project, sample)
    data = mine.samples.get(sample.identifier)
    pair = load_pair(mine, data, (SAMPLE, variant), accepted_only=False, least_overlap=0.3)
    n_cells = len(sample.simulation.footprints)

    places = [stepped(pair, None, 1)]
    while (following := stepped(pair, places[-1], 1)) not in places:
        places.append(following)

    assert places[0] == [2, 0]
    assert places[-3:] == [[0, -1], [1, -1], [-1, n_cells - 2]]
    assert len(places) == n_cells + 1
    assert stepped(pair, places[0], -1) == stepped(pair, None, -1) == places[-1]


def test_the_question_says_what_choosing_will_do_and_it_does(mine: Workspace, sample: MadeSample) -> None:
    variant = add_variant(mine.project, sample)
    data = mine.samples.get(sample.identifier)
    n_cells = len(sample.simulation.footprints)
    pair = load_pair(mine, data, (variant, variant), accepted_only=False, least_overlap=0.3)

    said = str(question(data, pair.a))
    done = choose_variant(mine.project, data.path, variant, actor="ada")

    assert f"{n_cells - 2} of the sample's {n_cells} ROIs are found again" in said
    assert done.n_matched == n_cells - 2
    assert "K 20" in done.committed.records[0].what
    old = list(read_rois(sample.path)["roi_uuid"])
    assert list(read_rois(data.path)["roi_uuid"])[: n_cells - 2] == old[2:]
    fresh = mine.samples.get(sample.identifier)
    assert [one.is_chosen for one in variants_of(mine, fresh)] == [True]


def test_a_result_that_has_gone_is_said(mine: Workspace, sample: MadeSample) -> None:
    data = mine.samples.get(sample.identifier)

    with pytest.raises(JobError, match="not among the results"):
        load_pair(mine, data, (SAMPLE, str(uuid.uuid4())), accepted_only=True, least_overlap=0.3)


def test_the_page_lists_all_results(mine: Workspace, sample: MadeSample) -> None:
    variant = add_variant(mine.project, sample)
    app = create_app(mine.project.folder)
    with app.server.test_request_context("/"):
        page = str(compare_page.layout(sample.identifier))
        for asked in (variant, "nothing"):
            shown = str(compare_page.layout(sample.identifier, b=asked))
            assert f"value='{variant}', id='compare-b'" in shown or f"id='compare-b', value='{variant}'" in shown

    for words in ("K 20", "1,234 MB", "ada", "1. K 20 (caiman)", "1:01 min"):
        assert words in page
    # Seven of its cells are accepted in the sample, which rejects its last one.
    n_accepted_in_both = len(sample.simulation.footprints) - 3
    assert f"Td('{n_accepted_in_both}')" in page
