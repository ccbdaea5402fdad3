from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.figures.raster import bin_size, binned, colour_limits, raster, rescaled

RATE_HZ = 10.0


def bumps(n_cells: int, n_frames: int, *centres: int) -> np.ndarray:
    """Traces with one transient each."""
    frames = np.arange(n_frames)
    return np.stack([np.exp(-((frames - centre) ** 2) / 50.0) for centre in centres[:n_cells]]).astype(np.float32)


@given(n_frames=st.integers(1, 400), n_columns=st.integers(1, 120))
def test_columns_are_the_means_of_as_many_frames_each(n_frames: int, n_columns: int) -> None:
    values = np.random.default_rng(n_frames).normal(size=(3, n_frames)).astype(np.float32)

    found, size = binned(values, n_columns), bin_size(n_frames, n_columns)

    assert found.shape[1] <= n_columns
    assert found.shape[1] == -(-n_frames // size)
    assert found[:, 0] == pytest.approx(values[:, :size].mean(axis=1), abs=1e-5)
    assert found[:, -1] == pytest.approx(values[:, size * (found.shape[1] - 1) :].mean(axis=1), abs=1e-5)


def test_unknown_values_do_not_count_and_stay_unknown_where_there_is_nothing_else() -> None:
    values = np.array([[1, np.nan, np.nan, np.nan, 4, 8]], np.float32)

    assert binned(values, 3).tolist()[0] == pytest.approx([1, np.nan, 6], nan_ok=True)


def test_what_is_sent_is_as_wide_as_the_screen_whatever_the_recording() -> None:
    traces = np.random.default_rng(0).normal(size=(40, 9_999)).astype(np.float32)

    found = raster(traces, rate_hz=RATE_HZ, n_columns=700)

    assert found.values.shape == (40, 667)
    assert found.values.dtype == np.float32
    assert found.column_s == 1.5


def test_each_cell_has_its_own_mean_and_deviation() -> None:
    values = np.array([3.0, 5.0, np.nan, 7.0])

    z = rescaled(values, "z")

    assert np.nanmean(z) == pytest.approx(0, abs=1e-6)
    assert np.nanstd(z) == pytest.approx(1, abs=1e-6)
    assert rescaled(values, "own").tolist() == pytest.approx([0, 0.5, np.nan, 1], nan_ok=True)
    assert rescaled(np.full(4, 2.0), "z").tolist() == [0, 0, 0, 0]
    assert rescaled(values, "plain").tolist() == pytest.approx(values.tolist(), nan_ok=True)


def test_scaling_is_over_the_whole_recording_also_where_a_part_is_shown() -> None:
    traces = bumps(1, 300, 50)

    part = raster(traces, rate_hz=RATE_HZ, n_columns=1_000, window_s=(20.0, 25.0))
    whole = raster(traces, rate_hz=RATE_HZ, n_columns=1_000)

    assert (part.start_s, part.values.shape) == (20.0, (1, 50))
    assert part.values[0].tolist() == whole.values[0, 200:250].tolist()


def test_rows_by_snr_by_time_of_peak_and_as_in_the_file() -> None:
    traces = bumps(4, 300, 200, 40, 120, 80)
    snr = np.array([2.0, np.nan, 9.0, 2.0])

    def rows(order: str) -> list[int]:
        return raster(traces, rate_hz=RATE_HZ, n_columns=100, order=order, snr=snr).rows.tolist()

    assert rows("snr") == [2, 0, 3, 1]
    assert rows("peak") == [1, 3, 2, 0]
    assert rows("file") == [0, 1, 2, 3]
    found = raster(traces, rate_hz=RATE_HZ, n_columns=300, order="peak")
    assert np.all(np.diff(found.values.argmax(axis=1)) > 0)


def test_cells_that_change_together_become_neighbours_and_silent_ones_come_last() -> None:
    traces = bumps(6, 300, 50, 200, 52, 202, 50, 0)
    traces[5] = 0
    traces[3, 10] = np.nan

    rows = raster(traces, rate_hz=RATE_HZ, n_columns=300, order="similarity").rows.tolist()

    assert rows[-1] == 5
    assert {frozenset(rows[:3]), frozenset(rows[3:5])} == {frozenset({0, 2, 4}), frozenset({1, 3})} or {
        frozenset(rows[:2]),
        frozenset(rows[2:5]),
    } == {frozenset({0, 2, 4}), frozenset({1, 3})}


def test_rows_by_a_tag_are_in_groups_by_name_and_within_one_by_snr() -> None:
    traces = bumps(5, 300, 10, 20, 30, 40, 50)
    tags = ["90", "left", "45", "90", "left"]

    found = raster(
        traces, rate_hz=RATE_HZ, n_columns=100, snr=np.array([1.0, 2.0, 3.0, 4.0, 5.0]), tags=tags, order="peak"
    )

    assert found.rows.tolist() == [2, 3, 0, 4, 1]
    assert found.groups == (("45", 1), ("90", 2), ("left", 2))


@pytest.mark.parametrize("order", ["snr", "peak", "similarity", "file"])
@pytest.mark.parametrize("n_cells", [1, 2])
def test_few_cells_and_nothing_known_can_be_drawn(order: str, n_cells: int) -> None:
    found = raster(np.full((n_cells, 7), np.nan), rate_hz=RATE_HZ, n_columns=3, order=order)

    assert sorted(found.rows.tolist()) == list(range(n_cells))
    assert np.isnan(found.values).all()
    assert colour_limits(found.values) == (0.0, 1.0)


def test_a_few_extreme_values_do_not_take_the_contrast_from_the_rest() -> None:
    values = np.append(np.linspace(0, 1, 1_000), 1e6)

    low, high = colour_limits(values)

    assert 0 <= low < 0.05
    assert 0.9 < high <= 1.1
