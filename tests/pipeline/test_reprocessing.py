"""What is looked at before the cells of a sample are found anew; `tests/fluorite` finds them."""

from __future__ import annotations

import pytest

from nwb_schema.errors import ParameterError, SampleError
from nwb_schema.project import Project
from pipeline.movies.registered import RegisteredMovie
from pipeline.reprocessing import ReprocessRequest, check_reprocess
from tests.app.small_project import HEIGHT, N_FRAMES, RATE_HZ, WIDTH, MadeSample, add_sample, simulate


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, MadeSample]:
    project = Project.create(tmp_path_factory.mktemp("again") / "project")
    return project, add_sample(project, simulate())


def test_registered_movie_is_a_movie_as_it_was_recorded(made: tuple[Project, MadeSample]) -> None:
    project, sample = made
    movie = RegisteredMovie(project.movie_path(sample.identifier))

    assert (movie.shape, movie.rate_hz, movie.axes) == ((N_FRAMES, HEIGHT, WIDTH), RATE_HZ, "TYX")
    assert (movie.read(3, 5) == sample.simulation.frames[3:5]).all()
    movie.close()


def test_what_cannot_be_done_is_refused_before_a_job_exists(made: tuple[Project, MadeSample]) -> None:
    project, sample = made
    assert check_reprocess(project, ReprocessRequest(sample=sample.identifier, engine="builtin")) == sample.path
    with pytest.raises(ParameterError, match="gSigg"):
        check_reprocess(project, ReprocessRequest(sample=sample.identifier, parameters={"gSigg": 3}))
    with pytest.raises(SampleError, match="no such sample"):
        check_reprocess(project, ReprocessRequest(sample="gone"))
    bare = add_sample(project, sample.simulation, session="bare", with_movie=False)
    with pytest.raises(SampleError, match="has no movie"):
        check_reprocess(project, ReprocessRequest(sample=bare.identifier))
