from __future__ import annotations

import numpy as np
import pytest

from pipeline.viewing.levels import Levels, contrast, to_uint8


def test_automatic_levels_ignore_a_few_hot_pixels() -> None:
    image = np.tile(np.arange(100, dtype=np.uint16), (60, 1))
    image[0, 0] = 60_000

    found = contrast(image)

    assert found.auto.high < 110
    assert found.span == (0, 60_000)


@pytest.mark.parametrize("image", [np.full((4, 6), 7, np.uint16), np.full((4, 6), np.nan, np.float32)])
def test_levels_differ_even_where_the_image_does_not(image: np.ndarray) -> None:
    found = contrast(image)

    for levels in (found.span, found.auto, found.range, *found.choices.values()):
        assert levels.low < levels.high


def test_one_hot_pixel_leaves_the_control_as_wide_as_the_image() -> None:
    image = np.tile(np.arange(100, dtype=np.uint16), (60, 1))
    image[0, 0] = 60_000

    found = contrast(image)

    assert found.range.low == 0
    assert found.range.high < 300
    assert sum(found.counts) == image.size - 1
    # Whole numbers fill every bar: as many values in each.
    assert max(found.counts[:20]) <= 2 * min(found.counts[:20])


def test_choices_are_wider_and_narrower_than_the_automatic_one() -> None:
    image = np.random.default_rng(1).normal(100, 10, (120, 200)).astype(np.float32)

    choices = contrast(image).choices

    widths = [choices[name].high - choices[name].low for name in ("strong", "auto", "soft", "full")]
    assert widths == sorted(widths)
    assert choices["full"] == (image.min(), image.max())
    assert choices["auto"] == pytest.approx(np.percentile(image, [1, 99.7]), rel=1e-5)


def test_levels_leave_out_what_is_not_a_number() -> None:
    image = np.array([[np.nan, np.inf, -np.inf], [1, 2, 3]], np.float32)

    assert contrast(image).span == (1, 3)


def test_values_beyond_the_levels_are_black_and_white() -> None:
    image = np.array([[0, 10, 15], [20, 30, 65_535]], np.uint16)

    assert to_uint8(image, Levels(10, 20)).tolist() == [[0, 0, 127], [255, 255, 255]]


def test_missing_values_are_black() -> None:
    image = np.array([[np.nan, np.inf, -np.inf, 5]], np.float32)

    assert to_uint8(image, Levels(0, 10)).tolist() == [[0, 255, 0, 127]]


def test_transposed_frame_becomes_contiguous() -> None:
    stored = np.arange(12, dtype=np.int16).reshape(4, 3)

    shown = to_uint8(stored.T, Levels(0, 11))

    assert shown.shape == (3, 4)
    assert shown.flags.c_contiguous
