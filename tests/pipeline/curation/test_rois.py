"""Merging what was one cell gives that cell again; splitting what were two gives both; drawing one finds its trace."""

from __future__ import annotations

import uuid
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from nwb_schema.edits import redo, undo
from nwb_schema.errors import EditError
from nwb_schema.movie_file import MovieFileWriter
from nwb_schema.project import Project
from nwb_schema.pynwb_check import schema_problems
from nwb_schema.reader import read_footprints, read_rois, read_summary, read_traces
from nwb_schema.segmentation import Segmentation
from nwb_schema.writer import write_sample
from pipeline.curation.merging import merged
from pipeline.curation.neuropil import Neuropil
from pipeline.curation.rois import add_rois, merge_rois, split_roi
from pipeline.curation.splitting import parts_of
from pipeline.curation.traces import all_traces, rings
from tests.nwb_schema.made_samples import made_metadata, made_provenance

HEIGHT, WIDTH, N_FRAMES, RATE_HZ = 32, 52, 400, 10.0
LEVEL = 100.0


def transients(seed: int) -> NDArray[np.float64]:
    """Calcium that rises at random and decays."""
    rng = np.random.default_rng(seed)
    spikes = (rng.uniform(size=N_FRAMES) < 0.03) * rng.uniform(0.5, 1.5, N_FRAMES)
    calcium = np.zeros(N_FRAMES)
    for frame in range(1, N_FRAMES):
        calcium[frame] = 0.9 * calcium[frame - 1] + spikes[frame]
    return calcium


def disc(y: float, x: float, radius: float = 4) -> NDArray[np.float32]:
    grid_y, grid_x = np.mgrid[:HEIGHT, :WIDTH]
    return (((grid_y - y) ** 2 + (grid_x - x) ** 2) <= radius**2).astype(np.float32)


