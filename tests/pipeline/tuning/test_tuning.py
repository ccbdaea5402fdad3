"""Looking at a movie before processing: the same images and seeds as the engine's, sharper means, kept answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from nwb_schema.errors import MovieError, ParameterError
from nwb_schema.project import Project
from pipeline.engines.builtin.cnmfe.corr_pnr import corr_pnr
from pipeline.parameters import Parameters
from pipeline.parameters.groups import Motion
from pipeline.simulate import Simulation, simulate_movie
from pipeline.tuning.images import seeds_above, tuning_images
from pipeline.tuning.looking import find_crop, look, try_motion
from pipeline.tuning.motion_preview import crispness, preview_motion
from pipeline.tuning.part import PartOfMovie
from pipeline.tuning.registered import RegisteredPart
from pipeline.tuning.request import KEPT_ANSWERS, Answers, parse_look
from tests.pipeline.array_movie import ArrayMovie


def ignore(done: float) -> None:
    pass


@pytest.fixture(scope="module")
def one_photon() -> Simulation:
    return simulate_movie("1p", n_frames=160, height=60, width=84, n_cells=8, seed=2)


@pytest.fixture(scope="module")
def moving() -> Simulation:
    return simulate_movie("2p", n_frames=120, height=72, width=96, n_cells=9, seed=6, motion_px=3.0)


def test_thresholds_on_the_kept_seeds_are_the_engines_seeds(one_photon: Simulation) -> None:
    part = RegisteredPart(PartOfMovie(ArrayMovie(one_photon.frames), 20, 120), Motion(motion_correct=False))
    found = tuning_images(part, (3, 3), center_psf=True)
    engine = corr_pnr(ArrayMovie(one_photon.frames[20:140]), (3, 3), center_psf=True)  # type: ignore[arg-type]

    np.testing.assert_allclose(found.mean, one_photon.frames[20:140].mean(0), rtol=1e-5)
    np.testing.assert_array_equal(found.pnr, engine.pnr)
    for min_corr, min_pnr in ((0.0, 0.0), (0.6, 5.0), (0.8, 8.0)):
        seeds, wanted = seeds_above(found, min_corr, min_pnr), engine.seeds(min_corr, min_pnr)
        # Of neighbours that are equally high, any one may stand for the peak.
        assert len(seeds) == len(wanted)
        assert np.abs(seeds - wanted).max() <= 1
        assert (seeds == wanted).all(axis=1).mean() > 0.8
    assert len(engine.seeds(0.6, 5.0)) >= 4


def test_what_moves_is_put_in_place_before_it_is_looked_at(moving: Simulation) -> None:
    part = PartOfMovie(ArrayMovie(moving.frames), 0, 120)
    still, moved = (
        tuning_images(RegisteredPart(part, Motion(motion_correct=on)), (4, 4), center_psf=True) for on in (True, False)
    )
    assert crispness(still.mean[8:-8, 8:-8]) > 1.05 * crispness(moved.mean[8:-8, 8:-8])
    again = RegisteredPart(part, Motion())
    np.testing.assert_array_equal(again.read(3, 9)[2:], again.read(5, 9))


def test_motion_correction_is_tried_and_its_mean_is_sharper(moving: Simulation) -> None:
    part = PartOfMovie(ArrayMovie(moving.frames), 0, 200)
    found = preview_motion(part, Parameters.preset("2p").motion)

    assert found.shifts.shape == (120, 2)
    wanted = -(moving.shifts - np.median(moving.shifts, axis=0))
    told = found.shifts - np.median(found.shifts, axis=0)
    assert np.abs(told - wanted).max() < 1.0 or np.abs(told + wanted).max() < 1.0
    assert found.crispness_after > 1.05 * found.crispness_before
    assert found.correlation_after.mean() > found.correlation_before.mean()
    assert found.at_limit == 0
    assert found.border_px >= 1
    near = preview_motion(part, Parameters.preset("2p").updated({"max_shifts": 1}).motion)
    assert near.at_limit > 0.1


def test_patches_are_tried_too_and_nothing_is_nothing(moving: Simulation) -> None:
    part = PartOfMovie(ArrayMovie(moving.frames), 0, 60)
    by_patch = {"pw_rigid": True, "strides": 32, "overlaps": 16}
    found = preview_motion(part, Parameters.preset("2p").updated(by_patch).motion)
    assert found.crispness_after > found.crispness_before
    off = preview_motion(part, Parameters.preset("2p").updated({"motion_correct": False}).motion)
    assert not off.shifts.any()
    assert off.crispness_after == off.crispness_before


def test_crispness_is_the_length_of_all_gradients() -> None:
    ramp = np.tile(np.arange(10.0), (6, 1))
    assert crispness(3 * ramp) == pytest.approx(3 * np.sqrt(60))
    assert crispness(np.ones((5, 7))) == 0


def test_a_part_is_a_movie_of_its_own() -> None:
    frames = np.arange(40 * 6 * 7, dtype=np.uint16).reshape(40, 6, 7)
    part = PartOfMovie(ArrayMovie(frames), 10, 100)
    assert part.shape == (30, 6, 7)
    np.testing.assert_array_equal(part.read(2, 5), frames[12:15])
    with pytest.raises(MovieError, match="it has 40 frames, and 0 from frame 50 on"):
        PartOfMovie(ArrayMovie(frames), 50, 10)
    with pytest.raises(MovieError, match="it is of volumes"):
        PartOfMovie(ArrayMovie(frames.reshape(40, 2, 3, 7)), 0, 10)


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory, one_photon: Simulation) -> Path:
    path = tmp_path_factory.mktemp("look") / "raw.tif"
    frames = one_photon.frames.copy()
    frames[:, :4] = 0
    tifffile.imwrite(path, frames, photometric="minisblack", metadata={"axes": "TYX"})
    return path


def test_what_was_looked_at_is_kept_by_what_was_asked_for(tmp_path: Path, movie: Path) -> None:
    project = Project.create(tmp_path / "project", "Look")
    asked: dict[str, Any] = {"movies": [str(movie)], "n_frames": 60, "gSig": (3, 3)}
    reports: list[float] = []
    first = look(project, parse_look(asked), reports.append)
    assert reports[-1] == pytest.approx(1.0)
    assert (first["height"], first["width"], first["n_frames"], first["looked_at"]) == (60, 84, 160, 60)
    again: list[float] = []
    assert look(project, parse_look(asked), again.append)["digest"] == first["digest"]
    assert again == [], "nothing was computed"
    other = look(project, parse_look({**asked, "gSig": (5, 5)}), ignore)
    assert other["digest"] != first["digest"]
    small = look(project, parse_look({**asked, "movie": {"resize": 0.5}}), ignore)
    assert (small["height"], small["raw_height"], small["width"], small["raw_width"]) == (30, 60, 42, 84)
    answers = Answers(project)
    assert answers.read(first["digest"], "mean").shape == (60, 84)
    for number in range(KEPT_ANSWERS + 3):
        answers.keep(f"{number:064x}", {"mean": np.zeros(1)})
    assert len(list(answers.folder.glob("*"))) == KEPT_ANSWERS


def test_motion_and_crop_are_found_by_request(tmp_path: Path, movie: Path) -> None:
    project = Project.create(tmp_path / "project", "Look")
    request = parse_look({"movies": [str(movie)], "n_frames": 40})
    found = try_motion(project, request, Parameters.preset("1p").motion, ignore)
    assert np.asarray(found["shifts"]).shape == (40, 2)
    assert len(found["crispness"]) == 2
    assert find_crop(request) == "4:60,0:84"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"movies": []}, "movies"),
        ({"movies": ["a.tif"], "n_frames": 3}, "n_frames"),
        ({"movies": ["a.tif"], "first": -1}, "first"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        parse_look(values)


def test_names_from_the_address_lead_nowhere_else(tmp_path: Path) -> None:
    answers = Answers(Project.create(tmp_path / "project", "Look"))
    for digest in ("../../secret", "A" * 64, "0" * 63):
        with pytest.raises(MovieError, match="names no images"):
            answers.read(digest, "mean")
    with pytest.raises(MovieError, match="not there any more"):
        answers.read("0" * 64, "mean")
