from __future__ import annotations

import shutil
import uuid
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy import sparse

from nwb_schema.edits import Delete, commit
from nwb_schema.errors import SampleError
from nwb_schema.movie_file import MovieFileWriter
from nwb_schema.project import Project
from nwb_schema.reader import read_rois, registered_movie_path
from nwb_schema.writer import write_sample
from pipeline.engines.builtin.cnmfe.ring import RingBackground
from pipeline.movies import open_movie
from pipeline.results import read_results, read_ring
from pipeline.results_file import RingWeights, write_results
from pipeline.viewing.reconstruction import COMPUTED, LowRank, Model, cells, computed, read_model
from pipeline.viewing.views import open_view
from tests.nwb_schema.made_samples import (
    HEIGHT,
    N_FRAMES,
    WIDTH,
    made_metadata,
    made_movie,
    made_provenance,
    made_sample,
    made_segmentation,
)
from tests.pipeline.test_results_file import make_results

FIELD = (10, 17)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.create(tmp_path_factory.mktemp("views") / "project")


@pytest.fixture(scope="module")
def one_photon(project: Project) -> tuple[Path, Path]:
    return one_photon_sample(project)


def model_of(background: LowRank | RingBackground | None, n_frames: int = 12) -> Model:
    rng = np.random.default_rng(4)
    footprints = rng.random((3, FIELD[0] * FIELD[1])).astype(np.float32)
    footprints[footprints < 0.8] = 0
    return Model(FIELD, sparse.csr_array(footprints), rng.random((3, n_frames)).astype(np.float32), background)


