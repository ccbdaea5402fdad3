from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import sparse

from pipeline.viewing.contours import ENERGY_SHARE, Bodies, footprint_outline, outlines

HEIGHT, WIDTH = 30, 50


def footprint(image: np.ndarray) -> sparse.csr_array:
    return sparse.csr_array(image.reshape(1, -1).astype(np.float32))


def blob(centre_y: float, centre_x: float, sigma: float = 2.5) -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    image = np.exp(-((y - centre_y) ** 2 + (x - centre_x) ** 2) / (2 * sigma**2))
    return np.where(image > 0.02, image, 0)


def contains(piece: np.ndarray, x: float, y: float) -> bool:
    return cv2.pointPolygonTest(piece.reshape(-1, 1, 2), (x, y), False) >= 0


def test_outline_lies_where_the_cell_is_and_not_at_the_transposed_place() -> None:
    [outline] = outlines(footprint(blob(7, 40)), (HEIGHT, WIDTH))

    [piece] = outline.pieces
    assert contains(piece, 40.5, 7.5)
    assert not contains(piece, 7.5, 40.5)
    assert np.allclose(piece.mean(axis=0), (40.5, 7.5), atol=0.3)


def test_outline_encloses_the_asked_share_of_the_energy() -> None:
    image = blob(15, 22, sigma=3)

    [outline] = outlines(footprint(image), (HEIGHT, WIDTH))

    inside = np.array([[contains(outline.pieces[0], x + 0.5, y + 0.5) for x in range(WIDTH)] for y in range(HEIGHT)])
    share = (image[inside] ** 2).sum() / (image**2).sum()
    faintest = (image[inside].min() ** 2) * 8 / (image**2).sum()  # equal pixels around a symmetric blob
    assert ENERGY_SHARE <= share <= ENERGY_SHARE + faintest


def test_binary_mask_is_enclosed_as_a_whole() -> None:
    image = np.zeros((HEIGHT, WIDTH))
    image[10:16, 20:32] = 1

    [outline] = outlines(footprint(image), (HEIGHT, WIDTH))

    assert cv2.contourArea(outline.pieces[0]) == pytest.approx(6 * 12, rel=0.1)
    assert outline.pieces[0].min(axis=0) == pytest.approx([20, 10], abs=0.3)
    assert outline.pieces[0].max(axis=0) == pytest.approx([32, 16], abs=0.3)


def test_outline_at_the_border_stays_within_half_a_pixel_of_the_image() -> None:
    image = np.zeros((HEIGHT, WIDTH))
    image[0:5, WIDTH - 4 :] = 1

    [outline] = outlines(footprint(image), (HEIGHT, WIDTH))

    assert outline.pieces[0][:, 1].min() >= -0.5
    assert outline.pieces[0][:, 0].max() <= WIDTH + 0.5


def test_hole_and_second_body_are_pieces_of_their_own() -> None:
    image = np.zeros((HEIGHT, WIDTH))
    image[5:17, 5:17] = 1
    image[9:13, 9:13] = 0
    image[20:24, 30:36] = 1

    [outline] = outlines(footprint(image), (HEIGHT, WIDTH))

    areas = [cv2.contourArea(piece) for piece in outline.pieces]
    assert len(areas) == 3
    assert areas == sorted(areas, reverse=True)


def test_single_pixel_still_has_an_outline() -> None:
    outline = footprint_outline(np.array([7 * WIDTH + 40]), np.array([0.3]), (HEIGHT, WIDTH), ENERGY_SHARE)

    assert contains(outline.pieces[0], 40.5, 7.5)


@pytest.mark.parametrize("weights", [[], [0.0, 0.0], [-1.0, -2.0]])
def test_footprint_without_a_positive_pixel_has_no_outline(weights: list[float]) -> None:
    outline = footprint_outline(np.arange(len(weights)), np.array(weights), (HEIGHT, WIDTH), ENERGY_SHARE)

    assert outline.pieces == ()


def test_outlines_come_in_the_order_of_the_footprints() -> None:
    both = sparse.vstack([footprint(blob(7, 40)), footprint(blob(22, 10))], format="csr")

    first, second = outlines(sparse.csr_array(both), (HEIGHT, WIDTH))

    assert first.pieces[0][:, 0].mean() > 30
    assert second.pieces[0][:, 0].mean() < 20


def test_a_speck_and_a_pinhole_are_left_out() -> None:
    image = np.zeros((HEIGHT, WIDTH))
    image[5:17, 5:17] = 1
    image[10, 10] = 0
    image[20, 40] = 1

    [outline] = outlines(footprint(image), (HEIGHT, WIDTH))

    assert len(outline.pieces) == 1


DEPTH = 9


def body(centre_y: float, centre_x: float, weights: list[float]) -> np.ndarray:
    """``(height, width, depth)``: the same blob in every plane, times the plane's weight."""
    return blob(centre_y, centre_x)[..., None] * np.array(weights)


def bodies(*volumes: np.ndarray) -> Bodies:
    flat = sparse.csr_array(np.stack([volume.ravel() for volume in volumes]).astype(np.float32))
    return Bodies.of(flat, (HEIGHT, WIDTH, DEPTH))


def test_a_plane_cuts_those_cells_that_are_in_it_at_one_level_of_the_whole_cell() -> None:
    # What is faint in a plane is outside, though it would be all there is of the cell in that plane alone.
    cut = bodies(body(8, 40, [0, 0, 0.5, 1, 0.5, 0.05, 0, 0, 0]), body(20, 10, [0, 0, 0, 0, 0, 0, 0, 1, 1]))

    sections = [cut.outlines(plane) for plane in range(DEPTH)]

    assert [[bool(one.pieces) for one in section] for section in sections] == [
        *[[False, False]] * 2,
        *[[True, False]] * 3,
        *[[False, False]] * 2,
        *[[False, True]] * 2,
    ]
    [narrow], [wide] = sections[2][0].pieces, sections[3][0].pieces
    assert np.allclose(wide.mean(axis=0), (40.5, 8.5), atol=0.3)
    assert cv2.contourArea(narrow) < 0.8 * cv2.contourArea(wide)


def test_a_cell_lies_between_planes_with_its_centre_in_one_that_cuts_it() -> None:
    cut = bodies(
        body(8, 40, [0, 0, 0.5, 1, 0.5, 0.05, 0, 0, 0]),
        body(8, 40, [0, 0, 0, 0, 0, 0, 0, 0, 1]),
        # Two caps: between them, where their centre would be, there is nothing to see.
        body(20, 10, [1, 1, 0, 0, 0, 0, 1, 0.9, 0]),
        np.zeros((HEIGHT, WIDTH, DEPTH)),
    )

    assert cut.extents.tolist() == [[2, 3, 4], [8, 8, 8], [0, 1, 7], [-1, -1, -1]]
    for row, (first, centre, last) in enumerate(cut.extents[:3].tolist()):
        assert all(cut.outlines(plane)[row].pieces for plane in (first, centre, last))
