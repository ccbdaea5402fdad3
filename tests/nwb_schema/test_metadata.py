"""Metadata: what is known is kept, what is missing is said, what NWB refuses is named before any work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from nwb_schema.errors import MetadataError
from nwb_schema.metadata import SampleMetadata, build_metadata, load_metadata_file

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def built(subject_fields: dict[str, Any] | None = None, **changes: Any) -> SampleMetadata:
    overrides = {"Subject": subject_fields or {}}
    return build_metadata(**{"subject": "m1", "session": "s1", "overrides": overrides, "now": NOW, **changes})


def test_what_nobody_gave_is_named_and_stands_as_placeholder() -> None:
    metadata = build_metadata(subject=None, session=None, default_session="movie", now=NOW)

    assert (metadata.subject_id, metadata.session_id) == ("unknown", "movie")
    assert (metadata.sex, metadata.age, metadata.indicator) == ("U", "P0D/", "unknown")
    assert isnan(metadata.excitation_lambda_nm)
    assert "ImagingPlane.indicator" in metadata.not_given
    assert any("ImagingPlane.location" in note for note in metadata.notes)


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("sex", "male", "M"),
        ("sex", "F", "F"),
        ("age", "90 days", "P90D"),
        ("age", "P12W", "P12W"),
        ("age", "P60D/P90D", "P60D/P90D"),
        ("species", "mouse", "Mus musculus"),
        ("species", "Danio rerio", "Danio rerio"),
        ("weight", 0.025, "0.025 kg"),
        ("weight", "25g", "25 g"),
    ],
)
def test_the_words_that_people_use_become_those_of_nwb(field: str, given: Any, kept: str) -> None:
    metadata = built({field: given})

    assert getattr(metadata, field) == kept
    changed = kept != str(given)
    assert any(repr(str(given)) in note for note in metadata.notes) is changed


@pytest.mark.parametrize(
    ("field", "value"), [("sex", "yes"), ("age", "adult"), ("species", "x"), ("weight", "heavy"), ("age", "P")]
)
def test_what_a_person_gave_and_nwb_refuses_is_an_error(field: str, value: str) -> None:
    with pytest.raises(MetadataError, match=f"Subject.{field}"):
        built({field: value})


def test_what_a_movie_says_and_nwb_refuses_is_a_note() -> None:
    metadata = built(movie_subject={"age": "adult", "sex": "female", "cage": "7"})

    assert (metadata.age, metadata.sex) == ("P0D/", "F")
    assert any("age = 'adult'" in note for note in metadata.notes)


def test_the_command_line_wins_over_the_file_and_the_file_over_the_movie() -> None:
    overrides = {"Subject": {"subject_id": "file", "sex": "M"}, "NWBFile": {"session_id": "file"}}
    metadata = build_metadata(
        subject="line", session=None, overrides=overrides, movie_subject={"subject_id": "movie", "sex": "F"}, now=NOW
    )
    assert (metadata.subject_id, metadata.session_id, metadata.sex) == ("line", "file", "M")


def test_the_layout_of_neuroconv_is_understood() -> None:
    overrides = {
        "NWBFile": {"experimenter": "Doe, Jane", "lab": "Lab", "keywords": ["a", "b"], "identifier": "x"},
        "Ophys": {
            "Device": [{"name": "Scope/1", "manufacturer": "Maker"}],
            "ImagingPlane": [
                {
                    "name": "ImagingPlane",
                    "device": "Scope/1",
                    "excitation_lambda": 920,
                    "grid_spacing": [2e-6, 1e-6],
                    "optical_channel": [{"name": "Green", "emission_lambda": 510.0}],
                }
            ],
            "TwoPhotonSeries": [{"name": "x"}],
        },
        "Behavior": {},
    }
    metadata = build_metadata(subject="m", session="s", overrides=overrides, now=NOW)

    assert metadata.experimenter == ("Doe, Jane",)
    assert (metadata.device_name, metadata.device_manufacturer) == ("Scope-1", "Maker")
    assert (metadata.excitation_lambda_nm, metadata.emission_lambda_nm) == (920.0, 510.0)
    assert metadata.grid_spacing_um == pytest.approx((1.0, 2.0))
    assert any("Behavior, Ophys.TwoPhotonSeries" in note for note in metadata.notes)


def test_a_misspelt_field_is_recognised() -> None:
    with pytest.raises(MetadataError, match="Did you mean species"):
        built({"spezies": "Mus musculus"})


def test_a_start_without_time_zone_gets_that_of_the_computer_and_a_note() -> None:
    given = datetime(2025, 3, 1, 12)
    metadata = built(overrides={"NWBFile": {"session_start_time": "2025-03-01T12:00:00"}})

    assert metadata.session_start_time == given.astimezone()
    assert metadata.session_start_time.tzinfo is not None
    assert metadata.session_start_time_source == "metadata"
    assert any("time zone" in note for note in metadata.notes)


def test_the_start_comes_from_the_best_source_there_is() -> None:
    movie, file_date = NOW - timedelta(days=3), NOW - timedelta(days=1)

    from_movie = built(movie_session_start=movie, file_date=file_date)
    assert (from_movie.session_start_time, from_movie.session_start_time_source) == (movie, "movie")
    from_file = built(movie_session_start=NOW + timedelta(days=1), file_date=file_date)
    assert (from_file.session_start_time, from_file.session_start_time_source) == (file_date, "file date")
    assert built(file_date=NOW + timedelta(hours=1)).session_start_time == NOW
    assert built().session_start_time_source == "import"


def test_a_start_in_the_future_is_refused() -> None:
    with pytest.raises(MetadataError, match="future"):
        built(overrides={"NWBFile": {"session_start_time": NOW + timedelta(days=2)}})


@pytest.mark.parametrize(
    "overrides",
    [
        {"Subject": ["a", "b"]},
        {"Subject": "mouse"},
        {"NWBFile": {"session_start_time": "yesterday"}},
        {"Ophys": {"ImagingPlane": {"excitation_lambda": 9.2e-7}}},
        {"Ophys": {"ImagingPlane": {"grid_spacing": [0, 1]}}},
        {"Ophys": {"ImagingPlane": {"grid_spacing": 3}}},
        {"Ophys": {"ImagingPlane": {"grid_spacing": [1, 1], "grid_spacing_unit": "feet"}}},
        {"NWBFile": {"lab": ["two", "labs"]}},
        {"Subject": {"genotype": "\0"}},
    ],
)
def test_values_that_cannot_be_used_are_refused(overrides: dict[str, Any]) -> None:
    with pytest.raises(MetadataError) as caught:
        built(overrides=overrides, source="meta.yaml")
    assert caught.value.file == "meta.yaml"


@pytest.mark.parametrize("content", [b"a: [1, 2", b"- a\n- b", b"\xff\xfe\x00", b"!!python/object:os.system {}"])
def test_a_bad_metadata_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "meta.yaml"
    path.write_bytes(content)
    with pytest.raises(MetadataError) as caught:
        load_metadata_file(path)
    assert caught.value.file == str(path)


def test_a_metadata_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "meta.yaml"
    path.write_text("Subject:\n  species: Mus musculus\n  date_of_birth: 2025-01-01\n", encoding="utf-8")
    metadata = build_metadata(subject="m", session="s", overrides=load_metadata_file(path), now=NOW)

    assert metadata.species == "Mus musculus"
    assert metadata.date_of_birth is not None
    assert metadata.date_of_birth.tzinfo is not None
    assert "Subject.age" not in metadata.not_given
    assert load_metadata_file(tmp_path / "meta.yaml")["Subject"]["species"] == "Mus musculus"


@pytest.mark.parametrize(("typed", "meant"), [("Subjekt", "Subject"), ("NWBfile", "NWBFile"), ("ophys", "Ophys")])
def test_a_misspelled_section_is_not_passed_over(typed: str, meant: str) -> None:
    with pytest.raises(MetadataError, match=f"section '{typed}'.*Did you mean {meant}"):
        build_metadata(subject="m1", session="s1", overrides={typed: {"sex": "F"}}, source="my.yaml")
