"""Drawn shapes and files of them become the pixels that a person meant."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from roifile import ROI_TYPE, ImagejRoi, roiwrite

from nwb_schema.errors import EditError
from pipeline.curation.mask_files import read_masks
from pipeline.curation.shapes import ellipse_mask, polygon_mask

SHAPE = (24, 40)


def test_a_polygon_covers_the_pixels_whose_centres_are_inside() -> None:
    mask = polygon_mask([(3, 5), (9, 5), (9, 8), (3, 8)], SHAPE)
    expected = np.zeros(SHAPE, bool)
    expected[5:8, 3:9] = True
    np.testing.assert_array_equal(mask, expected)

    triangle = polygon_mask([(0, 0), (4, 0), (0, 4)], SHAPE)
    assert triangle.sum() == 6
    ring = polygon_mask([(0, 0), (9, 0), (9, 9), (0, 9), (0, 0), (3, 3), (6, 3), (6, 6), (3, 6), (3, 3)], SHAPE)
    assert ring.sum() == 81 - 9


def test_what_lies_outside_the_frame_is_cut_off() -> None:
    mask = polygon_mask([(-5, -5), (2, -5), (2, 3), (-5, 3)], SHAPE)
    assert mask.sum() == 6
    assert not polygon_mask([(50, 50), (60, 50), (60, 60)], SHAPE).any()
    with pytest.raises(ValueError, match="three or more"):
        polygon_mask([(1, 1), (2, 2)], SHAPE)


def test_an_ellipse_fills_its_rectangle() -> None:
    mask = ellipse_mask(10, 4, 12, 6, SHAPE)
    y, x = np.nonzero(mask)
    assert (y.min(), y.max(), x.min(), x.max()) == (4, 9, 10, 21)
    assert mask.sum() == pytest.approx(np.pi * 6 * 3, rel=0.05)


def test_imagej_files(tmp_path: Path) -> None:
    square = ImagejRoi.frompoints([[3, 5], [9, 5], [9, 8], [3, 8]])
    oval = ImagejRoi(roitype=ROI_TYPE.OVAL, left=10, top=4, right=22, bottom=10, version=228)
    roiwrite(tmp_path / "set.zip", [square, oval])
    masks = read_masks(tmp_path / "set.zip", SHAPE).toarray().reshape(-1, *SHAPE) > 0
    np.testing.assert_array_equal(masks[0], polygon_mask([(3, 5), (9, 5), (9, 8), (3, 8)], SHAPE))
    np.testing.assert_array_equal(masks[1], ellipse_mask(10, 4, 12, 6, SHAPE))
    roiwrite(tmp_path / "one.roi", square)
    assert read_masks(tmp_path / "one.roi", SHAPE).shape == (1, 24 * 40)

    roiwrite(tmp_path / "line.roi", ImagejRoi(roitype=ROI_TYPE.LINE, x1=1, y1=2, x2=9, y2=9, version=228))
    with pytest.raises(EditError, match="is a line, without area"):
        read_masks(tmp_path / "line.roi", SHAPE)


def test_real_imagej_files(shared_data: Path) -> None:
    masks = read_masks(shared_data / "rois" / "imagej_rois.zip", (256, 256))
    assert np.diff(masks.indptr).tolist() == [358, 199]
    assert read_masks(shared_data / "rois" / "freehand.roi", (256, 256)).nnz == 2071
    for name in ("line1.roi", "multipoint.roi", "point.roi"):
        with pytest.raises(EditError, match="without area"):
            read_masks(shared_data / "rois" / name, (256, 256))
    with pytest.raises(EditError, match="no pixel inside the frame"):
        read_masks(shared_data / "rois" / "oval.roi", (40, 40))


def test_stacks_and_shapes(tmp_path: Path) -> None:
    stack = np.zeros((2, *SHAPE), np.float32)
    stack[0, 2:5, 7:20], stack[1, 10, 11] = 0.5, 2
    np.savez(tmp_path / "a.npz", A=stack, other=np.zeros(3))
    np.save(tmp_path / "b.npy", stack[1] > 0)
    np.testing.assert_array_equal(read_masks(tmp_path / "a.npz", SHAPE).toarray().reshape(stack.shape), stack)
    assert read_masks(tmp_path / "b.npy", SHAPE).indices.tolist() == [10 * 40 + 11]

    shapes = [[[3, 5], [9, 5], [9, 8], [3, 8]], {"ellipse": [10, 4, 12, 6]}, {"coordinates": [[1, 39], [2, 0]]}]
    (tmp_path / "c.json").write_text(json.dumps(shapes))
    masks = read_masks(tmp_path / "c.json", SHAPE).toarray().reshape(-1, *SHAPE)
    assert masks[0].sum() == 18
    np.testing.assert_array_equal(np.argwhere(masks[2]), [[1, 39], [2, 0]])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"", "of no kind"),
        ("a.json", b"{", "cannot be read as ROIs"),
        ("a.json", b"[]", "holds no ROI"),
        ("a.json", b'[{"circle": 1}]', "without polygon"),
        ("a.json", b"[[[100, 100], [110, 100], [110, 110]]]", "ROI 1 has no pixel inside the frame of 24 x 40"),
        ("a.zip", b"PK", "cannot be read as ROIs"),
        ("a.npy", b"\x93NUMPY", "cannot be read as ROIs"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EditError, match=said):
        read_masks(tmp_path / name, SHAPE)


def test_a_stack_of_another_frame_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((2, 40, 24)))
    with pytest.raises(EditError, match=r"\(2, 40, 24\), the sample's frames \(24, 40\)"):
        read_masks(tmp_path / "a.npy", SHAPE)
