"""The pages of parameters and tuning without a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from dash import Dash
from flask.testing import FlaskClient

from app.components.tune.motion import motion_words
from app.pages import parameters_page, tune_page
from app.parameters.form import texts_of
from app.parameters.tuning import Source, look_request, preview_request, tuned
from app.parameters.tuning_work import compute_images, compute_motion
from app.workspace import Workspace
from nwb_schema.errors import FluoriteError
from nwb_schema.project import Project
from pipeline.parameters import Parameters
from pipeline.simulate import simulate_movie
from pipeline.tuning.request import Answers
from tests.app.small_project import MadeSample


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tune") / "raw.tif"
    frames = simulate_movie("1p", n_frames=60, height=48, width=64, n_cells=4, seed=3).frames
    tifffile.imwrite(path, frames, photometric="minisblack", metadata={"axes": "TYX"})
    return path


def test_both_pages_are_there_and_start_from_what_the_address_says(app: Dash, sample: MadeSample) -> None:
    with app.server.test_request_context("/"):
        page = str(parameters_page.layout(start="preset%3A1p"))
        assert "corr_pnr" in page
        assert sample.identifier in page, "its movie can be chosen"
        assert "Used before in this project" in page
        assert "there is no" in str(parameters_page.layout(start="nonsense"))
        tune = str(tune_page.layout(movie="/data/a%20b.tif", start="preset:1p"))
        assert "/data/a b.tif" in tune
        assert "preset:2p" in str(tune_page.layout(start="set:gone"))


def test_what_is_typed_is_what_is_looked_at(project: Project, movie: Path) -> None:
    workspace = Workspace.of(project)
    base = texts_of(Parameters.preset("1p"))
    source = Source(movie=str(movie), first="10", n_frames="40", resize=0.5)
    request = look_request(workspace, source, tuned("1p", base, {"init.gSig": "2, 5"}))
    assert (request.first, request.n_frames, request.gSig, request.center_psf) == (10, 40, (2, 5), True)
    assert request.movie.resize == 0.5
    assert preview_request(request).n_frames == 200
    for wrong, said in (
        (Source(), "no movie was chosen"),
        (Source(movie=str(movie), n_frames="many"), "'many' is not a whole number"),
        (Source(sample="gone"), "no such sample"),
    ):
        with pytest.raises(FluoriteError, match=said):
            look_request(workspace, wrong, tuned("1p", base, {}))
    with pytest.raises(FluoriteError, match="gSig"):
        look_request(workspace, source, tuned("1p", base, {"init.gSig": "wide"}))


def test_thresholds_are_chosen_only_where_they_are_used() -> None:
    sliders: dict[str, str | None] = {
        "init.min_corr": "0.5",
        "init.min_pnr": "4",
        "patch.rf": "20",
        "patch.stride": "8",
    }
    one = tuned("1p", texts_of(Parameters.preset("1p")), sliders)
    two = tuned("2p", texts_of(Parameters.preset("2p")), sliders)
    assert one.overrides() == {"init.min_corr": 0.5, "init.min_pnr": 4.0, "patch.rf": 20, "patch.stride": 8}
    assert two.overrides() == {"patch.rf": 20, "patch.stride": 8}


@pytest.fixture
def in_background(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.parameters.tuning_work.background_project", lambda: project)


@pytest.mark.usefixtures("in_background")
def test_images_come_as_numbers_by_address(client: FlaskClient, project: Project, movie: Path) -> None:
    asked = {"request": {"movies": [str(movie)], "n_frames": 60, "gSig": [3, 3]}, "nonce": "n1"}
    progress: list[Any] = []
    found = compute_images(progress.append, asked)

    assert (found["nonce"], found["height"], found["width"]) == ("n1", 48, 64)
    answer = client.get(found["urls"]["pnr"])
    values = np.frombuffer(answer.data, "<f4").reshape(48, 64)
    np.testing.assert_array_equal(values, Answers(project).read(found["digest"], "pnr"))
    assert found["pnr_max"] >= values.max()
    assert len(client.get(found["urls"]["seeds"]).data) % 12 == 0
    gone = client.get(f"/tuning/{'0' * 64}/mean.f32")
    assert gone.status_code == 404
    assert "Look at the movie again" in gone.text
    assert client.get("/tuning/project.toml/mean.f32").status_code == 404


@pytest.mark.usefixtures("in_background")
def test_what_goes_wrong_comes_back_in_words(tmp_path: Path) -> None:
    asked = {"request": {"movies": [str(tmp_path / "gone.tif")]}, "nonce": "n2"}
    found = compute_images(lambda told: None, asked)
    assert found["nonce"] == "n2"
    assert "there is no such file" in found["error"]
    assert compute_images(lambda told: None, None) is None


@pytest.mark.usefixtures("in_background")
def test_motion_is_tried_and_told_in_words(movie: Path) -> None:
    motion = Parameters.preset("1p").motion.model_dump(mode="json")
    asked = {"request": {"movies": [str(movie)], "n_frames": 60}, "motion": motion, "nonce": "n3"}
    found = compute_motion(lambda told: None, asked)
    assert found["limits"] == [5, 5]
    assert len(found["shifts"]) == 60
    assert "Crispness of the mean" in str(motion_words(found))
    assert "make it larger" in str(motion_words({**found, "at_limit": 0.4}))
    assert "does not get sharper" in str(motion_words({**found, "crispness": [2.0, 2.0]}))
    assert "a little sharper" in str(motion_words({**found, "crispness": [2.0, 2.01], "correlation": [0.5, 0.6]}))
