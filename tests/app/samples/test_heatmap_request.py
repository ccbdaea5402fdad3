from __future__ import annotations

import base64
import json

import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.utils import PlotlyJSONEncoder

from app.components.heatmap_panel import height_px
from app.figures.heatmap import heatmap_figure
from app.figures.shades import Shade
from app.samples.heatmap_request import HeatmapRequest, draw_heatmap
from app.workspace import Workspace
from nwb_schema import configure
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.edits import Tag, commit
from nwb_schema.errors import SampleError
from nwb_schema.project import Project
from pipeline.figures.raster import raster
from tests.app.small_project import MadeSample, add_sample


@pytest.mark.parametrize(
    "sent", [None, [], {"order": "tag"}, {"cells": {"a": 1}, "width": "wide"}, {"keys": [1], "width": float("nan")}]
)
def test_what_is_no_request_asks_for_what_is_usual(sent: object) -> None:
    assert HeatmapRequest.parse(sent) == HeatmapRequest()


def test_request_is_as_wide_as_a_screen_can_be() -> None:
    assert HeatmapRequest.parse({"width": 1e9}).n_columns == 1_200
    assert HeatmapRequest.parse({"width": -5}).n_columns == 100


def test_rows_are_the_accepted_cells_by_snr(project: Project, sample: MadeSample) -> None:
    workspace = Workspace.of(project)
    data = workspace.samples.get(sample.identifier)

    answer = draw_heatmap(workspace, data, HeatmapRequest(n_columns=50))

    accepted = data.rois[data.rois["is_accepted"]].sort_values("snr", ascending=False)
    assert list(answer.keys) == list(accepted["key"])
    assert list(answer.labels) == [str(index) for index in accepted["index"]]
    assert f"{len(accepted)} cells; each column is the mean of 0.2 s" in answer.said
    z = answer.figure["data"][0]["z"]
    values = np.frombuffer(base64.b64decode(z["bdata"]), dtype=np.float32)
    assert len(values) == len(accepted) * 50


def test_all_cells_and_those_that_the_table_lists(project: Project, sample: MadeSample) -> None:
    workspace = Workspace.of(project)
    data = workspace.samples.get(sample.identifier)
    keys = list(data.rois["key"])

    assert set(draw_heatmap(workspace, data, HeatmapRequest(cells="all")).keys) == set(keys)
    listed = HeatmapRequest(cells="listed", keys=(keys[4], keys[2], "no such cell"), order="file")
    assert draw_heatmap(workspace, data, listed).keys == (keys[4], keys[2])
    with pytest.raises(SampleError, match="listed in the table"):
        draw_heatmap(workspace, data, HeatmapRequest(cells="listed"))


def test_rows_by_a_tag_stand_in_groups_with_their_names(tmp_path: object, sample: MadeSample) -> None:
    project = Project.create(tmp_path / "tagged")  # type: ignore[operator]
    area = ColumnDefinition("area", ColumnKind.ROI_TAG)
    configure.add_column(project, area)
    made = add_sample(project, sample.simulation)
    workspace = Workspace.of(project)
    keys = list(workspace.samples.get(made.identifier).rois["key"])
    commit(project, made.path, Tag((keys[0], keys[5]), area, "<b>V1</b>"), actor="x")

    answer = draw_heatmap(
        workspace, workspace.samples.get(made.identifier), HeatmapRequest(cells="all", order="tag:area")
    )

    assert answer.keys[:2] == (keys[5], keys[0])  # the higher SNR first
    assert [note["text"] for note in answer.figure["layout"]["annotations"]] == [
        "&lt;b&gt;V1&lt;/b&gt; (2)",
        "untagged (7)",
    ]


def test_figure_can_be_sent_by_both_kinds_of_worker_and_has_the_stimuli_above_the_rows() -> None:
    found = raster(np.random.default_rng(0).normal(size=(3, 500)), rate_hz=10.0, n_columns=100, order="file")
    shade = Shade("grating", "#ff0000", np.array([[1.0, 2.0]]))

    figure = heatmap_figure(found, ["7", "8", "9"], value_title="ΔF/F", shades=[shade])

    sent = json.loads(json.dumps(figure.to_plotly_json(), cls=PlotlyJSONEncoder))
    again = go.Figure(sent)
    assert again.layout.yaxis.range == (2.5, -0.5)  # the first row is on top
    assert again.data[0].x0 == pytest.approx(0.25)
    assert list(again.layout.yaxis.ticktext) == ["7", "8", "9"]
    (strip,) = again.layout.shapes
    assert strip.path == "M1,0.962V1H2V0.962Z"
    assert again.layout.yaxis.domain[1] < 0.962


def test_plot_grows_with_its_rows_within_limits() -> None:
    assert height_px(1) == height_px(10) < height_px(60) < height_px(500) == height_px(5_000)
