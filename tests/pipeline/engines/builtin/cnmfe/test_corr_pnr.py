"""Correlation and peak-to-noise images: where they are high, what they cost, and how many seeds they hold."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.engines.builtin.cnmfe.corr_pnr import CorrPnr, corr_pnr
from pipeline.progress import Cancelled
from pipeline.simulate import Simulation, simulate_movie
from tests.pipeline.array_movie import ArrayMovie

GSIG = (3, 3)


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate_movie("1p", n_frames=400, height=64, width=84, n_cells=7, seed=2, motion_px=0.0)


@pytest.fixture(scope="module")
def images(simulation: Simulation) -> CorrPnr:
    return corr_pnr(ArrayMovie(simulation.frames), GSIG)


def test_cells_stand_out_in_both_images(simulation: Simulation, images: CorrPnr) -> None:
    cells = simulation.footprints.reshape(7, -1).argmax(axis=1)
    elsewhere = simulation.footprints.max(axis=0).ravel() == 0
    for image in (images.correlation, images.pnr):
        assert image.shape == (64, 84)
        assert np.median(image.ravel()[cells]) > np.quantile(image.ravel()[elsewhere], 0.95)


def test_seeds_are_counted_from_the_images_alone(images: CorrPnr) -> None:
    many, few, none = (images.seeds(0.5, pnr) for pnr in (4.0, 10.0, 1e6))
    assert len(many) > len(few) > len(none) == 0
    assert len(images.seeds(0.99, 4.0)) < len(many)
    for y, x in few:
        assert images.pnr[y, x] >= 10
        assert images.correlation[y, x] >= 0.5
    # The best first.
    score = images.correlation[tuple(many.T)] * images.pnr[tuple(many.T)]
    assert score[0] > np.median(score)


def test_the_images_do_not_depend_on_how_the_movie_is_cut_into_chunks(
    simulation: Simulation, images: CorrPnr, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    class Watched(ArrayMovie):
        def read(self, start: int, stop: int) -> np.ndarray:
            sizes.append(stop - start)
            return super().read(start, stop)

    monkeypatch.setattr("pipeline.engines.builtin.cnmfe.corr_pnr.CHUNK_BYTES", 4 * 64 * 84 * 30)
    again = corr_pnr(Watched(simulation.frames), GSIG)
    assert max(sizes) <= 128
    np.testing.assert_allclose(again.correlation, images.correlation, atol=1e-6)
    np.testing.assert_array_equal(again.pnr, images.pnr)


def test_a_flat_background_disappears_only_with_a_centred_filter(simulation: Simulation) -> None:
    flicker = (1000 * np.random.default_rng(0).random(400)).astype(np.uint16)
    movie = ArrayMovie(simulation.frames + flicker[:, None, None])
    centred, plain = (corr_pnr(movie, GSIG, center_psf=centred) for centred in (True, False))
    np.testing.assert_allclose(centred.pnr, corr_pnr(ArrayMovie(simulation.frames), GSIG).pnr, rtol=0.01, atol=0.05)
    assert np.median(plain.pnr) < 0.5 * np.median(corr_pnr(ArrayMovie(simulation.frames), GSIG, center_psf=False).pnr)


def test_reduced_frames_give_images_of_the_same_field(simulation: Simulation, images: CorrPnr) -> None:
    small = corr_pnr(ArrayMovie(simulation.frames), GSIG, ssub=3)
    assert small.pnr.shape == images.pnr.shape
    assert np.corrcoef(small.pnr.ravel(), images.pnr.ravel())[0, 1] > 0.6


def test_a_constant_movie_and_unknown_pixels_have_no_seed() -> None:
    assert len(corr_pnr(ArrayMovie(np.full((120, 40, 50), 7, np.uint8)), GSIG).seeds(0.0, 0.0)) == 0
    unknown = np.random.default_rng(0).random((120, 40, 50)).astype(np.float32)
    unknown[:, :3] = np.nan
    found = corr_pnr(ArrayMovie(unknown), GSIG)
    assert np.isfinite(found.pnr).all()
    assert np.isfinite(found.correlation).all()


def test_it_can_be_cancelled(simulation: Simulation) -> None:
    def stop(done: float) -> None:
        if done > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        corr_pnr(ArrayMovie(simulation.frames), GSIG, progress=stop)
