from __future__ import annotations

import io
from pathlib import Path

import cv2
import h5py
import numpy as np
import pandas as pd
import pytest
from dash import Dash
from flask.testing import FlaskClient

from app.components.results_view import cell_figures, event_figures
from app.figures.event_figures import raster_image
from app.pages import results_page
from app.samples.addresses import file_url, raster_url
from app.samples.outputs import outputs_of, parse_least
from app.workspace import Workspace
from nwb_schema.project import Project
from pipeline.outputs.events import find_events
from tests.app.small_project import HEIGHT, N_FRAMES, RATE_HZ, WIDTH, MadeSample


@pytest.fixture
def workspace(project: Project) -> Workspace:
    return Workspace.of(project)


def test_the_page_has_all_outputs_and_a_file_of_each(app: Dash, sample: MadeSample, client: FlaskClient) -> None:
    with app.server.test_request_context("/"):
        page = str(results_page.layout(sample.identifier))

    for words in (
        "Cell sets",
        "Neural events",
        "cells_raw.isxd",
        "footprints.tif",
        "events.csv",
        "traces_denoised.csv",
    ):
        assert words in page
    # The made sample has no pnr image, and no job made it.
    assert "No initialisation images" in page
    assert "not among the project's batch folders" in page
    answer = client.get(f"/result-files/{sample.identifier}/traces_raw.csv")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    frame = pd.read_csv(io.BytesIO(answer.data))
    assert frame.shape == (N_FRAMES, 1 + len(sample.simulation.footprints))
    np.testing.assert_allclose(frame["C0"], sample.simulation.traces[0] + 1, rtol=1e-5)


def test_unknown_samples_and_outputs_are_said_in_words(app: Dash, sample: MadeSample, client: FlaskClient) -> None:
    assert client.get(f"/result-files/{sample.identifier}/passwords.csv").status_code == 404
    assert b"has no output" in client.get(f"/result-files/{sample.identifier}/passwords.csv").data
    assert client.get("/result-files/gone/cells.csv").status_code == 404
    assert client.get(f"/result-images/{sample.identifier}/initialisation/pnr.png").status_code == 404
    with app.server.test_request_context("/"):
        assert "This sample cannot be shown" in str(results_page.layout("gone"))


def test_twenty_cells_at_most_are_highlighted_each_with_its_trace(workspace: Workspace, sample: MadeSample) -> None:
    data = workspace.samples.get(sample.identifier)
    outlines, traces = cell_figures(data, outputs_of(workspace, data), "raw")

    n_accepted = len(sample.simulation.footprints) - 1
    names = [trace.name for trace in outlines.data[1:]]
    assert names == [trace.name for trace in traces.data]
    assert len(names) == n_accepted
    # SNR rises with the row: the clearest cell, which comes first, is the last accepted one.
    assert names[0] == f"Cell {n_accepted - 1}"
    everyone, _ = cell_figures(data, outputs_of(workspace, data, rejected=True), "raw")
    assert len(everyone.data) == n_accepted + 2
    assert max(value for value in outlines.data[0].x if value is not None) <= WIDTH
    assert max(value for value in outlines.data[0].y if value is not None) <= HEIGHT


def test_the_raster_shows_each_event_in_its_row_and_at_its_time() -> None:
    deconvolved = np.zeros((5, 300), np.float32)
    deconvolved[1, 100] = deconvolved[4, 299] = 1

    image = cv2.imdecode(np.frombuffer(raster_image(find_events(deconvolved, 10.0)), np.uint8), cv2.IMREAD_UNCHANGED)

    drawn = image[..., 3] > 0
    tall, wide = drawn.shape[0] / 5, drawn.shape[1] / 300
    rows, columns = np.nonzero(drawn)
    assert set((rows // tall).astype(int)) == {1, 4}
    assert set((columns[rows // tall == 1] / wide).astype(int)) <= {100, 101}
    assert columns.max() >= 299 * wide


def test_events_are_redrawn_for_a_threshold(workspace: Workspace, sample: MadeSample, client: FlaskClient) -> None:
    data = workspace.samples.get(sample.identifier)
    outputs = outputs_of(workspace, data, least_noise=0)
    assert outputs.events is not None

    figure, rates, intervals, words = event_figures(data, outputs, rejected=False, least=0.0)

    assert words.startswith(f"{len(outputs.events.cell)} events in")
    assert figure.layout.xaxis.range == (0, N_FRAMES / RATE_HZ)
    assert sum(rates.data[0].y) == len(outputs.shown.table)
    assert sum(intervals.data[0].y) <= len(outputs.shown.table)
    assert client.get(raster_url(data, rejected=False, least=0.0)).headers["Cache-Control"].endswith("immutable")
    with_rejected = client.get(file_url(data, "events.csv", rejected=True, least=0)).data
    assert len(with_rejected.splitlines()) > len(client.get(file_url(data, "events.csv", least=0)).data.splitlines())


@pytest.mark.parametrize(
    ("typed", "least"),
    [("3", 3.0), ("2,5", 2.5), ("0", 0.0), ("", 2.0), (None, 2.0), ("x", 2.0), ("nan", 2.0), ("1e9", 100.0)],
)
def test_whatever_is_typed_is_a_threshold(typed: str | None, least: float) -> None:
    assert parse_least(typed) == least


def test_the_results_file_is_that_of_the_job(
    workspace: Workspace, sample: MadeSample, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    theirs = tmp_path / "results.hdf5"
    with h5py.File(theirs, "w") as file:
        file["x"] = 1
    monkeypatch.setattr("pipeline.outputs.writing.results_file", lambda project, path: theirs)
    answer = client.get(f"/result-files/{sample.identifier}/results.hdf5?least=7")

    assert answer.data == theirs.read_bytes()
    assert f"{sample.path.stem}_results.hdf5" in answer.headers["Content-Disposition"]
