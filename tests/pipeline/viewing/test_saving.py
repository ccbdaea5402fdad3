from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from nwb_schema.errors import ExportError, FluoriteError, ParameterError
from nwb_schema.project import Project
from nwb_schema.reader import read_identifier, read_images
from pipeline.viewing import clips
from pipeline.viewing.clips import plan_clip
from pipeline.viewing.colour_maps import colour_table
from pipeline.viewing.contours import Outline
from pipeline.viewing.levels import Levels
from pipeline.viewing.pictures import Look, drawn, round_length, scale_bar
from pipeline.viewing.saving import parse_picture, save_picture
from tests.nwb_schema.made_samples import (
    HEIGHT,
    N_FRAMES,
    RATE_HZ,
    WIDTH,
    made_movie,
    made_sample,
    made_segmentation,
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.create(tmp_path_factory.mktemp("pictures") / "project")


@pytest.fixture(scope="module")
def sample(project: Project) -> Path:
    return made_sample(project)


@pytest.fixture(scope="module")
def frames(project: Project) -> np.ndarray:
    return made_movie(project, "another")[1]


def saved(project: Project, sample: Path, out: Path, **values: Any) -> str:
    return save_picture(project, sample, out, parse_picture(values))


# ---- pictures ----


def test_picture_has_the_colours_of_its_map_and_keeps_pixels() -> None:
    image = np.arange(6, dtype=np.float32).reshape(2, 3)

    picture = drawn(image, Look(Levels(0, 5), colours="viridis", enlarge=3))

    assert picture.shape == (6, 9, 3)
    table = colour_table("viridis")
    assert tuple(picture[0, 0]) == tuple(table[0]) == (68, 1, 84)
    assert tuple(picture[5, 8]) == tuple(table[255]) == (253, 231, 37)
    np.testing.assert_array_equal(picture[:3, 3:6], np.broadcast_to(picture[0, 3], (3, 3, 3)))


def test_gamma_below_one_makes_what_is_dark_brighter() -> None:
    assert colour_table("grey", 0.5)[64, 0] == 128
    assert colour_table("grey", 2.0)[128, 0] == 64
    assert tuple(colour_table("inverted")[[0, 255], 0]) == (255, 0)


def test_outline_lies_on_its_pixels() -> None:
    square = Outline((np.array([[10, 4], [20, 4], [20, 9], [10, 9]], np.float32),))

    picture = drawn(np.zeros((16, 30), np.uint8), Look(Levels(0, 1), enlarge=4), [(square, (86, 180, 233))])

    ys, xs = np.nonzero(picture[..., 2] > 100)
    # Edges of pixels lie between whole numbers; the line is four pixels wide, two on each side.
    assert (ys.min() + ys.max()) / 2 == pytest.approx(25.5, abs=0.5)
    assert (xs.min() + xs.max()) / 2 == pytest.approx(59.5, abs=0.5)
    assert (ys.min(), xs.min()) == (pytest.approx(14, abs=1), pytest.approx(38, abs=1))
    assert tuple(picture[16, 60]) == (86, 180, 233)


@pytest.mark.parametrize(("length", "round_one"), [(0.9, 0.5), (1, 1), (19.9, 10), (20, 20), (499, 200), (5000, 5000)])
def test_scale_bar_has_a_round_length(length: float, round_one: float) -> None:
    assert round_length(length) == pytest.approx(round_one)


def test_scale_bar_goes_by_the_width_of_a_pixel() -> None:
    assert scale_bar(500, (1.0, 2.0)) == (100.0, "200 \u00b5m")
    assert scale_bar(500, None) == (100.0, "100 px")
    picture = drawn(
        np.zeros((300, 500), np.uint8), Look(Levels(0, 1), scale_bar=True, enlarge=2, pixel_size_um=(1.0, 2.0))
    )
    white = (picture == 255).all(axis=2)
    # The longest row of white is the bar: 100 pixels, each two wide.
    assert white.sum(axis=1).max() == 200
    assert np.nonzero(white)[0].min() > 450
    assert np.nonzero(white)[1].min() > 700


# ---- files ----


def test_frame_is_saved_as_it_is_shown(project: Project, sample: Path, frames: np.ndarray, tmp_path: Path) -> None:
    saved(project, sample, tmp_path / "f.png", frame=7, mean=3, levels=[0, 4000])

    found = cv2.imread(str(tmp_path / "f.png"))
    assert found is not None
    assert found.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(found[..., 0], frames[6:9].mean(axis=0) * 255 / 4000, atol=1)


def test_outlines_of_rejected_cells_are_drawn_when_asked_for(project: Project, sample: Path, tmp_path: Path) -> None:
    def coloured(outlines: str) -> tuple[bool, bool]:
        saved(project, sample, tmp_path / f"{outlines}.png", outlines=outlines, enlarge=4, levels=[1e6, 2e6])
        picture = cv2.imread(str(tmp_path / f"{outlines}.png"))
        assert picture is not None
        blue, red = picture[..., 0].astype(int), picture[..., 2].astype(int)
        return bool((blue > red + 60).any()), bool((red > blue + 60).any())

    assert coloured("none") == (False, False)
    assert coloured("accepted") == (True, False)
    assert coloured("all") == (True, True)


def test_projection_is_saved_with_its_values_scale_and_origin(project: Project, sample: Path, tmp_path: Path) -> None:
    saved(project, sample, tmp_path / "mean.tif", image="mean")

    with tifffile.TiffFile(tmp_path / "mean.tif") as file:
        np.testing.assert_array_equal(file.asarray(), read_images(sample)["mean"])
        page, described = file.pages[0], file.imagej_metadata
        assert page.dtype == np.float32
        assert page.tags["XResolution"].value == (1, 2)  # pixels a micrometre: 2 um wide
        assert page.tags["YResolution"].value == (1, 1)
    assert described is not None
    assert described["unit"] == "um"
    info = json.loads(described["Info"])
    assert info["identifier"] == read_identifier(sample)
    assert info["image"] == "mean"


def test_volumes_are_saved_from_above_or_by_their_planes(project: Project, tmp_path: Path) -> None:
    shape = (HEIGHT, WIDTH, 3)
    images = {"mean": np.arange(HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)}
    planes = {"mean": np.random.default_rng(2).random(shape).astype(np.float32)}
    segmentation = made_segmentation(2, shape=shape, images=images, plane_images=planes)
    sample = made_sample(project, session="volumes", segmentation=segmentation)
    frames = made_movie(project, "volumes", depth=3)[1]

    saved(project, sample, tmp_path / "above.png", frame=7, levels=[0, 4000], outlines="all", enlarge=1)
    saved(project, sample, tmp_path / "plane.png", frame=7, levels=[0, 4000], plane=1)
    saved(project, sample, tmp_path / "mean.tif", image="mean")
    saved(project, sample, tmp_path / "cells.tif", image="reconstructed", frame=7, plane=2)

    plane = cv2.imread(str(tmp_path / "plane.png"), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_allclose(plane, frames[7, ..., 1] * (255 / 4000), atol=1)
    above = cv2.imread(str(tmp_path / "above.png"), cv2.IMREAD_GRAYSCALE)
    # But for the outlines, which are thin.
    assert (np.abs(above - frames[7].max(axis=2) * (255 / 4000)) <= 1).mean() > 0.9
    with tifffile.TiffFile(tmp_path / "mean.tif") as file:
        assert file.series[0].axes == "ZYX"
        np.testing.assert_array_equal(file.asarray(), np.moveaxis(planes["mean"], 2, 0))
    assert segmentation.denoised is not None
    active = (segmentation.denoised[:, 7] @ segmentation.footprints.toarray()).reshape(shape)
    np.testing.assert_allclose(tifffile.imread(tmp_path / "cells.tif"), active[..., 2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_clip_shows_its_frames_in_order(
    project: Project, sample: Path, frames: np.ndarray, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"clip{suffix}"
    what = saved(project, sample, out, frame=10, stop=18, mean=5, levels=[1000, 3000], enlarge=4)

    if suffix == ".gif":
        with Image.open(out) as file:
            assert file.n_frames == 8
            assert file.info["duration"] == 10 * round(100 / RATE_HZ)
            shown = []
            for number in range(8):
                file.seek(number)
                shown.append(np.asarray(file.convert("L"), dtype=float))
    else:
        video = cv2.VideoCapture(str(out))
        assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(RATE_HZ, rel=0.01)
        shown = []
        while (read := video.read())[0]:
            shown.append(read[1][..., 1].astype(float))
        assert len(shown) == 8
    assert shown[0].shape == (4 * HEIGHT, 4 * WIDTH)
    assert what.startswith(f"8 pictures of {4 * HEIGHT} x {4 * WIDTH} px")
    for number, picture in enumerate(shown):
        likeness = [
            np.corrcoef(picture[2::4, 2::4].ravel(), frames[at - 2 : at + 3].mean(axis=0).ravel())[0, 1]
            for at in range(8, 20)
        ]
        assert np.argmax(likeness) == number + 2


def test_fast_clip_leaves_frames_out_instead_of_playing_slower() -> None:
    plan = plan_clip(".mp4", 0, 100, rate_hz=30.0, speed=5)

    assert (list(plan.frames[:3]), plan.rate_hz) == ([0, 3, 6], 50.0)
    assert plan.duration_s == pytest.approx(100 / 150, rel=0.03)
    assert plan_clip(".gif", 2, 9, rate_hz=7.5, speed=1).frames == range(2, 9)


def test_clip_that_nobody_could_open_is_refused_with_what_would_fit(
    project: Project, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(clips.MOST_PIXELS, ".gif", 10 * HEIGHT * WIDTH)  # type: ignore[arg-type]

    with pytest.raises(ExportError, match=r"at most 10 pictures.*MP4"):
        saved(project, sample, tmp_path / "long.gif")
    assert list(tmp_path.iterdir()) == []


def test_cancelled_clip_leaves_nothing(project: Project, sample: Path, tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def progress(done: float) -> None:
        if done > 0.2:
            raise Enough

    with pytest.raises(Enough):
        save_picture(project, sample, tmp_path / "c.mp4", parse_picture({}), progress)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("a.bmp", {}, "ends in .bmp"),
        ("no/a.png", {}, "folder"),
        ("a.png", {"image": "median"}, "median"),
        ("a.mp4", {"image": "mean"}, "does not move"),
        ("a.png", {"frame": N_FRAMES}, f"from 0 to {N_FRAMES - 1}"),
        ("a.gif", {"frame": 5, "stop": 5}, "no frame to show"),
        ("a.png", {"plane": 1}, "plane"),
        ("a.tif", {"image": "raw"}, "raw"),
    ],
)
def test_what_cannot_be_saved_is_refused_in_words(
    project: Project, sample: Path, tmp_path: Path, name: str, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(FluoriteError, match=said):
        saved(project, sample, tmp_path / name, **values)


@pytest.mark.parametrize(
    "values", [{"gamma": 0}, {"colours": "jet"}, {"levels": [2, 1]}, {"levels": [0, float("nan")]}, {"enlarge": 99}]
)
def test_nonsense_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        parse_picture(values)
