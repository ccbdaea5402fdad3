from __future__ import annotations

from pathlib import Path

import pytest

from app.home.new_project import TypedColumn, configured, create_project, place_of
from nwb_schema.columns import ColumnKind, ColumnType
from nwb_schema.errors import ConfigurationError, ProjectError

COLUMNS = [
    TypedColumn("roi_tag", "cell_type", "text", "pyramidal, interneuron"),
    TypedColumn("stimulus", "odour"),
    TypedColumn("custom", "dose", "decimal"),
]


def test_project_is_made_as_it_was_typed(tmp_path: Path) -> None:
    project = create_project("Odours: 2026", str(tmp_path), COLUMNS, {"indicator": "GCaMP8m", "experimenter": "Doe, J"})

    assert (project.name, project.folder) == ("Odours: 2026", tmp_path / "Odours-2026")
    assert [(one.kind, one.name, one.type, one.vocabulary) for one in project.configuration().columns] == [
        (ColumnKind.ROI_TAG, "cell_type", ColumnType.TEXT, ("pyramidal", "interneuron")),
        (ColumnKind.STIMULUS, "odour", ColumnType.TEXT, ()),
        (ColumnKind.CUSTOM, "dose", ColumnType.DECIMAL, ()),
    ]
    assert project.configuration().defaults == {"indicator": "GCaMP8m", "experimenter": ["Doe, J"]}


@pytest.mark.parametrize(
    ("columns", "defaults", "why"),
    [
        ([COLUMNS[0], TypedColumn("roi_tag", "Cell_Type")], {}, "is a ROI tag column already"),
        ([TypedColumn("custom", "subject_id")], {}, "has a column 'subject_id' already"),
        ([TypedColumn("custom", "dose", "decimal", "a, b")], {}, "only texts can have a list"),
        ([], {"excitation_lambda_nm": "blue"}, "excitation_lambda_nm cannot be 'blue'"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_made(
    tmp_path: Path, columns: list[TypedColumn], defaults: dict[str, str], why: str
) -> None:
    with pytest.raises(ConfigurationError, match=why):
        create_project("New", str(tmp_path), columns, defaults)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigurationError, match=why):
        configured(columns, defaults)


def test_place_has_to_be_there_and_free(tmp_path: Path) -> None:
    (tmp_path / "Taken").mkdir()
    (tmp_path / "Taken" / "data.tif").touch()
    (tmp_path / "Empty").mkdir()

    assert place_of("Empty", str(tmp_path)) == tmp_path / "Empty"
    for name, parent, why in (
        (" ", str(tmp_path), "1 to 80 characters"),
        ("New", "", "no folder was chosen"),
        ("New", str(tmp_path / "gone"), "no such folder"),
        ("Taken", str(tmp_path), "is there already"),
    ):
        with pytest.raises(ProjectError, match=why):
            place_of(name, parent)
    create_project("Inner", str(tmp_path), [], {})
    with pytest.raises(ProjectError, match="is a project itself"):
        place_of("New", str(tmp_path / "Inner"))
