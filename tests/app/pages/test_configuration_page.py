from __future__ import annotations

from pathlib import Path

import pytest

from app.configuration_changes import (
    change_column,
    change_columns,
    change_subjects_cells,
    column_of,
    column_rows,
    default_texts,
    move_column,
    new_column,
    set_defaults,
    subject_rows,
)
from app.pages import configuration_page
from app.servers.dashboard import create_app
from nwb_schema.columns import ColumnKind, ColumnType
from nwb_schema.errors import ConfigurationError, MetadataError
from nwb_schema.project import Project
from nwb_schema.subjects import change_subject, read_subjects, remove_subject

TAG = ColumnKind.ROI_TAG


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.create(tmp_path / "project")
    for name in ("cell type", "layer", "note"):
        new_column(project, TAG, name, "text", "")
    return project


def row(project: Project, key: str) -> dict[str, object]:
    return next(row for row in column_rows(project, TAG) if row["key"] == key)


def test_every_cell_of_the_table_changes_its_column(project: Project) -> None:
    for field, value in (
        ("name", "kind of cell"),
        ("vocabulary", "neuron,  astrocyte , neuron"),
        ("replacement", "unknown"),
        ("description", "What it is"),
        ("shown", False),
    ):
        change_columns(project, TAG, [{"data": {"key": "cell type"}, "colId": field, "value": value}])
    change_column(project, TAG, "layer", "type", "integer")

    assert row(project, "cell type") == {
        "key": "cell type",
        "name": "kind of cell",
        "type": "text",
        "vocabulary": "neuron, astrocyte",
        "replacement": "unknown",
        "description": "What it is",
        "shown": False,
    }
    assert (row(project, "layer")["type"], row(project, "layer")["replacement"]) == ("integer", "0")
    with pytest.raises(ConfigurationError):
        change_column(project, TAG, "layer", "name", "kind of cell")
    with pytest.raises(ConfigurationError):
        change_column(project, TAG, "layer", "key", "x")
    with pytest.raises(ConfigurationError, match="no such column"):
        change_column(project, TAG, "gone", "name", "x")


def test_columns_move_and_stop_at_the_ends(project: Project) -> None:
    move_column(project, TAG, "note", -1)
    move_column(project, TAG, "cell type", -1)
    move_column(project, TAG, "layer", 5)

    assert [one["name"] for one in column_rows(project, TAG)] == ["cell type", "note", "layer"]


def test_new_column_is_what_was_typed() -> None:
    column = column_of(TAG, "  cell  type ", "text", "neuron, astrocyte,, neuron")

    assert (column.name, column.kind, column.vocabulary) == ("cell type", TAG, ("neuron", "astrocyte"))
    with pytest.raises(ConfigurationError, match="no name"):
        column_of(TAG, " ", "text", None)
    with pytest.raises(ConfigurationError, match="only texts"):
        column_of(TAG, "layer", ColumnType.INTEGER.value, "1, 2")


def test_lab_defaults_are_typed_and_emptied(project: Project) -> None:
    set_defaults(project, {"indicator": " GCaMP8m ", "experimenter": "Doe, Jane; Roe, Ada", "imaging_rate_hz": "30"})
    assert default_texts(project)["experimenter"] == "Doe, Jane; Roe, Ada"
    assert (default_texts(project)["indicator"], default_texts(project)["imaging_rate_hz"]) == ("GCaMP8m", "30")

    set_defaults(project, {"indicator": None, "experimenter": ""})
    assert (default_texts(project)["indicator"], default_texts(project)["experimenter"]) == ("", "")
    with pytest.raises(ConfigurationError):
        set_defaults(project, {"imaging_rate_hz": "fast"})


def test_subjects_are_added_changed_and_removed(project: Project) -> None:
    change_subject(project.subjects_path, " m1 ", {"sex": "F"})
    change_subject(project.subjects_path, "m2", {})
    change_subjects_cells(project, [{"data": {"subject_id": "m1"}, "colId": "age", "value": "P90D"}])
    change_subjects_cells(project, [{"data": {"subject_id": "m1"}, "colId": "sex", "value": None}])

    assert read_subjects(project.subjects_path) == {
        "m1": {"subject_id": "m1", "age": "P90D"},
        "m2": {"subject_id": "m2"},
    }
    assert [one["subject_id"] for one in subject_rows(project)] == ["m1", "m2"]
    with pytest.raises(MetadataError, match="sex cannot be"):
        change_subject(project.subjects_path, "m1", {"sex": "perhaps"})
    with pytest.raises(MetadataError, match="no id"):
        change_subject(project.subjects_path, " ", {})
    with pytest.raises(MetadataError, match="unknown column"):
        change_subject(project.subjects_path, "m1", {"colour": "black"})
    remove_subject(project.subjects_path, "m2")
    with pytest.raises(MetadataError, match="no subject"):
        remove_subject(project.subjects_path, "m2")
    assert list(read_subjects(project.subjects_path)) == ["m1"]


def test_page_shows_it_all_and_says_when_it_cannot_be_changed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_subject(project.subjects_path, "m1", {"sex": "F"})
    app = create_app(project.folder)
    with app.server.test_request_context("/configuration"):
        page = str(configuration_page.layout())
        assert "cell type" in page
        assert "'subject_id': 'm1'" in page
        assert "only be read" not in page
        monkeypatch.setattr(Project, "writable", property(lambda _: False))
        assert "only be read" in str(configuration_page.layout())
