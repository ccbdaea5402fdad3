from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from app.adding import process_request
from app.adding.process_request import FormValues, request_values, submit_form
from nwb_schema import configure
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.errors import (
    FluoriteError,
    MetadataError,
    MissingRateError,
    MovieError,
    ParameterError,
    SampleExistsError,
)
from nwb_schema.project import Project
from nwb_schema.subjects import read_subjects
from pipeline.jobs import Ledger, submission
from pipeline.movies import open_movie
from pipeline.movies.rate import is_rate
from pipeline.parameter_sets import save_parameter_set
from pipeline.parameters import Parameters
from pipeline.process import sample_metadata
from pipeline.request import split_into_recordings

FORM = FormValues(
    movies="/data/a.tif", series=False, frame_rate="", preset="2p", engine="auto", subject=" m1 ", session=None
)


def test_empty_fields_are_left_to_the_movie() -> None:
    assert request_values(FORM) == {
        "movies": ["/data/a.tif"],
        "preset": "2p",
        "engine": "auto",
        "subject": "m1",
        "session": None,
        "movie": {"frame_rate_hz": None},
    }


def test_one_path_a_line_quotes_and_blank_lines_do_no_harm() -> None:
    form = replace(FORM, movies="\n '/data/a b.tif' \n\n\"/data/c.tif\"\n")

    assert request_values(form)["movies"] == ["/data/a b.tif", "/data/c.tif"]


@pytest.mark.parametrize("movies", [None, "", " \n "])
def test_no_movie_is_said(movies: str | None) -> None:
    with pytest.raises(MovieError, match="no file was chosen"):
        request_values(replace(FORM, movies=movies))


@pytest.mark.parametrize("rate", ["0", "-3", "fast", "nan", "inf"])
def test_impossible_rate_is_refused_with_what_was_typed(rate: str) -> None:
    with pytest.raises(ParameterError, match=f"'{rate}' is not a number above 0"):
        request_values(replace(FORM, frame_rate=rate))


