"""A sample of volumes: one plane at a time, or all of them from above."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from flask.testing import FlaskClient

from app.components.curation_view import curation_config
from app.components.edit_history import describe_cell
from app.components.player_view import player_config
from app.components.roi_table import roi_table
from app.components.roi_tools import roi_tools
from app.samples.figure_request import parse_request
from app.samples.roi_rows import roi_rows
from app.servers.dashboard import create_app
from app.workspace import Workspace
from nwb_schema.project import Project
from pipeline.figures.journal import FigureError
from pipeline.figures.sample_figure import sample_figure
from tests.app.volume_project import DEPTH, HEIGHT, WIDTH, MadeVolumes, add_volumes


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.create(tmp_path_factory.mktemp("volumes") / "project")


@pytest.fixture(scope="module")
def volumes(project: Project) -> MadeVolumes:
    return add_volumes(project)


@pytest.fixture
def client(project: Project, volumes: MadeVolumes) -> Iterator[FlaskClient]:
    with create_app(project.folder).server.test_client() as client:
        yield client


def shown(client: FlaskClient, address: str) -> np.ndarray:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    image = cv2.imdecode(np.frombuffer(answer.data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return image.astype(float)


def outlined(client: FlaskClient, address: str) -> list[list[list[float]]]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    rois: list[dict[str, Any]] = json.loads(gzip.decompress(answer.data))["rois"]
    return [roi["pieces"] for roi in rois]


def test_a_frame_shows_the_plane_asked_for_or_all_from_above(client: FlaskClient, volumes: MadeVolumes) -> None:
    frame = volumes.frames[3].astype(float)
    for plane in range(DEPTH):
        image = shown(client, f"/frames/{volumes.identifier}/3.jpg?lo=0&hi=510&z={plane}")
        np.testing.assert_allclose(image, frame[..., plane] / 2, atol=12)
    above = shown(client, f"/frames/{volumes.identifier}/3.jpg?lo=0&hi=510")
    np.testing.assert_allclose(above, frame.max(axis=2) / 2, atol=12)


def test_summary_images_have_planes_where_they_were_kept(client: FlaskClient, volumes: MadeVolumes) -> None:
    mean = volumes.frames.mean(axis=0)
    image = shown(client, f"/projections/{volumes.identifier}/mean.jpg?lo=0&hi=510&z=2")
    np.testing.assert_allclose(image, mean[..., 2] / 2, atol=12)
    image = shown(client, f"/projections/{volumes.identifier}/mean.jpg?lo=0&hi=510")
    np.testing.assert_allclose(image, mean.max(axis=2) / 2, atol=12)
    refused = client.get(f"/projections/{volumes.identifier}/max.jpg?z=2")
    assert refused.status_code == 404
    assert "It has planes of: mean" in refused.text
    assert shown(client, f"/thumbnails/{volumes.identifier}.jpg").shape == (HEIGHT, WIDTH)


def test_outlines_are_where_the_plane_cuts_the_cells(client: FlaskClient, volumes: MadeVolumes) -> None:
    def there(plane: str) -> list[bool]:
        return [bool(pieces) for pieces in outlined(client, f"/contours/{volumes.identifier}.json{plane}")]

    assert there("") == [True, True]
    assert [there(f"?z={plane}") for plane in range(DEPTH)] == [
        # The faint ends of cell 0 hold too little of its energy to be inside.
        [True, False],
        [True, False],
        [True, False],
        [False, True],
        [False, True],
    ]
    (second,) = outlined(client, f"/contours/{volumes.identifier}.json?z=3")[1]
    points = np.array(second).reshape(-1, 2)
    np.testing.assert_allclose(points.mean(axis=0), (30.5, 18.5), atol=0.5)
    # Whoever looked from above first finds the same planes: nothing is changed by looking.
    assert outlined(client, f"/contours/{volumes.identifier}.json?z=3")[1][0] == second


def test_outlines_say_between_which_planes_a_cell_lies(client: FlaskClient, volumes: MadeVolumes) -> None:
    for plane in ("", "?z=3"):
        answer = client.get(f"/contours/{volumes.identifier}.json{plane}")
        rois = json.loads(gzip.decompress(answer.data))["rois"]
        assert [roi["planes"] for roi in rois] == [[0, 1, 2], [3, 3, 4]]


def test_a_cell_of_a_volume_has_a_size_and_a_place_in_three_axes(project: Project, volumes: MadeVolumes) -> None:
    sample = Workspace.of(project).samples.get(volumes.identifier)
    first, second = roi_rows(sample.rois)
    assert (first["centroid_x"], first["centroid_y"], first["centroid_z"]) == pytest.approx((12, 10, 1))
    assert second["centroid_z"] == pytest.approx(3.5)
    voxels = np.count_nonzero(volumes.bodies[0])
    said = str(describe_cell(sample, first["key"], ()))
    assert f"{voxels} voxels ({5 * voxels:,} \u00b5m\u00b3)" in said
    assert "x 12.0, y 10.0 px, plane 1.0 (12.0, 10.0, 5.0 \u00b5m)" in said
    headers = [column["headerName"] for column in roi_table(sample.rois).columnDefs]
    assert "Voxels" in headers
    assert headers[-1] == "z"


def test_a_cell_of_unknown_spacing_has_its_place_in_voxels_alone(project: Project, volumes: MadeVolumes) -> None:
    sample = replace(Workspace.of(project).samples.get(volumes.identifier))
    sample.__dict__["plane_spacing_um"] = None
    said = str(describe_cell(sample, str(sample.rois["key"][0]), ()))
    assert "plane 1.0" in said
    assert "\u00b5m" not in said


def test_a_figure_shows_the_plane_of_the_page(project: Project, volumes: MadeVolumes) -> None:
    sample = Workspace.of(project).samples.get(volumes.identifier)
    keys = list(sample.rois["key"])
    sent = {"what": "image", "image": "mean", "selected": keys, "plane": 3, "format": "svg"}
    request = parse_request(sent, sample)
    assert request.plane == 3
    assert parse_request({**sent, "plane": "3"}, sample).plane is None

    def named(plane: int | None) -> set[str]:
        drawn = sample_figure(sample.path, replace(request, plane=plane)).content.decode()
        return set(re.findall(r"<text[^>]*>(\d+)</text>", drawn))

    assert [named(plane) for plane in (None, 1, 3)] == [{"0", "1"}, {"0"}, {"1"}]
    with pytest.raises(FigureError, match=r"no planes of a summary image called 'max'.*mean"):
        sample_figure(sample.path, replace(request, image="max"))
    with pytest.raises(FigureError, match=r"no plane 5.*0 to 4"):
        sample_figure(sample.path, replace(request, plane=DEPTH))


def test_the_page_says_that_nothing_can_be_drawn(project: Project, volumes: MadeVolumes) -> None:
    workspace = Workspace.of(project)
    bar = str(roi_tools(curation_config(workspace, workspace.samples.get(volumes.identifier))))
    assert "New cells cannot be drawn in a volume." in bar
    assert "polygon" not in bar.lower()


@pytest.mark.parametrize("plane", ["-1", "5", "x", "1e3", ""])
@pytest.mark.parametrize("what", ["frames/{}/0.jpg", "projections/{}/mean.jpg", "contours/{}.json"])
def test_a_plane_that_is_not_there_is_refused(client: FlaskClient, volumes: MadeVolumes, what: str, plane: str) -> None:
    answer = client.get(f"/{what.format(volumes.identifier)}?z={plane}")
    assert answer.status_code == 404
    assert "plane" in answer.text


def test_the_player_is_told_of_planes_and_their_levels(project: Project, volumes: MadeVolumes) -> None:
    workspace = Workspace.of(project)
    config, problem = player_config(workspace, workspace.samples.get(volumes.identifier), plane=3)
    assert problem is None
    assert (config["depth"], config["plane"]) == (DEPTH, 3)
    planes = {background["name"]: background["planes"] is not None for background in config["backgrounds"]}
    assert planes == {"movie": True, "mean": True, "max": False}
    movie = config["backgrounds"][0]
    assert movie["planes"]["auto"][0] <= movie["contrast"]["auto"][0]
    config, _ = player_config(workspace, workspace.samples.get(volumes.identifier), plane=DEPTH)
    assert config["plane"] is None
