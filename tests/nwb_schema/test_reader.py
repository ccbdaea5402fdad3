"""Samples are read as they are, foreign files as far as they go, and nothing leads out of the project."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from nwb_schema import reader
from nwb_schema.errors import SampleError
from nwb_schema.project import Project
from tests.nwb_schema.made_samples import HEIGHT, N_FRAMES, WIDTH, made_sample, made_segmentation

FUNCTIONS = (
    reader.read_summary,
    reader.read_rois,
    reader.read_footprints,
    lambda path: reader.read_traces(path, "raw"),
    reader.read_images,
    reader.read_shifts,
    reader.read_provenance,
    reader.read_identifier,
)


def test_some_traces_come_in_the_order_that_was_asked_for(sample: Path) -> None:
    segmentation, path = made_segmentation(), sample

    assert np.array_equal(reader.read_traces(path, "raw", [4, 0, 4]), segmentation.raw[[4, 0, 4]])
    assert reader.read_traces(path, "raw", []).shape == (0, N_FRAMES)
    with pytest.raises(SampleError, match="no ROI number 5"):
        reader.read_traces(path, "raw", [5])


def test_missing_traces_are_named_with_those_that_are_there(project: Project) -> None:
    path = made_sample(project, segmentation=made_segmentation(dff=None))

    assert reader.trace_kinds(path) == ("raw", "denoised", "deconvolved")
    with pytest.raises(SampleError, match="It has: raw, denoised, deconvolved"):
        reader.read_traces(path, "dff")


def test_a_missing_movie_is_said(sample: Path) -> None:
    path = sample
    movie = reader.registered_movie_path(path)
    assert reader.read_summary(path).has_movie
    movie.unlink()
    summary = reader.read_summary(path)

    assert not summary.has_movie
    assert summary.movie_problem == f"its movie {movie.name} is missing"
    with pytest.raises(SampleError, match="Restore"):
        reader.registered_movie_path(path)
    assert reader.read_traces(path, "raw").shape == (5, N_FRAMES)


def test_a_movie_of_another_size_is_said(sample: Path) -> None:
    path = sample
    movie = reader.registered_movie_path(path)
    with h5py.File(movie, "r+") as file:
        del file["data"]
        file["data"] = np.zeros((N_FRAMES, HEIGHT, WIDTH), np.uint16)

    assert f"but the sample records {N_FRAMES} of {HEIGHT} x {WIDTH}" in (reader.read_summary(path).movie_problem or "")


def test_a_sample_without_movie_says_so(movieless: Path) -> None:
    path = movieless
    summary = reader.read_summary(path)

    assert not summary.has_movie
    assert (summary.height, summary.width, summary.n_frames) == (HEIGHT, WIDTH, N_FRAMES)
    with pytest.raises(SampleError, match="no registered movie"):
        reader.registered_movie_path(path)


@pytest.mark.parametrize(
    "target",
    ["../../secret.h5", "/etc/passwd", "../movies/../../secret.h5", "../movies/link.h5", "../samples/x.h5", "x.h5"],
)
def test_a_movie_link_that_leads_outside_is_refused(filled: Project, sample: Path, target: str) -> None:
    path = sample
    secret = filled.folder.parent / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["data"] = np.zeros((N_FRAMES, WIDTH, HEIGHT), np.uint16)
    (filled.movies_dir / "link.h5").symlink_to(secret)
    with h5py.File(path, "r+") as file:
        del file["acquisition/TwoPhotonSeries/data"]
        file["acquisition/TwoPhotonSeries/data"] = h5py.ExternalLink(target, "/data")

    with pytest.raises(SampleError, match="leads outside the project"):
        reader.registered_movie_path(path)
    assert "leads outside the project" in (reader.read_summary(path).movie_problem or "")


def test_a_movie_that_is_itself_a_link_is_refused(filled: Project, sample: Path) -> None:
    path = sample
    secret = filled.folder.parent / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["data"] = np.zeros((N_FRAMES, WIDTH, HEIGHT), np.uint16)
    with h5py.File(reader.registered_movie_path(path), "r+") as file:
        del file["data"]
        file["data"] = h5py.ExternalLink(str(secret), "/data")

    assert not reader.read_summary(path).has_movie


@pytest.mark.parametrize("way", ["link", "external storage", "virtual", "soft link"])
def test_no_dataset_is_read_from_another_file(filled: Project, sample: Path, way: str) -> None:
    path = sample
    place = "processing/ophys/Fluorescence/RoiResponseSeries/data"
    secret = filled.folder.parent / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["data"] = np.ones((N_FRAMES, 5), np.float32)
    with h5py.File(path, "r+") as file:
        del file[place]
        if way == "link":
            file[place] = h5py.ExternalLink(str(secret), "/data")
        elif way == "soft link":
            file["door"] = h5py.ExternalLink(str(secret), "/")
            file[place] = h5py.SoftLink("/door/data")
        elif way == "virtual":
            layout = h5py.VirtualLayout((N_FRAMES, 5), np.float32)
            layout[:] = h5py.VirtualSource(str(secret), "data", (N_FRAMES, 5))
            file.create_virtual_dataset(place, layout)
        else:
            storage = [(str(secret), 0, h5py.h5f.UNLIMITED)]
            file.create_dataset(place, (N_FRAMES, 5), np.float32, external=storage)

    with pytest.raises(SampleError, match="has no raw traces"):
        reader.read_traces(path, "raw")


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("damage", ["missing", "folder", "text", "truncated", "not nwb", "nwb 1"])
def test_unreadable_files_name_file_cause_and_remedy(
    filled: Project, sample: Path, damage: str, function: object
) -> None:
    path = sample if damage == "truncated" else filled.samples_dir / "bad.nwb"
    if damage == "folder":
        path.mkdir()
    elif damage == "text":
        path.write_text("hello")
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:-5000])
    elif damage == "not nwb":
        h5py.File(path, "w").close()
    elif damage == "nwb 1":
        with h5py.File(path, "w") as file:
            file["nwb_version"] = "NWB-1.0.6"
    with pytest.raises(SampleError) as caught:
        function(path)  # type: ignore[operator]

    assert caught.value.file == str(path)
    assert caught.value.remedy.endswith(".")


@pytest.mark.parametrize(
    "place",
    [
        "processing/ophys/ImageSegmentation/PlaneSegmentation/pixel_mask_index",
        "processing/ophys/ImageSegmentation/PlaneSegmentation/pixel_mask",
        "processing/ophys/ImageSegmentation/PlaneSegmentation/id",
        "processing/ophys/ImageSegmentation/PlaneSegmentation/is_accepted",
        "processing/ophys/Fluorescence/RoiResponseSeries/data",
        "processing/ophys/SegmentationImages/mean",
        "processing/ophys/MotionCorrectionShifts/data",
        "general/fluorite/frame_shape",
        "general/fluorite/n_frames",
        "identifier",
        "session_start_time",
        "general/subject/subject_id",
    ],
)
@pytest.mark.parametrize("value", [np.float64(7), np.arange(3), "text", np.empty((0, 2)), None])
def test_an_odd_dataset_is_an_error_of_ours_or_is_left_out(sample: Path, place: str, value: object) -> None:
    with h5py.File(sample, "r+") as file:
        if place in file:
            del file[place]
        if value is not None:
            file[place] = value
    for function in FUNCTIONS:
        try:
            function(sample)
        except SampleError:
            continue


@pytest.mark.parametrize(
    ("name", "n_rois", "n_accepted", "rate_hz", "size"),
    [
        ("nwb_test.nwb", 15, 7, 10.0, (128, 128)),
        ("optinist_caiman.nwb", 6, 4, 30.0, (128, 128)),
        ("refused_by_pynwb.nwb", 0, 0, 30.0, (None, None)),
        ("test_PlaneSegmentation.nwb", 2, 2, 300.0, (5, 5)),
        ("test_RoiResponseSeries.nwb", 2, 2, 300.0, (5, 5)),
        ("test_TwoPhotonSeries.nwb", 0, 0, 300.0, (4, 2)),
    ],
)
def test_foreign_files_are_read_as_far_as_they_go(
    shared_data: Path, name: str, n_rois: int, n_accepted: int, rate_hz: float, size: tuple[int, int]
) -> None:
    path = shared_data / "foreign-nwb" / name
    summary = reader.read_summary(path)

    assert (summary.n_rois, summary.n_accepted, summary.rate_hz) == (n_rois, n_accepted, rate_hz)
    assert (summary.height, summary.width) == size
    assert not summary.is_ours
    assert not summary.has_movie
    assert len(reader.read_rois(path)) == n_rois
    if size == (5, 5):  # made by pynwb's tests with masks at random places
        with pytest.raises(SampleError, match="a mask lies outside the frame, which is 5 x 5"):
            reader.read_footprints(path)
    elif n_rois:
        footprints = reader.read_footprints(path)
        assert footprints.shape == (n_rois, size[0] * size[1])
        assert np.array_equal(np.diff(footprints.indptr), reader.read_rois(path)["area_px"])
    reader.read_images(path)
    assert reader.read_shifts(path) is None


def test_dense_masks_of_others_are_read_in_the_order_of_nwb(sample: Path) -> None:
    segmentation = made_segmentation()
    with h5py.File(sample, "r+") as file:
        table = file["processing/ophys/ImageSegmentation/PlaneSegmentation"]
        del file["general/fluorite"], table["pixel_mask"], table["pixel_mask_index"]

    assert np.array_equal(reader.read_footprints(sample).toarray(), segmentation.footprints.toarray())


def test_a_circle_of_links_ends(sample: Path) -> None:
    with h5py.File(sample, "r+") as file:
        file["processing/circle"] = file["processing"]
        file["processing/a"] = h5py.SoftLink("/processing/b")
        file["processing/b"] = h5py.SoftLink("/processing/a")
        del file["processing/ophys/SegmentationImages"], file["general/fluorite"]

    assert reader.read_images(sample) == {}