@pytest.mark.parametrize("rate", ["0", "1e-3", "15.5", "1e999", "nan"])
def test_form_means_by_a_rate_what_the_movies_mean(rate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(process_request, "is_rate", lambda value: asked.append(value) or is_rate(value))
    if is_rate(float(rate)):
        request_values(replace(FORM, frame_rate=rate))
    else:
        with pytest.raises(ParameterError):
            request_values(replace(FORM, frame_rate=rate))
    assert len(asked) == 1


def test_decimal_comma_is_understood() -> None:
    assert request_values(replace(FORM, frame_rate="7,5"))["movie"] == {"frame_rate_hz": 7.5}


def test_missing_rate_points_at_the_field_and_starts_no_job(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    movie = tmp_path / "no_rate.tif"
    tifffile.imwrite(movie, np.zeros((5, 20, 30), np.uint16), photometric="minisblack", metadata={"axes": "TYX"})

    with pytest.raises(MissingRateError, match="field Frame rate"):
        submit_form(project, replace(FORM, movies=str(movie)))
    assert Ledger(project).jobs() == []


def test_one_bad_file_of_two_starts_no_job(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    movie = tmp_path / "good.tif"
    tifffile.imwrite(movie, np.zeros((120, 20, 30), np.uint16), photometric="minisblack", metadata={"axes": "TYX"})

    with pytest.raises(FluoriteError, match=r"gone\.tif"):
        submit_form(project, replace(FORM, movies=f"{movie}\n{tmp_path / 'gone.tif'}", frame_rate="10"))
    assert Ledger(project).jobs() == []


def test_advanced_fields_say_how_to_read_the_movie() -> None:
    form = replace(FORM, axes=" tzyx ", plane="2", channel="", dataset="/mov")

    assert request_values(form)["movie"] == {"frame_rate_hz": None, "axes": "TZYX", "plane": 2, "dataset": "/mov"}


@pytest.mark.parametrize("typed", ["red", "-1", "1.5", "²"])
def test_plane_that_is_no_number_is_refused_with_what_was_typed(typed: str) -> None:
    with pytest.raises(ParameterError, match=f"Channel: {typed!r} is not a whole number"):
        request_values(replace(FORM, channel=typed))


def test_axes_that_are_typed_reach_the_job_s_check(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    movie = tmp_path / "volume.tif"
    tifffile.imwrite(movie, np.zeros((130, 20, 30), np.uint16), photometric="minisblack", metadata={"axes": "TYX"})

    with pytest.raises(FluoriteError, match="--axes"):
        submit_form(project, replace(FORM, movies=str(movie), frame_rate="10", axes="TZYX"))
    assert Ledger(project).jobs() == []


def test_what_is_known_and_the_columns_go_where_the_command_puts_them(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    save_parameter_set(project, "dim cells", Parameters.preset("2p").updated({"gSig": 3}))
    details = {
        "age": " 90 days ",
        "indicator": "GCaMP8m",
        "emission": "510",
        "pixel_size": "1.2, 0.9",
        "experimenter": "Doe, Jane; Roe",
        "sex": "",
    }

    values = request_values(
        replace(FORM, details=details, custom={"drug": "ptz", "dose": ""}, parameters="dim cells"), project
    )

    assert values["metadata"] == {
        "NWBFile": {"experimenter": ["Doe, Jane", "Roe"]},
        "Subject": {"age": "90 days"},
        "Ophys": {
            "ImagingPlane": {
                "indicator": "GCaMP8m",
                "optical_channel": {"emission_lambda": "510"},
                "grid_spacing": [1.2, 0.9],
                "grid_spacing_unit": "micrometers",
            }
        },
    }
    assert values["custom"] == {"drug": "ptz"}
    assert tuple(values["parameters"]["init"]["gSig"]) == (3, 3)
    with pytest.raises(ParameterError, match="dim cells: is for recordings of the kind 2p"):
        request_values(replace(FORM, parameters="dim cells", preset="1p"), project)
    with pytest.raises(ParameterError, match="cannot be a file's name"):
        request_values(replace(FORM, parameters="../project"), project)


def test_pixel_size_of_the_form_is_that_of_the_sample(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    form = replace(FORM, movies=str(good_movie(tmp_path)), frame_rate="10", details={"pixel_size": "1.2, 0.9"})

    [request] = split_into_recordings(request_values(form, project), series=False)
    movie = open_movie([tmp_path / "good.tif"], frame_rate_hz=10)
    try:
        # Ours is (y, x).
        assert sample_metadata(project, request, movie).grid_spacing_um == pytest.approx((0.9, 1.2))
    finally:
        movie.close()


@pytest.mark.parametrize("typed", ["0", "nan", "1,2", "1.2e-6", "1, 2, 3, 4"])
def test_pixel_size_that_is_none_is_refused(typed: str) -> None:
    with pytest.raises(MetadataError, match=rf"Pixel size: '{typed}' cannot be used"):
        request_values(replace(FORM, details={"pixel_size": typed}))


def test_value_that_does_not_fit_its_column_starts_no_job(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    configure.add_column(project, ColumnDefinition("drug", ColumnKind.CUSTOM, vocabulary=("control", "ptz")))
    form = replace(FORM, movies=str(good_movie(tmp_path)), frame_rate="10")

    with pytest.raises(MetadataError, match=r"drug cannot be 'beer' \(the vocabulary is control, ptz\)"):
        submit_form(project, replace(form, custom={"drug": "beer"}))
    with pytest.raises(MetadataError, match=r"Subject\.age = 'old' cannot be used"):
        submit_form(project, replace(form, details={"age": "old"}))
    assert Ledger(project).jobs() == []


def test_name_that_waits_already_is_refused_when_it_is_submitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.create(tmp_path / "project")
    monkeypatch.setattr(submission, "start_child", lambda *_: Ended())
    form = replace(FORM, movies=str(good_movie(tmp_path)), frame_rate="10", session="s1")

    [job] = submit_form(project, form, actor="Ada")

    assert (job.actor, job.title) == ("Ada", "good.tif")
    with pytest.raises(SampleExistsError, match=r"good\.tif will be this sample already.*field Session"):
        submit_form(project, form)
    assert len(Ledger(project).jobs()) == 1


def test_animal_is_kept_in_the_table_of_subjects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project.create(tmp_path / "project")
    monkeypatch.setattr(submission, "start_child", lambda *_: Ended())
    form = replace(FORM, movies=str(good_movie(tmp_path)), frame_rate="10", remember=True)

    with pytest.raises(MetadataError, match="the animal has no id"):
        submit_form(project, replace(form, subject=" "))
    submit_form(project, replace(form, details={"sex": "F", "indicator": "GCaMP6f"}))

    assert read_subjects(project.subjects_path) == {"m1": {"subject_id": "m1", "sex": "F"}}


class Ended:
    """Stands for the process of a job."""

    def wait(self) -> int:
        return 0


def good_movie(folder: Path) -> Path:
    movie = folder / "good.tif"
    tifffile.imwrite(movie, np.zeros((120, 20, 30), np.uint16), photometric="minisblack", metadata={"axes": "TYX"})
    return movie
