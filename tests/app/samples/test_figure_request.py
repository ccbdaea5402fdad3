from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from app.samples.figure_request import draw_figure, parse_request
from app.samples.store import SampleData
from app.workspace import Workspace
from nwb_schema.project import Project
from pipeline.figures.sample_figure import FigureRequest
from tests.app.small_project import MadeSample


@pytest.fixture
def data(project: Project, sample: MadeSample) -> SampleData:
    return Workspace.of(project).samples.get(sample.identifier)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {"what": ["x"], "selected": [3, None], "dpi": "many", "font": "nan", "window": [1], "kinds": ["x"]},
        {"what": "traces", "width": 1e9, "height": "inf", "format": "../x", "tables": "all", "heatmap": 3},
    ],
)
def test_what_is_no_request_asks_for_what_is_usual(data: SampleData, sent: object) -> None:
    assert parse_request(sent, data) == FigureRequest(stacked=False, stimuli=())


def test_traces_are_those_of_the_page(data: SampleData) -> None:
    keys = list(data.rois["key"])
    sent = {
        "what": "traces",
        "selected": keys[2:4],
        "kinds": ["residual", "raw"],
        "arrangement": "stacked",
        "normalise": True,
        "window": [1, 2.5],
        "width": "double",
        "font": 6,
        "dpi": "600",
        "format": "png",
    }

    assert parse_request(sent, data) == FigureRequest(
        rois=tuple(keys[2:4]),
        kinds=("raw", "residual"),
        stacked=True,
        normalised=True,
        window_s=(1.0, 2.5),
        stimuli=(),
        width="double",
        font_pt=6.0,
        dpi=600,
        file_format="png",
    )


def test_heat_map_and_image_are_those_of_the_page(data: SampleData) -> None:
    keys = list(data.rois["key"])
    heatmap = {"cells": "listed", "keys": keys[:3], "kind": "dff", "scale": "plain", "order": "tag:area"}

    found = parse_request({"what": "heatmap", "selected": keys[5:], "heatmap": heatmap}, data)
    assert (found.rois, found.kinds, found.scale, found.tag) == (tuple(keys[:3]), ("dff",), "plain", "area")

    found = parse_request({"what": "image", "selected": keys[5:6], "rejected": True, "image": "max"}, data)
    assert (found.rois, found.cells, found.image) == ((keys[5],), "all", "max")


def test_preview_is_a_small_png_of_the_same_figure(project: Project, data: SampleData) -> None:
    request = FigureRequest(what="image", width="single")

    preview = draw_figure(project, data, request, preview=True)
    file = draw_figure(project, data, replace(request, file_format="pdf"), preview=False)

    assert Image.open(io.BytesIO(preview.content)).size[0] == pytest.approx(89 / 25.4 * 150, abs=1)
    assert preview.data_uri.startswith("data:image/png;base64,")
    assert file.content.startswith(b"%PDF")
    assert (file.file_name, preview.said) == (f"{data.path.stem}_image.pdf", file.said)
