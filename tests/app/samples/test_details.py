"""Metadata of a sample as a form, and the edits that a changed form asks for."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from app.samples.details import (
    custom_columns,
    custom_texts,
    edits_of,
    from_subjects_table,
    save_details,
    shown_fields,
)
from nwb_schema import configure
from nwb_schema.checks import check_sample
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.edits import undo
from nwb_schema.edits.change import Target
from nwb_schema.edits.fields import START_SOURCE
from nwb_schema.edits.sample_state import SampleState
from nwb_schema.edits.state_reading import read_state
from nwb_schema.errors import EditError
from nwb_schema.project import Project
from nwb_schema.reader import read_pixel_size_um, read_summary
from nwb_schema.subjects import change_subject
from tests.app.small_project import MadeSample


@pytest.fixture
def own(tmp_path: Path, sample_without_movie: MadeSample) -> tuple[Project, Path]:
    """A project of its own with a sample that nobody edited."""
    project = Project.create(tmp_path / "details")
    configure.add_column(project, ColumnDefinition("dose", ColumnKind.CUSTOM, ColumnType.DECIMAL))
    configure.add_column(project, ColumnDefinition("awake", ColumnKind.CUSTOM, ColumnType.YES_NO))
    path = project.samples_dir / sample_without_movie.path.name
    shutil.copyfile(sample_without_movie.path, path)
    return project, path


def shown(state: SampleState) -> dict[str, str]:
    return {field.name: field.text for field in shown_fields(state)}


def change(own: tuple[Project, Path], typed: dict[str, str], custom: dict[str, str] | None = None) -> str:
    project, path = own
    state, columns = read_state(path), custom_columns(project)
    before = custom_texts(columns, state)
    edits = edits_of(shown(state), {**shown(state), **typed}, before, {**before, **(custom or {})}, columns)
    return save_details(project, path, edits, actor="Ada", reason="checked", based_on=state.version)


def test_placeholders_are_shown_as_missing_and_empty(own: tuple[Project, Path]) -> None:
    fields = {field.name: field for field in shown_fields(read_state(own[1]))}

    assert (fields["imaging.indicator"].text, fields["imaging.indicator"].missing) == ("", True)
    assert fields["subject.age"].missing
    assert fields["session.session_description"].text
    assert not fields["session.session_description"].missing
    assert fields["session.session_start_time"].text.startswith("2026-03-04 10:12")


def test_species_is_needed_though_it_has_no_placeholder(own: tuple[Project, Path]) -> None:
    state = read_state(own[1])
    for species, missing in ((None, True), ("Mus musculus", False)):
        changed = replace(state, fields={**state.fields, "subject.species": species})
        assert {field.name: field.missing for field in shown_fields(changed)}["subject.species"] is missing


def test_only_what_was_changed_becomes_an_edit(own: tuple[Project, Path]) -> None:
    project, path = own
    assert change(own, {}) == "Nothing was changed."

    typed = {"subject.age": "90 days", "imaging.indicator": "GCaMP8m", "session.experimenter": "Doe, Jane; Roe, Max"}
    assert change(own, typed, {"dose": "2.5", "awake": "yes"}) == "Saved: 5 changes."

    state = read_state(path)
    assert state.fields["subject.age"] == "P90D"
    assert state.fields["session.experimenter"] == ["Doe, Jane", "Roe, Max"]
    assert custom_texts(custom_columns(project), state) == {"dose": "2.5", "awake": "yes"}
    assert not {field.name for field in shown_fields(state) if field.missing} & {"subject.age", "imaging.indicator"}
    # What was typed means the same as what is there now.
    assert change(own, {"subject.age": "90 days"}) == "Nothing was changed."


def test_start_that_nobody_gave_is_repaired_and_undone(own: tuple[Project, Path]) -> None:
    project, path = own
    before = read_state(path)

    change(own, {"session.session_start_time": "2026-03-01 14:30 UTC+01:00"})

    assert read_summary(path).session_start_time == "2026-03-01T14:30:00+01:00"
    state = read_state(path)
    assert state.fields["session.timestamps_reference_time"] == "2026-03-01T14:30:00+01:00"
    assert state.fields["fluorite.session_start_time_source"] == "metadata"
    assert not [one for one in check_sample(path).findings if one.check == "session-start"]
    assert shown(state)["session.session_start_time"] == "2026-03-01 14:30 UTC+01:00"
    undo(project, path, actor="Ada")
    assert read_state(path).fields == before.fields
    with pytest.raises(EditError, match="in the future"):
        change(own, {"session.session_start_time": "2999-01-01"})


def test_start_that_a_file_s_date_stands_for_is_confirmed_by_typing_it(own: tuple[Project, Path]) -> None:
    state = read_state(own[1])
    assumed = replace(state, fields={**state.fields, START_SOURCE.name: "file date"})

    start = {one.name: one for one in shown_fields(assumed)}["session.session_start_time"]
    assert (start.text, start.missing) == ("", True)
    assert start.stand_in.startswith("2026-03-04 10:12")

    [edit] = edits_of(shown(assumed), {**shown(assumed), start.name: start.stand_in}, {}, {}, ())
    assert Target("field", START_SOURCE.name) in [change.target for change in edit.changes(assumed)]


def test_pixel_size_is_typed_in_micrometres_and_undone(own: tuple[Project, Path]) -> None:
    project, path = own
    before, was = read_state(path).fields, shown(read_state(path))["imaging.pixel_size_um"]

    assert change(own, {"imaging.pixel_size_um": "1.2, 0.9"}) == "Saved: 1 change."

    assert shown(read_state(path))["imaging.pixel_size_um"] == "1.2, 0.9"
    assert read_pixel_size_um(path) == pytest.approx((0.9, 1.2))
    assert change(own, {"imaging.pixel_size_um": "1.2, 0.9"}) == "Nothing was changed."
    with pytest.raises(EditError, match="cannot be empty"):
        change(own, {"imaging.pixel_size_um": ""})
    change(own, {"imaging.pixel_size_um": "1.3"})
    assert shown(read_state(path))["imaging.pixel_size_um"] == "1.3"
    undo(project, path, actor="Ada")
    undo(project, path, actor="Ada")
    assert shown(read_state(path))["imaging.pixel_size_um"] == was
    assert read_state(path).fields == before


def test_what_cannot_be_is_said_and_nothing_is_saved(own: tuple[Project, Path]) -> None:
    with pytest.raises(EditError, match=r"dose: much cannot be used"):
        change(own, {"imaging.indicator": "GCaMP8m"}, {"dose": "much"})
    assert read_state(own[1]).edit_ids == ()


def test_changes_of_others_are_merged_or_said(own: tuple[Project, Path]) -> None:
    project, path = own
    columns = custom_columns(project)
    seen = read_state(path)
    change(own, {"imaging.location": "VISp"})

    other = edits_of(shown(seen), {**shown(seen), "imaging.indicator": "GCaMP8m"}, {}, {}, columns)
    said = save_details(project, path, other, actor="Bo", based_on=seen.version)
    assert said.startswith("Saved: 1 change. Meanwhile Ada set imaging.location")

    same = edits_of(shown(seen), {**shown(seen), "imaging.location": "MOp"}, {}, {}, columns)
    with pytest.raises(EditError, match="others changed the same"):
        save_details(project, path, same, actor="Bo", based_on=seen.version)


def test_table_of_subjects_fills_in_what_it_knows(own: tuple[Project, Path]) -> None:
    project, path = own
    with pytest.raises(EditError, match="does not have 'm1'"):
        from_subjects_table(project, path)
    change_subject(project.subjects_path, "m1", {"sex": "F", "species": "mouse"})

    assert from_subjects_table(project, path) == {"subject.sex": "F", "subject.species": "mouse"}
