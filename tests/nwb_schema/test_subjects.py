"""The table of subjects, and what of it and of the lab's defaults gets into a sample."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nwb_schema.errors import MetadataError
from nwb_schema.metadata import SampleMetadata, build_metadata
from nwb_schema.project import Project
from nwb_schema.subjects import SUBJECT_FIELDS, import_subjects, read_subjects, write_subjects

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TABLE = {"m1": {"subject_id": "m1", "sex": "male", "species": "mouse", "date_of_birth": "2025-09-01", "strain": "B6"}}
DEFAULTS = {"indicator": "GCaMP6f", "lab": "Lab", "experimenter": ["Doe, Jane"], "device": "Scope"}


def built(**changes: Any) -> SampleMetadata:
    return build_metadata(**{"subject": "m1", "session": "s1", "now": NOW, **changes})


def test_a_table_is_taken_in_and_comes_out_again(project: Project, tmp_path: Path) -> None:
    source = tmp_path / "animals.csv"
    source.write_text("Sex;Subject_ID;Age\nF;m1;90 days\n\nmale;=m2;P12W\n", encoding="utf-8-sig")
    import_subjects(project.subjects_path, source)
    write_subjects(tmp_path / "out.csv", read_subjects(project.subjects_path).values())

    expected = {
        "m1": {"subject_id": "m1", "sex": "F", "age": "90 days"},
        "=m2": {"subject_id": "=m2", "sex": "male", "age": "P12W"},
    }
    assert read_subjects(project.subjects_path) == read_subjects(tmp_path / "out.csv") == expected


def test_taking_in_again_adds_and_empties_nothing(project: Project, tmp_path: Path) -> None:
    source = tmp_path / "animals.csv"
    source.write_text("subject_id,sex,weight\nm1,F,25 g\n")
    import_subjects(project.subjects_path, source)
    source.write_text("subject_id,sex,weight,strain\nm1,M,,B6\nm2,,,\n")
    subjects = import_subjects(project.subjects_path, source)

    assert subjects["m1"] == {"subject_id": "m1", "sex": "M", "weight": "25 g", "strain": "B6"}
    assert subjects == read_subjects(project.subjects_path)
    assert sorted(subjects) == ["m1", "m2"]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("subject,sex\nm1,F\n", "unknown column 'subject'.*Did you mean subject_id"),
        ("sex\nF\n", "no column subject_id"),
        ("subject_id,sex\n,F\n", "row 2 has no subject_id"),
        ("subject_id,sex\nm1,F\nm1,M\n", "row 3 is the second"),
        ("subject_id,sex\nm1,F\nm2,perhaps\n", "row 3.*sex cannot be 'perhaps'"),
        ("subject_id,age\nm1,old\n", "row 2.*age"),
        ("subject_id,sex\nm1,F,x\n", "row 2 has more cells"),
    ],
)
def test_a_table_that_cannot_be_is_refused_whole(project: Project, tmp_path: Path, text: str, cause: str) -> None:
    write_subjects(project.subjects_path, TABLE.values())
    before = project.subjects_path.read_bytes()
    source = tmp_path / "animals.csv"
    source.write_text(text)
    with pytest.raises(MetadataError, match=cause):
        import_subjects(project.subjects_path, source)
    assert project.subjects_path.read_bytes() == before


def test_bytes_that_are_no_text_are_refused(project: Project, tmp_path: Path) -> None:
    source = tmp_path / "animals.csv"
    source.write_bytes(b"\xff\xfe\x00subject_id")
    with pytest.raises(MetadataError, match="UTF-8"):
        import_subjects(project.subjects_path, source)
    with pytest.raises(MetadataError, match="no such file"):
        import_subjects(project.subjects_path, tmp_path / "missing.csv")


_cell = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12).map(str.strip)


@settings(deadline=None, max_examples=60)
@given(descriptions=st.lists(st.one_of(_cell, _cell.map("={}".format), _cell.map("'=".__add__)), max_size=5))
def test_any_text_survives_and_no_cell_is_a_formula(
    tmp_path_factory: pytest.TempPathFactory, descriptions: list[str]
) -> None:
    path = tmp_path_factory.mktemp("subjects") / "subjects.csv"
    subjects = {
        f"m{number}": {"subject_id": f"m{number}", **({"description": text} if text else {})}
        for number, text in enumerate(descriptions)
    }
    write_subjects(path, subjects.values())
    assert read_subjects(path) == subjects
    with path.open(encoding="utf-8", newline="") as file:
        assert not [cell for row in csv.reader(file) for cell in row if cell[:1] in tuple("=+-@\t\r") and cell]


def test_a_recording_of_a_known_subject_needs_no_typing() -> None:
    metadata = built(subjects=TABLE, lab_defaults=DEFAULTS)

    assert (metadata.sex, metadata.species, metadata.strain) == ("M", "Mus musculus", "B6")
    assert metadata.date_of_birth is not None
    assert (metadata.indicator, metadata.lab, metadata.device_name) == ("GCaMP6f", "Lab", "Scope")
    assert metadata.experimenter == ("Doe, Jane",)
    assert "Subject.sex" not in metadata.not_given
    assert "Subject.age" not in metadata.not_given
    assert "ImagingPlane.indicator" not in metadata.not_given
    assert any("table of subjects: sex" in note for note in metadata.notes)
    assert any("lab defaults: indicator, lab" in note for note in metadata.notes)


def test_what_was_said_of_this_recording_counts_most() -> None:
    overrides = {
        "NWBFile": {"lab": "Other lab"},
        "Subject": {"sex": "F"},
        "Ophys": {"ImagingPlane": [{"indicator": "jGCaMP8s"}]},
    }
    metadata = built(subjects=TABLE, lab_defaults=DEFAULTS, overrides=overrides)

    assert (metadata.sex, metadata.indicator, metadata.lab) == ("F", "jGCaMP8s", "Other lab")
    assert metadata.species == "Mus musculus"
    assert not any("indicator" in note for note in metadata.notes)


def test_the_table_counts_more_than_the_movie_and_the_movie_more_than_the_defaults() -> None:
    metadata = built(
        subjects=TABLE,
        lab_defaults=DEFAULTS,
        movie_subject={"sex": "F", "genotype": "wt"},
        movie_source="ScanImage",
    )
    assert (metadata.sex, metadata.genotype) == ("M", "wt")
    assert any("The movie says sex = 'F'" in note for note in metadata.notes)
    assert metadata.device_description == "Recorded with ScanImage"


def test_the_subject_may_be_named_by_the_metadata_file() -> None:
    overrides = {"Subject": {"subject_id": "m1"}}
    assert built(subject=None, overrides=overrides, subjects=TABLE).sex == "M"


def test_a_subject_that_the_table_lacks_is_noted() -> None:
    metadata = built(subject="m9", subjects=TABLE)
    assert metadata.sex == "U"
    assert any("does not have this subject" in note for note in metadata.notes)


def test_every_column_of_the_table_fills_a_field() -> None:
    row = {
        "subject_id": "m1",
        "sex": "F",
        "species": "rat",
        "age": "P9W",
        "date_of_birth": "2025-09-01",
        "genotype": "wt",
        "strain": "LE",
        "weight": "300 g",
        "description": "Long-Evans",
    }
    assert list(row) == list(SUBJECT_FIELDS)
    metadata = built(subjects={"m1": row})
    assert [getattr(metadata, field) for field in SUBJECT_FIELDS.values()][1:4] == ["F", "Rattus norvegicus", "P9W"]
    assert (metadata.weight, metadata.subject_description) == ("300 g", "Long-Evans")
