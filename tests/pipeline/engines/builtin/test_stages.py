"""The stages between motion correction and the results file, each against a direct computation."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy import ndimage, optimize, sparse

from nwb_schema.movie_file import MovieFileWriter
from pipeline.engines.builtin import frames as frames_module
from pipeline.engines.builtin.baseline import (
    block_percentile,
    half_sample_mode,
    mode_percentile,
    running_percentile,
)
from pipeline.engines.builtin.dff import against_baseline
from pipeline.engines.builtin.evaluation import accepted, alone_frames, peak_frames, trace_snr
from pipeline.engines.builtin.frames import Frames
from pipeline.engines.builtin.initialisation import rolling_energy
from pipeline.engines.builtin.merging import merged
from pipeline.engines.builtin.model import Model
from pipeline.engines.builtin.projections import Tiles, correlate_with_traces, project_onto_footprints
from pipeline.engines.builtin.shape import cell_sized
from pipeline.engines.builtin.spatial import descend, grown, tidied, update_footprints
from pipeline.engines.builtin.survey import survey
from pipeline.engines.builtin.temporal import independent_groups, update_traces
from pipeline.parameters.groups import Quality, Temporal

HEIGHT, WIDTH, N_FRAMES = 23, 31, 700


def ignore(_: float) -> None:
    pass


@pytest.fixture(scope="module")
def movie() -> np.ndarray:
    rng = np.random.default_rng(0)
    level = rng.uniform(200, 900, (HEIGHT, WIDTH))
    return (level + 10 * rng.standard_normal((N_FRAMES, HEIGHT, WIDTH))).astype(np.float32)


@pytest.fixture(scope="module")
def path(movie: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("movie") / "m.h5"
    with MovieFileWriter(path, n_frames=N_FRAMES, height=HEIGHT, width=WIDTH, dtype=np.float32, rate_hz=10.0) as writer:
        writer.write(0, movie)
    return path


@pytest.mark.parametrize("cached", [True, False])
def test_chunks_are_the_movie(movie: np.ndarray, path: Path, cached: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not cached:
        monkeypatch.setattr(frames_module, "CACHE_BYTES", 0)
    with Frames(path) as frames:
        for _ in range(2):
            np.testing.assert_array_equal(np.concatenate([block for _, block in frames.chunks(ignore)]), movie)


def test_pixels_that_are_ever_unknown_are_zero(movie: np.ndarray, tmp_path: Path) -> None:
    holes = movie[:40].copy()
    holes[7, :, :2] = np.nan
    with MovieFileWriter(
        tmp_path / "m.h5", n_frames=40, height=HEIGHT, width=WIDTH, dtype=np.float32, rate_hz=1.0
    ) as writer:
        writer.write(0, holes)
    with Frames(tmp_path / "m.h5") as frames:
        block = frames.read(0, 40)
    assert not block[:, :, :2].any()
    np.testing.assert_array_equal(block[:, :, 2:], movie[:40, :, 2:])


def test_summary_images_equal_those_of_the_whole_movie(movie: np.ndarray, path: Path) -> None:
    with Frames(path) as frames:
        known = survey(frames, 3, ignore)
    images = known.images
    np.testing.assert_allclose(images["mean"], movie.mean(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(images["max"], movie.max(axis=0))
    np.testing.assert_allclose(images["std"], movie.std(axis=0), rtol=1e-3)
    y, x = 5, 9
    around = [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]
    pairs = [np.corrcoef(movie[:, y, x], movie[:, j, i])[0, 1] for j, i in around]
    assert images["correlation"][y, x] == pytest.approx(np.mean(pairs), abs=1e-4)
    corner = [np.corrcoef(movie[:, 0, 0], movie[:, j, i])[0, 1] for j, i in ((0, 1), (1, 0), (1, 1))]
    assert images["correlation"][0, 0] == pytest.approx(np.mean(corner), abs=1e-4)
    np.testing.assert_allclose(known.noise, 10, rtol=0.2)
    assert known.noise.mean() == pytest.approx(10, rel=0.02)
    assert known.factor == 3
    assert known.short.shape == (234, HEIGHT, WIDTH)
    np.testing.assert_allclose(known.short[200], movie[600:603].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(known.short[-1], movie[699:].mean(axis=0), rtol=1e-5)


def random_footprints(n: int, seed: int = 1) -> sparse.csr_array:
    images = np.zeros((n, HEIGHT, WIDTH), np.float32)
    rng = np.random.default_rng(seed)
    for number, image in enumerate(images):
        y, x = 2 + 4 * number % (HEIGHT - 8), 3 + 5 * number % (WIDTH - 8)
        image[y : y + 5, x : x + 6] = rng.uniform(0.5, 1, (5, 6))
        image /= np.linalg.norm(image)
    return sparse.csr_array(images.reshape(n, -1))


def test_projections_equal_matrix_products(movie: np.ndarray, path: Path) -> None:
    rng = np.random.default_rng(2)
    footprints, traces = random_footprints(4), rng.random((4, N_FRAMES)).astype(np.float32)
    background, courses = (
        rng.random((2, HEIGHT * WIDTH)).astype(np.float32),
        rng.random((2, N_FRAMES)).astype(np.float32),
    )
    mean = movie.mean(axis=0)
    flat = movie.reshape(N_FRAMES, -1).astype(np.float64)
    with Frames(path) as frames:
        through, behind = project_onto_footprints(frames, footprints, background, mean, ignore)
        tiles = Tiles((HEIGHT, WIDTH), footprints)
        sums = correlate_with_traces(frames, tiles, traces, courses, mean, ignore)
    np.testing.assert_allclose(through, footprints.toarray() @ flat.T, rtol=1e-5)
    np.testing.assert_allclose(behind, background @ flat.T, rtol=1e-5)
    for (rows, columns), members, found in zip(tiles.windows, tiles.members, sums, strict=True):
        part = movie[:, rows, columns].reshape(N_FRAMES, -1).astype(np.float64)
        np.testing.assert_allclose(found, part.T @ np.concatenate([traces[members], courses]).T, rtol=1e-5)


def test_descent_finds_the_non_negative_optimum() -> None:
    rng = np.random.default_rng(3)
    traces, y = rng.random((4, 60)), rng.standard_normal((7, 60)) + 0.5
    gram, target, penalty = traces @ traces.T, y @ traces.T, rng.uniform(0, 2, (7, 4))
    allowed = rng.random((7, 4)) > 0.2
    found = descend(gram, target, penalty, allowed, 2000, 1e-12)
    for pixel in range(7):

        def cost(a: np.ndarray, pixel: int = pixel) -> float:
            return float(a @ gram @ a / 2 - a @ (target[pixel] - penalty[pixel]))

        bounds = [(0, None) if free else (0, 0) for free in allowed[pixel]]
        best = optimize.minimize(cost, np.zeros(4), bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-15})
        assert cost(found[pixel]) <= best.fun + 1e-6
        assert not found[pixel][~allowed[pixel]].any()


def make_scene(tmp_path: Path, noise: float = 4.0) -> tuple[np.ndarray, sparse.csr_array, np.ndarray, np.ndarray]:
    """A movie of two overlapping cells on a changing background; footprints of unit norm, traces, movie."""
    rng = np.random.default_rng(4)
    images = np.zeros((2, HEIGHT, WIDTH), np.float32)
    images[0, 6:14, 6:15] = 1
    images[1, 9:17, 12:21] = 1
    flat = images.reshape(2, -1) / np.linalg.norm(images.reshape(2, -1), axis=1, keepdims=True)
    spikes = (rng.random((2, N_FRAMES)) < 0.03) * 400.0
    traces = np.zeros_like(spikes)
    for t in range(N_FRAMES):
        traces[:, t] = spikes[:, t] + (0.85 * traces[:, t - 1] if t else 0)
    slow = 1 + 0.1 * np.sin(np.arange(N_FRAMES) / 60)
    level = rng.uniform(200, 400, HEIGHT * WIDTH)
    movie = traces.T @ flat + np.outer(slow, level) + noise * rng.standard_normal((N_FRAMES, HEIGHT * WIDTH))
    movie = movie.reshape(N_FRAMES, HEIGHT, WIDTH).astype(np.float32)
    with MovieFileWriter(
        tmp_path / "scene.h5", n_frames=N_FRAMES, height=HEIGHT, width=WIDTH, dtype=np.float32, rate_hz=10.0
    ) as writer:
        writer.write(0, movie)
    return movie, sparse.csr_array(flat.astype(np.float32)), traces, slow


def test_overlapping_cells_are_demixed_in_time(tmp_path: Path) -> None:
    movie, footprints, traces, _ = make_scene(tmp_path)
    background = movie.mean(axis=0).reshape(1, -1)
    with Frames(tmp_path / "scene.h5") as frames:
        model = update_traces(frames, footprints, background, movie.mean(axis=0), Temporal(), ignore)
    for found, truth in zip(model.traces, traces, strict=True):
        assert np.corrcoef(found, truth)[0, 1] > 0.98
    assert abs(np.corrcoef(model.traces)[0, 1]) < abs(np.corrcoef(traces)[0, 1]) + 0.05
    assert model.residuals.std() < 0.2 * model.traces.std()
    np.testing.assert_allclose(model.g, 0.85 * 0.96, atol=0.05)


def test_supports_are_the_dilation_of_each_footprint_tile_by_tile() -> None:
    rng = np.random.default_rng(11)
    height, width, n = 61, 47, 25
    images = rng.random((n, height, width)) < rng.uniform(0, 0.004, (n, 1, 1))
    images[3] = False
    images[4, 0, 0] = images[4, -1, -1] = images[4, 20, 0] = images[4, 20, -1] = True
    diamond = ndimage.generate_binary_structure(2, 1)
    dense = np.stack([ndimage.binary_dilation(image, diamond, iterations=2) for image in images])
    footprints = sparse.csr_array(images.reshape(n, -1).astype(np.float32))

    supports = grown(footprints, (height, width))

    np.testing.assert_array_equal(supports.toarray(), dense.reshape(n, -1))
    tiles = Tiles((height, width), supports)
    for number, window in enumerate(tiles.windows):
        members = np.flatnonzero(dense[(slice(None), *window)].any(axis=(1, 2)))
        np.testing.assert_array_equal(tiles.members[number], members)
        np.testing.assert_array_equal(
            tiles.reached(number), dense[(members, *window)].reshape(len(members), -1).T.reshape(-1, len(members))
        )
    assert grown(footprints[:0], (height, width)).shape == (0, height * width)


def test_supports_of_many_cells_take_the_memory_of_their_pixels_not_of_the_field() -> None:
    n, height, width = 200, 256, 320
    corner = (np.arange(n) % 12 * 20 + 4) * width + np.arange(n) // 12 * 18 + 4
    pixels = (corner[:, None, None] + np.arange(8)[:, None] * width + np.arange(8)).reshape(n, 64)
    rows = np.repeat(np.arange(n), 64)
    footprints = sparse.csr_array((np.ones(n * 64, np.float32), (rows, pixels.ravel())), shape=(n, height * width))
    tracemalloc.start()
    tiles = Tiles((height, width), grown(footprints, (height, width)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(tiles.windows) == 154
    assert peak < n * height * width / 4


def test_footprints_grow_back_to_their_cells(tmp_path: Path) -> None:
    movie, footprints, traces, slow = make_scene(tmp_path)
    truth = footprints.toarray()
    eroded = truth.copy().reshape(2, HEIGHT, WIDTH)
    eroded[0, 6:8] = 0
    eroded[1, :, 19:] = 0
    with Frames(tmp_path / "scene.h5") as frames:
        raw, background = update_footprints(
            frames,
            sparse.csr_array(eroded.reshape(2, -1)),
            traces.astype(np.float32),
            slow[None].astype(np.float32),
            np.full((HEIGHT, WIDTH), 4, np.float32),
            movie.mean(axis=0),
            ignore,
        )
    around = grown(sparse.csr_array(eroded.reshape(2, -1)), (HEIGHT, WIDTH)).toarray() & (truth == 0)
    # Noise projects onto a trace with either sign, half of it upwards; the penalty lets about a sixth through.
    assert (raw.toarray()[around] > 0).mean() < 0.3
    found = tidied(raw, (HEIGHT, WIDTH), 0.9999).toarray()
    for image, expected in zip(found, truth, strict=True):
        cosine = image @ expected / np.linalg.norm(image) / np.linalg.norm(expected)
        assert cosine > 0.95
        assert (image[expected == 0] > 0).mean() < 0.01  # noise stays out
    assert np.corrcoef(background[0], movie.mean(axis=0).ravel())[0, 1] > 0.9


def as_model(footprints: sparse.csr_array, traces: np.ndarray) -> Model:
    n = len(traces)
    zeros = np.zeros(n, np.float32)
    empty = np.zeros((0, 1), np.float32)
    traces = traces.astype(np.float32)
    return Model(footprints, traces, empty, empty, traces * 0, traces, zeros, zeros, zeros, zeros, zeros)


def test_halves_of_one_cell_are_merged_and_strangers_are_not() -> None:
    rng = np.random.default_rng(5)
    images = np.zeros((3, HEIGHT, WIDTH), np.float32)
    images[0, 5:10, 5:10] = images[1, 5:10, 9:14] = images[2, 8:13, 8:13] = 0.2
    one, other = rng.random(N_FRAMES), rng.random(N_FRAMES)
    model = as_model(sparse.csr_array(images.reshape(3, -1)), np.stack([one, 0.8 * one + 0.02 * other, other]))
    footprints, traces, gone = merged(model, 0.8)
    assert gone == 1
    assert footprints.shape == (2, HEIGHT * WIDTH)
    whole = footprints.toarray()[1].reshape(HEIGHT, WIDTH)
    assert (whole[5:10, 5:14] > 0).all()
    assert np.linalg.norm(whole) == pytest.approx(1, abs=1e-5)
    assert np.corrcoef(traces[1], one)[0, 1] > 0.99
    assert merged(model, 0.9999)[2] == 0


def test_snr_counts_noise_as_little_and_transients_as_much() -> None:
    rng = np.random.default_rng(6)
    noise = rng.standard_normal((3, 2000)).astype(np.float32)
    noise[1, 500:506] += 12
    noise[2] = 7
    quiet, transient, flat = trace_snr(noise, 6)
    assert quiet < 1
    assert transient > 2.5
    assert flat == 0


def test_the_rule_of_acceptance() -> None:
    rule = Quality(min_SNR=2.5, SNR_lowest=0.5, rval_thr=0.8, rval_lowest=-0.5)
    snr = np.array([2.5, 2.4, 0.6, 0.5, 9.0], np.float32)
    r_values = np.array([0.0, 0.0, 0.8, 0.9, -0.5], np.float32)
    assert accepted(snr, r_values, rule).tolist() == [True, False, True, False, False]


def test_frames_of_neighbours_do_not_count() -> None:
    traces = np.zeros((2, 200), np.float32)
    traces[0, [50, 120]] = traces[1, 120] = 1
    windows = peak_frames(traces, 10.0)
    assert windows[0, 48:60].all()
    assert not windows[0, 70:110].any()
    overlapping = sparse.csr_array(np.array([[0.8, 0.6, 0], [0, 0.6, 0.8]], np.float32))
    alone = alone_frames(overlapping, windows)
    assert alone[0, 50]
    assert not alone[0, 120]
    apart = sparse.csr_array(np.eye(2, 3, dtype=np.float32))
    np.testing.assert_array_equal(alone_frames(apart, windows), windows)


def test_rolling_energy_equals_a_slow_loop() -> None:
    blurred = np.random.default_rng(7).standard_normal((30, 4, 5)).astype(np.float32)
    up, down = rolling_energy(blurred, 8)
    for image, part in ((up, np.maximum(blurred, 0)), (down, np.minimum(blurred, 0))):
        means = [np.mean(part[t : t + 8] ** 2, axis=0) for t in range(23)]
        np.testing.assert_allclose(image, np.max(means, axis=0), rtol=1e-4)


def test_only_bodies_are_cell_sized() -> None:
    rows, columns = np.mgrid[:40, :60]
    disc = ((rows - 20) ** 2 + (columns - 30) ** 2 <= 25).astype(float)
    dendrite = ((np.abs(rows - 20) <= 1) & (np.abs(columns - 30) < 15)).astype(float)
    footprints = sparse.csr_array(np.stack([disc, dendrite, np.zeros_like(disc)]).reshape(3, -1))
    assert cell_sized(footprints, (40, 60), (4, 4)).tolist() == [True, False, False]
    assert not cell_sized(footprints, (40, 60), (8, 8)).any()


def test_mode_and_running_percentile() -> None:
    rng = np.random.default_rng(8)
    values = np.concatenate([rng.normal(3, 0.1, 3000), rng.uniform(3, 30, 1000)])
    assert half_sample_mode(np.sort(values)) == pytest.approx(3, abs=0.2)
    assert half_sample_mode(np.array([5.0, 5.0, 5.0, 9.0])) == 5
    assert mode_percentile(values) == pytest.approx(100 * (values < 3).mean(), abs=5)
    assert mode_percentile(np.full(9, 4.0)) == 50
    drifting = np.linspace(0, 100, 3000) + rng.standard_normal((2, 3000))
    level = running_percentile(drifting, np.array([50.0, 10.0]), window=300)
    np.testing.assert_allclose(level[0, 300:-300], np.linspace(0, 100, 3000)[300:-300], atol=1)
    assert (level[1] < level[0]).all()
    short = running_percentile(drifting[:, :200], np.array([8.0, 33.0]), window=300)
    expected = [np.percentile(drifting[0, :200], 8), np.percentile(drifting[1, :200], 33)]
    np.testing.assert_allclose(short, np.repeat(np.array(expected)[:, None], 200, axis=1), rtol=1e-12)


@pytest.mark.parametrize("n_frames", [3, 100, 203, 6001])
def test_a_slow_baseline_follows_drift_and_no_transients(n_frames: int) -> None:
    rng = np.random.default_rng(9)
    drift = np.linspace(50, 20, n_frames)
    traces = drift + 0.1 * rng.standard_normal((2, n_frames)) + 30 * (rng.random((2, n_frames)) < 0.02)
    level = block_percentile(traces, 8.0)
    assert level.shape == traces.shape
    assert np.abs(level - drift)[:, n_frames // 4 : -n_frames // 4].max(initial=0) < 4


def saved_by_caiman(shared_data: Path, name: str) -> dict[str, Any]:
    with h5py.File(shared_data / "caiman" / f"{name}_caiman.hdf5") as file:
        estimates = file["estimates"]
        kept = {key: estimates[key][()] for key in ("C", "YrA", "SNR_comp", "F_dff", "b", "f")}
        footprints = sparse.csc_array(
            tuple(estimates[f"A/{part}"][:] for part in ("data", "indices", "indptr")),
            shape=tuple(estimates["A/shape"][:]),
        )
        window = int(np.ceil(file["params/data/fr"][()] * file["params/data/decay_time"][()]))
    return {**kept, "A": footprints, "window": window}


@pytest.mark.parametrize("name", ["twophoton", "onephoton", "cortex_2p"])
def test_the_snr_of_caimans_traces_is_caimans(name: str, shared_data: Path) -> None:
    saved = saved_by_caiman(shared_data, name)
    ours = trace_snr((saved["C"] + saved["YrA"]), saved["window"])
    finite = np.isfinite(saved["SNR_comp"])  # CaImAn overflows where there is hardly any noise
    np.testing.assert_allclose(ours[finite], saved["SNR_comp"][finite], rtol=1e-6)
    assert finite.sum() >= len(finite) - 2


@pytest.mark.parametrize("name", ["twophoton", "cortex_2p"])
def test_the_dff_of_caimans_traces_is_caimans(name: str, shared_data: Path) -> None:
    """The same to the last digit for one percentile of each trace, and our percentile is close to that one."""
    saved = saved_by_caiman(shared_data, name)
    raw, behind = saved["C"] + saved["YrA"], (saved["A"].T @ saved["b"]) @ saved["f"]
    away = []
    for number in range(0, len(raw), 8):
        one, back = raw[number : number + 1], behind[number : number + 1]
        rank = int(2.5 * mode_percentile(one[0, :250]))
        near = range(rank - 25, rank + 26)
        errors = [
            np.abs(against_baseline(one, back, np.array([(rank + 0.5) / 2.5]), 250) - saved["F_dff"][number]).max()
            for rank in near
        ]
        best = int(np.argmin(errors))
        assert errors[best] < 1e-6
        away.append(abs(near[best] - near.start - 25))
    assert np.median(away) < 6  # of 250 ranks


def test_independent_groups_hold_no_overlap() -> None:
    overlap = np.eye(5)
    overlap[0, 1] = overlap[1, 0] = overlap[1, 2] = overlap[2, 1] = 0.4
    groups = independent_groups(overlap)
    assert sorted(np.concatenate(groups).tolist()) == [0, 1, 2, 3, 4]
    assert all(overlap[np.ix_(group, group)].sum() == len(group) for group in groups)