CELLS = np.stack([disc(10, 12), disc(20, 36), disc(20, 43)])
"""One cell for itself, and two that lie close together."""
CALCIUM = np.stack([transients(seed) for seed in (1, 2, 3)])


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample in which the first cell was found in two halves, and the other two cells as one."""
    project = Project.create(tmp_path_factory.mktemp("made") / "project")
    identifier = str(uuid.uuid4())
    rng = np.random.default_rng(9)
    background = LEVEL * (1 + 0.1 * np.sin(np.arange(N_FRAMES) / 40))
    movie = background[:, None, None] + np.einsum("ct,cyx->tyx", 40 * CALCIUM, CELLS)
    movie = (movie + rng.normal(0, 2, movie.shape)).astype(np.float32)
    path = project.movie_path(identifier)
    with MovieFileWriter(
        path, n_frames=N_FRAMES, height=HEIGHT, width=WIDTH, dtype=np.float32, rate_hz=RATE_HZ
    ) as writer:
        writer.write(0, movie)
    left = CELLS[0] * (np.arange(WIDTH) < 12)
    footprints = np.stack([left, CELLS[0] - left, CELLS[1] + CELLS[2]]).reshape(3, -1)
    footprints /= np.linalg.norm(footprints, axis=1, keepdims=True)
    raw = footprints @ (movie - background[:, None, None]).reshape(N_FRAMES, -1).T
    behind = (footprints.sum(axis=1)[:, None] * background[None]).astype(np.float64)
    segmentation = Segmentation(
        shape=(HEIGHT, WIDTH),
        footprints=sparse.csr_array(footprints.astype(np.float32)),
        rate_hz=RATE_HZ,
        accepted=np.ones(3, bool),
        evaluated=True,
        images={"mean": movie.mean(axis=0)},
        **all_traces(raw.astype(np.float32), behind),
    )
    sample = project.sample_path("m1", "s1")
    write_sample(
        sample,
        identifier=identifier,
        metadata=made_metadata(subject="m1", session="s1"),
        segmentation=segmentation,
        provenance=made_provenance(),
        registered_movie=path,
        shifts=None,
    )
    return project.folder


@pytest.fixture
def project(_made: Path, tmp_path: Path) -> Project:
    import shutil

    return Project.open(shutil.copytree(_made, tmp_path / "project"))


@pytest.fixture
def sample(project: Project) -> Path:
    return project.sample_path("m1", "s1")


@pytest.fixture
def rois(sample: Path) -> list[str]:
    return list(read_rois(sample)["roi_uuid"])


def correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    return float(np.corrcoef(one, other)[0, 1])


def test_two_halves_of_a_cell_become_the_cell(project: Project, sample: Path, rois: list[str]) -> None:
    halves = read_traces(sample, "raw", [0, 1])
    footprints = read_footprints(sample)[[0, 1]].toarray()
    merge_rois(project, sample, rois[:2], actor="Ada")

    table = read_rois(sample)
    assert table["deleted"].tolist() == [True, True, False, False]
    whole = read_footprints(sample)[[3]].toarray()[0]
    assert set(np.flatnonzero(whole)) == set(np.flatnonzero(CELLS[0]))
    assert np.linalg.norm(whole) == pytest.approx(1, rel=0.01), "as the engine's footprints are"
    raw = read_traces(sample, "raw", [3])[0]
    together = footprints.T @ halves
    np.testing.assert_allclose(np.outer(whole, raw), together, atol=0.02 * np.abs(together).max() + 4)
    for kind, least in (("raw", 0.99), ("denoised", 0.98), ("dff", 0.99)):
        assert correlation(read_traces(sample, kind, [3])[0], CALCIUM[0]) > least, kind
    truth = 40 * CALCIUM[0] / LEVEL
    assert read_traces(sample, "dff", [3])[0].max() == pytest.approx(truth.max(), rel=0.15)
    assert (read_traces(sample, "deconvolved", [3]) >= 0).all()
    assert schema_problems(sample) == []


def test_merging_depends_on_neither_order_nor_scale() -> None:
    rng = np.random.default_rng(2)
    footprints = sparse.csr_array(CELLS[:2].reshape(2, -1))
    traces = {"raw": (CALCIUM[:2] + 0.05 * rng.normal(size=(2, N_FRAMES))).astype(np.float32)}
    footprint, found = merged(footprints, traces)
    other_footprint, other = merged(footprints[[1, 0]], {"raw": traces["raw"][::-1]})
    np.testing.assert_allclose(footprint.toarray(), other_footprint.toarray(), rtol=1e-5)
    np.testing.assert_allclose(found["raw"], other["raw"], atol=1e-5)
    assert set(found) == {"raw"}, "a kind that the parts lack is not made up"

    scale = np.array([[4.0], [0.5]])
    scaled_footprint, scaled = merged(
        sparse.csr_array(footprints.toarray() / scale), {"raw": (traces["raw"] * scale).astype(np.float32)}
    )
    np.testing.assert_allclose(scaled_footprint.T @ scaled["raw"], footprint.T @ found["raw"], rtol=1e-4, atol=1e-4)


def test_what_was_found_as_one_becomes_both_cells(project: Project, sample: Path, rois: list[str]) -> None:
    split_roi(project, sample, rois[2], actor="Ada")
    footprints = read_footprints(sample)[[3, 4]].toarray() > 0
    order = [0, 1] if footprints[0][np.flatnonzero(CELLS[1])[0]] else [1, 0]
    for row, cell in zip((3, 4), (1 + order[0], 1 + order[1]), strict=True):
        raw = read_traces(sample, "raw", [row])[0]
        assert correlation(raw, CALCIUM[cell]) > 0.98
        assert abs(correlation(raw, CALCIUM[3 - cell])) < 0.5
        dff = read_traces(sample, "dff", [row])[0]
        assert dff.max() == pytest.approx((40 * CALCIUM[cell] / LEVEL).max(), rel=0.2)
    undo(project, sample, actor="Ada")
    assert read_rois(sample)["deleted"].tolist() == [False, False, False, True, True]
    redo(project, sample, actor="Ada")
    assert read_rois(sample)["deleted"].tolist() == [False, False, True, False, False]


def test_without_a_movie_the_parts_keep_the_trace_of_the_whole(project: Project, sample: Path, rois: list[str]) -> None:
    (project.movies_dir / f"{next(project.movies_dir.iterdir()).name}").unlink()
    split_roi(project, sample, rois[2], actor="Ada", n_parts=3)
    raw = read_traces(sample, "raw")
    assert len(raw) == 6
    for row in (3, 4, 5):
        np.testing.assert_array_equal(raw[row], raw[2])
    parts = read_footprints(sample)[[3, 4, 5]].toarray().sum(axis=0)
    np.testing.assert_allclose(parts, read_footprints(sample)[[2]].toarray()[0])


def test_parts_are_pieces_or_compact_or_as_drawn() -> None:
    two = (disc(10, 12) + disc(20, 36)) / 2
    two[0, 51] = 0.01
    pieces = parts_of(two)
    assert [int((part > 0).sum()) for part in pieces] == [49, 50], "a stray pixel is no cell and goes to the nearest"
    compact = parts_of(disc(10, 12), 3)
    np.testing.assert_array_equal(compact.sum(axis=0), disc(10, 12))
    np.testing.assert_array_equal(compact, parts_of(disc(10, 12), 3))
    left = np.broadcast_to(np.arange(WIDTH) < 12, (HEIGHT, WIDTH))
    drawn = parts_of(disc(10, 12), masks=np.stack([left, ~left]))
    np.testing.assert_array_equal(drawn[0], disc(10, 12) * left)
    with pytest.raises(EditError, match="mask 2 covers none"):
        parts_of(disc(10, 12), masks=np.stack([left, np.zeros_like(left)]))
    with pytest.raises(EditError, match="cannot be split"):
        parts_of(disc(10, 12, 0.5))


def test_a_drawn_cell_gets_the_mean_of_the_movie(project: Project, sample: Path) -> None:
    add_rois(project, sample, CELLS[[1]] > 0, actor="Ada")
    raw = read_traces(sample, "raw", [3])[0]
    assert raw.mean() == pytest.approx(LEVEL + 40 * CALCIUM[1].mean(), rel=0.05)
    assert correlation(raw, CALCIUM[1]) < 0.97, "the background is in it"

    add_rois(project, sample, CELLS[[1]] > 0, actor="Ada", neuropil=Neuropil(1.0))
    clean = read_traces(sample, "raw", [4])[0]
    assert correlation(clean, CALCIUM[1]) > 0.99
    assert np.median(clean) == pytest.approx(LEVEL, rel=0.1), "the level stays, so that dF/F has a baseline"
    assert read_traces(sample, "dff", [4])[0].max() == pytest.approx((40 * CALCIUM[1] / LEVEL).max(), rel=0.15)
    assert read_rois(sample)["roi_origin"].tolist()[3:] == ["manual", "manual"]


def test_a_ring_keeps_away_from_rois() -> None:
    masks = sparse.csr_array(CELLS[[1]].reshape(1, -1))
    others = sparse.csr_array(CELLS[[2]].reshape(1, -1))
    ring = rings(masks, (HEIGHT, WIDTH), others, Neuropil(1, 2, 5)).toarray().reshape(HEIGHT, WIDTH)
    assert ring.sum() == pytest.approx(1)
    assert not (ring * (CELLS[1] + CELLS[2])).any()
    y, x = np.nonzero(ring)
    distance = np.hypot(y - 20, x - 36)
    assert distance.min() > 5
    assert distance.max() < 10.5


def test_masks_that_do_not_fit_are_refused(project: Project, sample: Path, rois: list[str]) -> None:
    content = sample.read_bytes()
    for masks in (np.ones((1, WIDTH, HEIGHT), bool), np.zeros((1, HEIGHT, WIDTH), bool)):
        with pytest.raises(EditError, match="the masks"):
            add_rois(project, sample, masks, actor="Ada")
    with pytest.raises(EditError, match="two or more"):
        merge_rois(project, sample, [rois[0], rois[0]], actor="Ada")
    assert sample.read_bytes() == content


def test_a_cell_of_a_volume_is_split(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "volumes")
    identifier, shape = str(uuid.uuid4()), (18, 25, 4)
    dense = np.zeros((1, *shape), np.float32)
    dense[0, 2:6, 3:9, 0] = dense[0, 12:16, 3:9, 3] = 1
    rng = np.random.default_rng(3)
    movie = rng.normal(5, 0.1, (N_FRAMES, *shape)).astype(np.float32)
    movie[:, 2:6, 3:9, 0] += CALCIUM[0][:, None, None]
    movie[:, 12:16, 3:9, 3] += CALCIUM[1][:, None, None]
    path = project.movie_path(identifier)
    with MovieFileWriter(
        path, n_frames=N_FRAMES, height=18, width=25, depth=4, dtype=np.float32, rate_hz=RATE_HZ
    ) as writer:
        writer.write(0, movie)
    raw = (movie.reshape(N_FRAMES, -1) @ (dense.reshape(1, -1) / dense.sum()).T).T.astype(np.float32)
    sample = project.sample_path("m1", "s1")
    write_sample(
        sample,
        identifier=identifier,
        metadata=made_metadata(subject="m1", session="s1"),
        segmentation=Segmentation(
            shape=shape,
            footprints=sparse.csr_array(dense.reshape(1, -1)),
            rate_hz=RATE_HZ,
            accepted=np.ones(1, bool),
            evaluated=True,
            images={},
            **all_traces(raw),
        ),
        provenance=made_provenance(),
        registered_movie=path,
        shifts=None,
    )
    split_roi(project, sample, read_rois(sample)["roi_uuid"][0], actor="Ada")
    found = read_traces(sample, "raw", [1, 2])
    assert [correlation(found[0], CALCIUM[0]) > 0.9, correlation(found[1], CALCIUM[1]) > 0.9] == [True, True]
    assert abs(correlation(found[0], CALCIUM[1])) < 0.3


def test_masks_that_fit_no_frame_are_refused(project: Project, sample: Path, rois: list[str]) -> None:
    turned = np.ones((2, WIDTH, HEIGHT), bool)
    with pytest.raises(EditError, match="have the shape"):
        split_roi(project, sample, rois[2], masks=turned, actor="Ada")
    for weight in (np.nan, np.inf, -0.5):
        masks = CELLS[:1].copy()
        masks[0, 10, 12] = weight
        with pytest.raises(EditError, match="negative or not numbers"):
            add_rois(project, sample, masks, actor="Ada")


def test_a_part_without_traces_makes_no_traces_up(project: Project, sample: Path, rois: list[str]) -> None:
    movie = project.movie_path(read_summary(sample).identifier)
    movie.rename(movie.with_suffix(".away"))
    add_rois(project, sample, CELLS[:1], actor="Ada")
    merge_rois(project, sample, (rois[0], read_rois(sample)["roi_uuid"][3]), actor="Ada")
    for kind in ("raw", "denoised", "deconvolved", "dff"):
        assert np.isnan(read_traces(sample, kind, [4])).all(), kind
