from __future__ import annotations

import numpy as np
import pytest

from pipeline.outputs.events import find_events, trace_noise


def test_a_run_of_frames_is_one_event_at_its_peak() -> None:
    deconvolved = np.zeros((3, 20), np.float32)
    deconvolved[0, 3:6] = (1, 4, 2)
    deconvolved[0, 7] = 5
    deconvolved[2, 0] = 1
    deconvolved[2, 19] = 2
    deconvolved[1, 5] = np.nan

    events = find_events(deconvolved, 10.0)

    assert events.cell.tolist() == [0, 0, 2, 2]
    assert events.frame.tolist() == [4, 7, 0, 19]
    assert events.size.tolist() == [7, 5, 1, 2]
    np.testing.assert_allclose(events.time_s, [0.4, 0.7, 0.0, 1.9])
    assert events.counts.tolist() == [2, 0, 2]
    np.testing.assert_allclose(events.rates_hz(), [1.0, 0.0, 1.0])
    np.testing.assert_allclose(events.mean_intervals_s(), [0.3, np.nan, 1.9])


def test_the_end_of_one_trace_does_not_run_on_into_the_next() -> None:
    deconvolved = np.zeros((2, 5))
    deconvolved[0, -1] = deconvolved[1, 0] = 1

    assert find_events(deconvolved, 1.0).frame.tolist() == [4, 0]


def test_events_have_to_stand_out_of_the_noise_of_their_own_trace() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(2, 4000)).astype(np.float32) * np.array([[1], [10]], np.float32)
    slow = 50 * np.sin(np.arange(4000) * 2 * np.pi / 400).astype(np.float32)
    deconvolved = np.zeros_like(noise)
    deconvolved[:, 100] = 20
    deconvolved[0, 200:230] = 2  # small, however long

    measured = trace_noise(noise + slow)

    np.testing.assert_allclose(measured, [1, 10], rtol=0.05)
    events = find_events(deconvolved, 5.0, 3 * measured)
    assert list(zip(events.cell.tolist(), events.frame.tolist(), strict=True)) == [(0, 100)]


def test_the_population_s_rate_is_of_an_average_cell() -> None:
    deconvolved = np.zeros((4, 25))
    deconvolved[:, 2] = 1
    deconvolved[1, 8] = 1
    deconvolved[0, 24] = 1

    start_s, rate_hz = find_events(deconvolved, 10.0).population_rate(1.0)

    np.testing.assert_allclose(start_s, [0, 1, 2])
    # The last bin has half a second.
    np.testing.assert_allclose(rate_hz, [5 / 4, 0, 1 / 4 / 0.5])


def test_no_cells_and_no_frames_have_no_events() -> None:
    for shape in ((0, 10), (3, 0)):
        events = find_events(np.zeros(shape), 10.0)
        assert len(events.cell) == 0
        assert events.rates_hz().tolist() == [0.0] * shape[0]
        assert np.isnan(events.mean_intervals_s()).all()


@pytest.mark.parametrize("seed", range(3))
def test_events_of_random_traces_are_their_runs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    deconvolved = np.where(rng.random((6, 60)) < 0.4, rng.random((6, 60)), 0)
    runs = []
    for cell, trace in enumerate(deconvolved):
        start = None
        for frame, value in enumerate([*trace, 0]):
            if value > 0 and start is None:
                start = frame
            if value == 0 and start is not None:
                part = trace[start:frame]
                runs.append((cell, start + int(part.argmax()), float(part.sum())))
                start = None

    events = find_events(deconvolved, 1.0)

    found = list(zip(events.cell.tolist(), events.frame.tolist(), events.size.tolist(), strict=True))
    assert [run[:2] for run in found] == [run[:2] for run in runs]
    np.testing.assert_allclose([run[2] for run in found], [run[2] for run in runs], rtol=1e-6)
