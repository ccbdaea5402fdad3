"""Masks from every kind of file, in their order and in the right place."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import roifile
import tifffile

from nwb_schema.errors import ParameterError
from pipeline.seeds import load_seeds
from pipeline.seeds.structure import segment_structure

HEIGHT, WIDTH = 40, 56
FIELD, GSIG = (HEIGHT, WIDTH), (4, 4)


def discs() -> np.ndarray:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    middles = [(30, 12), (9, 40), (20, 28)]
    return np.stack([(rows - y) ** 2 + (columns - x) ** 2 <= 16 for y, x in middles])


def images(path: Path) -> np.ndarray:
    return load_seeds(path, FIELD, GSIG).footprints.toarray().reshape(-1, HEIGHT, WIDTH)


def test_arrays_keep_their_order_and_weights(tmp_path: Path) -> None:
    weights = discs() * np.linspace(0.5, 2, 3)[:, None, None]
    np.save(tmp_path / "a.npy", weights)
    np.savez(tmp_path / "a.npz", A=weights, other=np.zeros(3))
    for name in ("a.npy", "a.npz"):
        np.testing.assert_allclose(images(tmp_path / name), weights, rtol=1e-6)
    assert load_seeds(tmp_path / "a.npy", FIELD, GSIG).origin == "3 masks of a.npy"


@pytest.mark.parametrize("suffix", ["npy", "tif"])
def test_a_label_image_is_one_mask_a_number(suffix: str, tmp_path: Path) -> None:
    labels = np.zeros(FIELD, np.uint16)
    for number, disc in zip((7, 2, 30), discs(), strict=True):
        labels[disc] = number
    path = tmp_path / f"labels.{suffix}"
    np.save(path, labels) if suffix == "npy" else tifffile.imwrite(path, labels)
    np.testing.assert_array_equal(images(path), discs()[[1, 0, 2]])  # by number


def test_cells_are_found_in_a_picture_of_a_structural_channel(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shade = np.linspace(300, 900, WIDTH)
    picture = rng.poisson(shade + discs().sum(axis=0) * 0.5 * shade).astype(np.uint16)
    tifffile.imwrite(tmp_path / "red.tif", picture)
    found = images(tmp_path / "red.tif")
    overlap = np.tensordot(discs().astype(float), found, axes=([1, 2], [1, 2]))
    union = discs().sum(axis=(1, 2))[:, None] + found.sum(axis=(1, 2)) - overlap
    assert (overlap / union).max(axis=1).min() > 0.5
    assert len(found) <= 5


def test_two_touching_cells_of_a_picture_are_two() -> None:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    two = sum(np.exp(-((rows - 20) ** 2 + (columns - x) ** 2) / 12) for x in (22, 31))
    labels = segment_structure((100 + 500 * two).astype(np.float32), GSIG)
    assert labels.max() == 2
    assert labels[20, 22] != labels[20, 31]
    assert segment_structure(np.zeros(FIELD, np.float32), GSIG).max() == 0


def test_areas_of_imagej_are_where_they_were_drawn(tmp_path: Path) -> None:
    corners = np.array([[10, 4], [20, 4], [20, 12], [10, 12]])  # x, y
    first = roifile.ImagejRoi.frompoints(corners, name="first")
    second = roifile.ImagejRoi.frompoints(corners + np.array([15, 20]), name="second")
    with zipfile.ZipFile(tmp_path / "RoiSet.zip", "w") as archive:
        for roi in (first, second):
            archive.writestr(f"{roi.name}.roi", roi.tobytes())
    found = images(tmp_path / "RoiSet.zip")
    expected = np.zeros((2, HEIGHT, WIDTH))
    expected[0, 4:12, 10:20] = 1
    expected[1, 24:32, 25:35] = 1
    np.testing.assert_array_equal(found, expected)
    first.tofile(tmp_path / "one.roi")
    np.testing.assert_array_equal(images(tmp_path / "one.roi"), expected[:1])


def test_a_point_of_imagej_is_no_area(tmp_path: Path) -> None:
    roi = roifile.ImagejRoi.frompoints(np.array([[3, 4]]), name="dot")
    roi.roitype = roifile.ROI_TYPE.POINT
    roi.tofile(tmp_path / "dot.roi")
    with pytest.raises(ParameterError, match="is a point, without area"):
        load_seeds(tmp_path / "dot.roi", FIELD, GSIG)


def test_real_imagej_rois_are_read(shared_data: Path) -> None:
    seeds = load_seeds(shared_data / "rois" / "imagej_rois.zip", (128, 256), GSIG)
    assert seeds.footprints.shape[0] == 2
    y, x = np.divmod(seeds.footprints[[0]].indices, 256)
    assert (y.min(), y.max(), x.min(), x.max()) == (76, 97, 75, 95)


def test_accepted_components_of_a_results_file(shared_data: Path) -> None:
    path = shared_data / "caiman" / "twophoton_caiman.hdf5"
    seeds = load_seeds(path, (112, 144), GSIG)
    assert seeds.footprints.shape == (36, 112 * 144)
    with pytest.raises(ParameterError, match="has frames of 112 x 144, but this movie has 40 x 56"):
        load_seeds(path, FIELD, GSIG)


def empty_zip() -> bytes:
    file = io.BytesIO()
    zipfile.ZipFile(file, "w").close()
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.npy", None, "cannot be read"),
        ("what.txt", b"x", "of a kind that holds no masks"),
        ("bad.npy", b"no array", "cannot be read"),
        ("bad.tif", b"no tiff", "cannot be read"),
        ("bad.zip", b"no zip", "cannot be read"),
        ("none.zip", empty_zip(), "holds no ROI|cannot be read"),
        ("swapped.npy", np.ones((3, WIDTH, HEIGHT)), "height and width are swapped"),
        ("size.npy", np.ones((3, 9, 9)), "has the shape"),
        ("empty.npy", np.stack([np.ones(FIELD), np.zeros(FIELD)]), "mask 1 .* has no pixel"),
        ("negative.npy", -np.ones((1, *FIELD)), "negative or undefined"),
        ("nan.npy", np.full((1, *FIELD), np.nan), "negative or undefined"),
        ("text.npy", np.full((1, *FIELD), "x"), "not numbers"),
        ("pickled.npy", np.array([{}], dtype=object), "cannot be read"),
        ("flat.npy", np.full(FIELD, 0.5), "holds no mask"),
    ],
)
def test_what_holds_no_masks_is_refused(name: str, content: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content, allow_pickle=True)
    with pytest.raises(ParameterError, match=message) as refusal:
        load_seeds(path, FIELD, GSIG)
    assert refusal.value.remedy
