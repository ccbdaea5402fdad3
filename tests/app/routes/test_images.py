from __future__ import annotations

import gzip
import json
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from flask.testing import FlaskClient

from app.movie_pool import file_signature, registered
from app.samples.addresses import contours_url, frame_url, levels_url, projection_url, thumbnail_url
from app.samples.store import SampleData
from tests.app.small_project import HEIGHT, N_FRAMES, WIDTH, MadeSample


def image_of(content: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return image


def test_frame_is_the_movie_s_frame_the_right_way_up(client: FlaskClient, sample: MadeSample) -> None:
    frame = sample.simulation.frames[42]

    answer = client.get(f"/frames/{sample.identifier}/42.jpg?lo=0&hi={frame.max()}")

    assert answer.mimetype == "image/jpeg"
    shown = image_of(answer.data)
    assert shown.shape == (HEIGHT, WIDTH)
    likeness = [np.corrcoef(shown.ravel(), other.ravel())[0, 1] for other in sample.simulation.frames[40:45]]
    assert np.argmax(likeness) == 2
    assert likeness[2] > 0.95  # JPEG spares some of the noise


def test_levels_are_chosen_when_none_are_given(client: FlaskClient, sample: MadeSample) -> None:
    shown = image_of(client.get(f"/frames/{sample.identifier}/0.jpg").data)

    assert shown.min() < 20
    assert shown.max() > 235


def test_running_mean_is_made_by_the_server(client: FlaskClient, sample: MadeSample) -> None:
    frames = sample.simulation.frames.astype(float)
    answer = client.get(f"/frames/{sample.identifier}/42.jpg?lo=0&hi={frames.max()}&mean=9")

    shown = image_of(answer.data).ravel()
    mean = np.corrcoef(shown, frames[38:47].mean(axis=0).ravel())[0, 1]
    assert mean > 0.98
    assert mean > np.corrcoef(shown, frames[42].ravel())[0, 1]


@pytest.mark.parametrize("mean", ["0", "62", "-3", "x", "", "1e1"])
def test_mean_of_nonsense_is_refused(client: FlaskClient, sample: MadeSample, mean: str) -> None:
    answer = client.get(f"/frames/{sample.identifier}/0.jpg?mean={mean}")

    assert answer.status_code == 404
    assert "Average 1 to 61 frames" in answer.text


def test_cells_alone_are_footprints_times_traces(client: FlaskClient, sample: MadeSample) -> None:
    truth = sample.simulation
    expected = np.tensordot(truth.traces[:, 42], truth.footprints, 1)

    answer = client.get(f"/frames/{sample.identifier}/42.jpg?view=reconstructed&lo=0&hi={expected.max()}")

    assert np.corrcoef(image_of(answer.data).ravel(), expected.ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    ("view", "said"),
    [
        ("residual", "the sample holds no background"),
        ("raw", "not there any more"),
        ("median", "Ask for one of: movie, raw"),
    ],
)
def test_view_that_there_is_not_is_refused_in_words(
    client: FlaskClient, sample: MadeSample, view: str, said: str
) -> None:
    frame = client.get(f"/frames/{sample.identifier}/0.jpg?view={view}")
    levels = client.get(f"/levels/{sample.identifier}.json?view={view}")

    assert frame.status_code == 404
    assert said.lower() in frame.text.lower()
    assert said.lower() in levels.get_json()["problem"].lower()


def test_values_of_a_view_are_told_for_the_contrast(client: FlaskClient, sample: MadeSample) -> None:
    frames = sample.simulation.frames

    single = client.get(f"/levels/{sample.identifier}.json").get_json()
    mean = client.get(f"/levels/{sample.identifier}.json?mean=15").get_json()

    assert frames.min() <= single["span"][0] < single["span"][1] <= frames.max()
    assert sum(single["counts"]) > 0
    assert mean["auto"][1] < single["auto"][1]  # less noise


@pytest.mark.parametrize("number", [-1, N_FRAMES, 10**6])
def test_frame_that_is_not_there_is_refused_in_words(client: FlaskClient, sample: MadeSample, number: int) -> None:
    answer = client.get(f"/frames/{sample.identifier}/{number}.jpg")

    assert answer.status_code == 404
    assert f"from 0 to {N_FRAMES - 1}" in answer.text


@pytest.mark.parametrize("levels", ["lo=5", "lo=5&hi=5", "lo=9&hi=1", "lo=a&hi=b", "lo=0&hi=nan", "lo=-inf&hi=1"])
def test_levels_that_make_no_picture_are_refused(client: FlaskClient, sample: MadeSample, levels: str) -> None:
    answer = client.get(f"/frames/{sample.identifier}/0.jpg?{levels}")

    assert answer.status_code == 404
    assert "lo and hi" in answer.text


@pytest.mark.parametrize("name", ["..", "no-such-sample", "%3Cscript%3E"])
def test_unknown_sample_is_refused_as_plain_text(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/frames/{name}/0.jpg")

    assert answer.status_code == 404
    assert answer.mimetype == "text/plain"


def test_browser_keeps_what_is_addressed_with_its_version_alone(client: FlaskClient, sample: MadeSample) -> None:
    data = SampleData(sample.path, file_signature(sample.path), sample.identifier)

    kept = client.get(f"/projections/{sample.identifier}/mean.jpg?v={data.signature}")
    other = client.get(f"/projections/{sample.identifier}/mean.jpg?v=older")

    assert "immutable" in kept.headers["Cache-Control"]
    assert other.headers["Cache-Control"] == "no-store"


def test_unknown_projection_names_those_there_are(client: FlaskClient, sample: MadeSample) -> None:
    answer = client.get(f"/projections/{sample.identifier}/median.jpg")

    assert answer.status_code == 404
    assert "max, mean" in answer.text


def test_movie_is_missed_in_words(client: FlaskClient, sample_without_movie: MadeSample) -> None:
    answer = client.get(f"/frames/{sample_without_movie.identifier}/0.jpg")

    assert answer.status_code == 404
    assert "movie" in answer.text


def test_thumbnail_keeps_the_shape_of_the_frame(client: FlaskClient, sample: MadeSample) -> None:
    shown = image_of(client.get(f"/thumbnails/{sample.identifier}.jpg").data)

    assert shown.shape == (HEIGHT, WIDTH)


def test_sample_without_images_shows_its_footprints(client: FlaskClient, sample_without_movie: MadeSample) -> None:
    shown = image_of(client.get(f"/thumbnails/{sample_without_movie.identifier}.jpg").data)

    truth = sample_without_movie.simulation.footprints.max(axis=0)
    assert shown.shape == (HEIGHT, WIDTH)
    assert np.corrcoef(shown.ravel(), truth.ravel())[0, 1] > 0.9


def test_outlines_lie_on_the_cells(client: FlaskClient, sample: MadeSample) -> None:
    answer = client.get(f"/contours/{sample.identifier}.json", headers={"Accept-Encoding": "gzip"})

    rois = json.loads(gzip.decompress(answer.data))["rois"]
    footprints = sample.simulation.footprints
    assert [roi["accepted"] for roi in rois] == [True] * (len(footprints) - 1) + [False]
    for roi, footprint in zip(rois, footprints, strict=True):
        y, x = np.unravel_index(footprint.argmax(), footprint.shape)
        outline = np.array(roi["pieces"][0], np.float32).reshape(-1, 1, 2)
        assert cv2.pointPolygonTest(outline, (float(x) + 0.5, float(y) + 0.5), False) >= 0
        weights = footprint / footprint.sum()
        centre = [(weights.sum(0) * (np.arange(WIDTH) + 0.5)).sum(), (weights.sum(1) * (np.arange(HEIGHT) + 0.5)).sum()]
        assert roi["centre"] == pytest.approx(centre, abs=0.02)


def test_addresses_are_of_this_server(sample: MadeSample) -> None:
    data = SampleData(sample.path, "1-2-3", "a/b")
    for address in (
        frame_url(data, registered(sample.path), "residual"),
        levels_url(data, registered(sample.path)),
        projection_url(data, "mean"),
        contours_url(data),
        thumbnail_url("a/b", "x"),
    ):
        assert urlsplit(address).netloc == ""
        assert address.startswith("/")
        assert "a/b" not in address
