from __future__ import annotations

import uuid
from pathlib import Path

import numpy as np
import pytest
import tifffile

from nwb_schema.errors import MovieError
from nwb_schema.project import Project
from nwb_schema.writer import write_sample
from pipeline.jobs.ledger import Ledger
from pipeline.movies.digest import files_sha256
from pipeline.viewing import raw_movie
from pipeline.viewing.frames import note_of
from pipeline.viewing.views import open_view
from tests.nwb_schema.made_samples import (
    HEIGHT,
    N_FRAMES,
    RATE_HZ,
    WIDTH,
    made_metadata,
    made_movie,
    made_provenance,
    made_segmentation,
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.create(tmp_path_factory.mktemp("raw") / "project")


FRAMES = np.random.default_rng(9).integers(0, 999, (N_FRAMES, HEIGHT, WIDTH)).astype(np.uint16)


def write_raw(path: Path, frames: np.ndarray = FRAMES) -> Path:
    # Without the time of writing, so that the same frames are the same bytes.
    tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "TYX"}, datetime=False)
    return path


@pytest.fixture
def raw(project: Project) -> Path:
    return write_raw(project.folder.parent / "recording.tif")


@pytest.fixture(scope="module")
def sample(project: Project) -> Path:
    """The sample of a job that is in the ledger."""
    raw = write_raw(project.folder.parent / "recording.tif")
    spec = {"movies": [str(raw)], "movie": {"axes": "TYX"}}
    return sample_of(project, raw, Ledger(project).add("process", spec, title="recording", actor="me").id)


def sample_of(project: Project, raw: Path, identifier: str) -> Path:
    path = project.sample_path("m1", identifier[:8])
    write_sample(
        path,
        identifier=identifier,
        metadata=made_metadata(session=identifier[:8]),
        segmentation=made_segmentation(1),
        provenance=made_provenance(input_files=(str(raw),), input_sha256=files_sha256([raw])),
        registered_movie=made_movie(project, identifier)[0],
        shifts=None,
    )
    return path


def test_raw_movie_is_found_where_it_was(project: Project, raw: Path, sample: Path) -> None:
    without_job = sample_of(project, raw, str(uuid.uuid4()))

    for path in (sample, without_job):
        view = open_view(project, path, "raw")
        np.testing.assert_array_equal(view.read(3, 5), FRAMES[3:5])
        assert view.shape == (N_FRAMES, HEIGHT, WIDTH)
        assert view.rate_hz == RATE_HZ
        assert note_of(view) == ""
        assert raw_movie.raw_movie_problem(project, path) is None
        view.close()


def test_raw_movie_that_is_gone_is_missed_in_words(project: Project, raw: Path, sample: Path) -> None:
    raw.unlink()

    assert "recording.tif is not there any more" in (raw_movie.raw_movie_problem(project, sample) or "")
    with pytest.raises(MovieError, match="not there any more"):
        open_view(project, sample, "raw")


def test_another_movie_of_that_name_is_refused(project: Project, raw: Path, sample: Path) -> None:
    frames = FRAMES.copy()
    frames[0, 0, 0] += 1
    write_raw(raw, frames)

    with pytest.raises(MovieError, match="digest differs"):
        open_view(project, sample, "raw")


def test_movie_of_another_size_is_refused_before_its_bytes_are_compared(
    project: Project, raw: Path, sample: Path
) -> None:
    write_raw(raw, FRAMES[:, 1:])

    with pytest.raises(MovieError, match=f"{N_FRAMES} x {HEIGHT - 1} x {WIDTH} .*{N_FRAMES} x {HEIGHT} x {WIDTH}"):
        open_view(project, sample, "raw")


def test_large_movie_is_shown_and_the_doubt_is_said(
    project: Project, raw: Path, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_movie, "COMPARED_BYTES", 100)
    frames = FRAMES.copy()
    frames[0, 0, 0] += 1
    write_raw(raw, frames)

    view = open_view(project, sample, "raw")

    assert "too large to compare" in note_of(view)
    view.close()


def test_sample_of_imported_results_says_that_there_was_no_raw_movie(project: Project, raw: Path) -> None:
    spec = {"results": "r.hdf5", "movie": str(raw), "raw_movie": False}
    path = sample_of(project, raw, Ledger(project).add("import", spec, title="results", actor="me").id)

    with pytest.raises(MovieError, match="imported with the registered movie"):
        open_view(project, path, "raw")
