from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from dash import Dash
from flask.testing import FlaskClient

from app.components.picture_view import save_still
from app.samples.saved_pictures import save_for_download
from app.workspace import Workspace, workspace_of
from nwb_schema.project import Project
from tests.app.small_project import HEIGHT, WIDTH, MadeSample


@pytest.fixture
def workspace(app: Dash) -> Workspace:
    return workspace_of(app.server)


def asked(sample: MadeSample, suffix: str = ".png", **picture: Any) -> dict[str, Any]:
    return {"sample": sample.identifier, "suffix": suffix, "id": str(uuid.uuid4()), "picture": picture}


def test_saved_picture_is_fetched_under_its_own_name(
    workspace: Workspace, client: FlaskClient, sample: MadeSample
) -> None:
    answer = save_still(workspace, asked(sample, frame=12, enlarge=2))

    assert answer["name"] == "sub-m1_ses-s1_ophys_movie_frame-12.png"
    fetched = client.get(answer["url"])
    assert f"filename={answer['name']}" in fetched.headers["Content-Disposition"]
    assert fetched.headers["Content-Disposition"].startswith("attachment")
    picture = cv2.imdecode(np.frombuffer(fetched.data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    assert picture.shape == (2 * HEIGHT, 2 * WIDTH, 3)


def test_clip_says_how_far_it_is(workspace: Workspace, client: FlaskClient, sample: MadeSample) -> None:
    told: list[float] = []
    kept = workspace.samples.get(sample.identifier)

    answer = save_for_download(workspace.project, kept, asked(sample, ".mp4", frame=3, stop=9), told.append)

    assert answer["name"].endswith("_movie_frames-3-9.mp4")
    assert told == pytest.approx([number / 6 for number in range(1, 7)])
    assert len(client.get(answer["url"]).data) > 500


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"suffix": ".exe"}, "another kind"),
        ({"suffix": ".mp4"}, "another kind"),  # a clip is not made while the page waits
        ({"id": "../../x"}, "without a name"),
        ({"id": None}, "without a name"),
        ({"picture": None}, "picture that there is not"),
        ({"picture": {"image": "../mean"}}, "no image called"),
        ({"picture": {"frame": 10**6}}, "has no frame"),
        ({"picture": {"colours": "jet"}}, "must be one of"),
        ({"sample": "no-such"}, "no-such"),
    ],
)
def test_what_a_page_should_not_ask_for_is_refused_in_words(
    workspace: Workspace, sample: MadeSample, changes: dict[str, Any], said: str
) -> None:
    answer = save_still(workspace, {**asked(sample), **changes})

    assert said in answer["error"].lower()
    assert "url" not in answer


def test_nothing_else_can_be_fetched(project: Project, client: FlaskClient) -> None:
    token = uuid.uuid4()
    folder = project.catalogue_path.parent / "saved" / str(token)
    folder.mkdir(parents=True)

    assert client.get(f"/saved/{token}/a.png").status_code == 404
    for path in (f"/saved/{token}/..%2f..%2fcatalogue.sqlite", "/saved/x/a.png"):
        assert client.get(path).mimetype == "text/html"  # the page that says that there is none such


def test_what_was_saved_long_ago_is_removed(workspace: Workspace, sample: MadeSample) -> None:
    old = save_still(workspace, asked(sample))
    place = workspace.project.catalogue_path.parent / "saved" / Path(old["url"]).parent.name
    os.utime(place, (0, 0))

    new = save_still(workspace, asked(sample))

    assert not place.exists()
    assert (place.parent / Path(new["url"]).parent.name).exists()