def ring_of(ssub: int) -> RingBackground:
    rng = np.random.default_rng(2)
    small = (-(-FIELD[0] // ssub), -(-FIELD[1] // ssub))
    weights = rng.random((small[0] * small[1],) * 2).astype(np.float32)
    weights[weights < 0.9] = 0
    return RingBackground(FIELD, ssub, sparse.csr_array(weights * 0.05), rng.random(FIELD[0] * FIELD[1]).astype("f4"))


def test_cells_are_footprints_times_traces() -> None:
    model = model_of(None)

    found = cells(model, 3, 8)

    expected = np.einsum("np,nt->tp", model.footprints.toarray(), model.traces[:, 3:8]).reshape(5, *FIELD)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("kind", ["low rank", "ring", "reduced ring"])
def test_views_add_up_to_the_movie(kind: str) -> None:
    rng = np.random.default_rng(1)
    low_rank = LowRank(rng.random((2, FIELD[0] * FIELD[1])).astype("f4"), rng.random((2, 12)).astype("f4"))
    model = model_of({"low rank": low_rank, "ring": ring_of(1), "reduced ring": ring_of(2)}[kind])
    movie = (100 * rng.random((4, *FIELD))).astype(np.float32)

    view = {name: computed(name, model, movie, 5) for name in COMPUTED}

    np.testing.assert_allclose(view["background_subtracted"] + view["background"], movie, rtol=1e-4)
    np.testing.assert_allclose(view["residual"] + view["reconstructed"] + view["background"], movie, rtol=1e-4)
    np.testing.assert_allclose(view["reconstructed"], cells(model, 5, 9))


def test_background_of_low_rank_is_images_times_their_traces() -> None:
    rng = np.random.default_rng(1)
    background = LowRank(rng.random((2, FIELD[0] * FIELD[1])).astype("f4"), rng.random((2, 12)).astype("f4"))

    found = computed("background", model_of(background), np.zeros((3, *FIELD), np.float32), 6)

    np.testing.assert_allclose(found, (background.traces.T @ background.images)[6:9].reshape(3, *FIELD), rtol=1e-5)


def test_ring_background_is_predicted_from_what_the_cells_leave() -> None:
    ring = ring_of(1)
    model = model_of(ring)
    movie = (100 * np.random.default_rng(1).random((3, *FIELD))).astype(np.float32)

    found = computed("background", model, movie, 2)

    left = movie.reshape(3, -1) - cells(model, 2, 5).reshape(3, -1) - ring.offset
    expected = ring.offset + left @ ring.weights.toarray().T
    np.testing.assert_allclose(found.reshape(3, -1), expected, rtol=1e-3, atol=1e-3)


def test_view_without_a_background_is_refused() -> None:
    with pytest.raises(ValueError, match="background"):
        computed("residual", model_of(None), np.zeros((1, *FIELD), np.float32), 0)


def test_model_of_a_sample_is_what_was_found_in_its_movie(project: Project) -> None:
    segmentation = made_segmentation()
    path = made_sample(project, segmentation=segmentation)

    view = open_view(project, path, "residual")

    frames = made_movie(project, str(uuid.uuid4()))[1][7:10].astype(np.float64)
    assert segmentation.denoised is not None
    assert segmentation.background_footprints is not None
    assert segmentation.background_traces is not None
    active = segmentation.denoised.T @ segmentation.footprints.toarray()
    background = segmentation.background_traces.T @ segmentation.background_footprints
    expected = frames - (active + background)[7:10].reshape(3, HEIGHT, WIDTH)
    np.testing.assert_allclose(view.read(7, 10), expected, rtol=1e-3, atol=1e-2)
    assert view.shape == (N_FRAMES, HEIGHT, WIDTH)
    view.close()


def test_deleted_cells_explain_nothing_and_a_movie_of_another_length_is_refused(project: Project) -> None:
    path = made_sample(project, session="s2")
    before = read_model(project, path)
    uuids = read_rois(path)["roi_uuid"]

    commit(project, path, Delete((uuids[1],)), actor="me")

    after = read_model(project, path)
    assert before.footprints.shape[0] - after.footprints.shape[0] == 1
    np.testing.assert_array_equal(after.traces, np.delete(before.traces, 1, axis=0))

    other, _ = made_movie(project, "other", n_frames=N_FRAMES + 1)
    other.rename(registered_movie_path(path))
    with pytest.raises(SampleError, match="frames"):
        open_view(project, path, "reconstructed")


def test_sample_without_denoised_traces_is_refused(project: Project) -> None:
    path = made_sample(project, session="s3", segmentation=made_segmentation(traces=False))

    with pytest.raises(SampleError, match="denoised"):
        open_view(project, path, "reconstructed")


def one_photon_sample(project: Project) -> tuple[Path, Path]:
    """A sample whose background is in its results file alone, and that file."""
    results = replace(make_results(), ring=None)
    height, width = results.shape
    weights = sparse.csr_array(np.random.default_rng(3).random((height * width,) * 2) > 0.95, dtype=np.float32)
    offset = np.arange(height * width, dtype=np.float32)
    parameters = {**results.parameters, "init": {**results.parameters["init"], "ssub_B": 1}}
    ring = RingWeights(sparse.csr_array(weights * 0.01), (height, width), offset)
    identifier = str(uuid.uuid4())
    kept = project.batch_dir / identifier / "results.hdf5"
    kept.parent.mkdir()
    write_results(kept, replace(results, ring=ring, parameters=parameters))
    path = project.sample_path("m1", "1p")
    segmentation = read_results(kept)
    frames = np.random.default_rng(3).integers(0, 4000, (50, height, width)).astype(np.uint16)
    movie = project.movie_path(identifier)
    with MovieFileWriter(movie, n_frames=50, height=height, width=width, dtype=np.uint16, rate_hz=7.5) as writer:
        writer.write(0, frames)
    write_sample(
        path,
        identifier=identifier,
        metadata=made_metadata(one_photon=True),
        segmentation=segmentation,
        provenance=made_provenance(job_id=identifier),
        registered_movie=movie,
        shifts=None,
    )
    return path, kept


def test_ring_is_read_back_as_it_was_written(one_photon: tuple[Path, Path]) -> None:
    _, kept = one_photon

    ring = read_ring(kept)

    assert ring is not None
    assert ring.small_shape == (11, 17)
    np.testing.assert_array_equal(ring.offset, np.arange(11 * 17))
    weights = np.random.default_rng(3).random((11 * 17,) * 2) > 0.95
    np.testing.assert_allclose(ring.weights.toarray(), 0.01 * weights, rtol=1e-6)


def test_ring_of_our_first_versions_was_stored_by_rows(one_photon: tuple[Path, Path], tmp_path: Path) -> None:
    old = tmp_path / "old.hdf5"
    shutil.copy(one_photon[1], old)
    with h5py.File(old, "r+") as file:
        del file["fluorite"].attrs["ring_stored"]

    before, after = read_ring(old), read_ring(one_photon[1])

    assert before is not None
    assert after is not None
    np.testing.assert_allclose(before.weights.toarray(), after.weights.toarray().T)


def test_ring_that_caiman_saved_explains_its_movie(shared_data: Path) -> None:
    results = shared_data / "caiman" / "onephoton_caiman.hdf5"
    found, ring = read_results(results), read_ring(results)
    assert ring is not None
    assert found.denoised is not None
    background = RingBackground((112, 144), 2, ring.weights, ring.offset)
    model = Model((112, 144), found.footprints, found.denoised, background)
    turned = replace(model, background=replace(background, weights=sparse.csr_array(ring.weights.T)))
    with open_movie(shared_data / "movies" / "onephoton.tif") as movie:
        frames = {number: movie.read(number, number + 1).astype(np.float32) for number in range(0, 1000, 50)}

    left, left_if_turned = (
        np.concatenate([computed("residual", which, frame, number) for number, frame in frames.items()]).std(axis=0)
        for which in (model, turned)
    )

    # Not registered, so that motion is left as well.
    assert left.mean() < 0.6 * left_if_turned.mean()
    assert left.mean() < 0.6 * np.concatenate(list(frames.values())).std(axis=0).mean()


def test_background_of_a_one_photon_movie_is_read_from_its_results_file(
    project: Project, one_photon: tuple[Path, Path]
) -> None:
    path, kept = one_photon

    view = open_view(project, path, "background_subtracted")
    found = view.read(4, 6)
    view.close()

    model = read_model(project, path)
    ring = read_ring(kept)
    assert ring is not None
    movie = open_view(project, path)
    frames = movie.read(4, 6).astype(np.float32)
    movie.close()
    left = frames.reshape(2, -1) - cells(model, 4, 6).reshape(2, -1) - ring.offset
    expected = frames.reshape(2, -1) - (ring.offset + left @ ring.weights.toarray().T)
    np.testing.assert_allclose(found.reshape(2, -1), expected, rtol=1e-3, atol=0.05)


def test_background_that_went_with_its_results_file_is_missed_in_words(
    project: Project, one_photon: tuple[Path, Path]
) -> None:
    path, kept = one_photon
    kept.rename(kept.with_name("elsewhere.hdf5"))

    with pytest.raises(SampleError, match=r"batch/.*/results\.hdf5 is not there any more"):
        open_view(project, path, "residual")
    cells_alone = open_view(project, path, "reconstructed")
    assert cells_alone.read(0, 1).shape == (1, 11, 17)
    cells_alone.close()
    kept.with_name("elsewhere.hdf5").rename(kept)
