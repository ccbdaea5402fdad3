"""Tags, custom columns and stimuli are columns of the catalogue like any other: typed, filtered, sorted, counted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nwb_schema import configure
from nwb_schema.catalogue import Catalogue
from nwb_schema.catalogue.columns import catalogue_columns
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.configuration import Configuration
from nwb_schema.edits import SetCustom, Tag, commit
from nwb_schema.errors import ConfigurationError, FilterError
from nwb_schema.project import Project
from nwb_schema.reader import read_rois
from nwb_schema.stimuli import load_stimuli

QUALITY = ColumnDefinition("quality", ColumnKind.ROI_TAG)
GRADE = ColumnDefinition("grade", ColumnKind.ROI_TAG, ColumnType.INTEGER, replacement=-1)
DOSE = ColumnDefinition("dose", ColumnKind.CUSTOM, ColumnType.DECIMAL)
BLIND = ColumnDefinition("blind", ColumnKind.CUSTOM, ColumnType.YES_NO)
ODOUR = ColumnDefinition("odour", ColumnKind.STIMULUS)


@pytest.fixture(scope="module")
def _annotated(_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """m1 has tags, custom values and stimuli; m2 has none."""
    project = Project.open(shutil.copytree(_template, tmp_path_factory.mktemp("annotated") / "project"))
    sample = project.sample_path("m1", "s1")
    for column in (QUALITY, GRADE, DOSE, BLIND, ODOUR):
        configure.add_column(project, column)
    rois = list(read_rois(sample)["roi_uuid"])
    edits = [Tag((rois[0], rois[3]), QUALITY, "Good"), Tag((rois[1],), QUALITY, "bad"), Tag((rois[2],), GRADE, 7)]
    commit(project, sample, [*edits, SetCustom(DOSE, 2.5), SetCustom(BLIND, True)], actor="Jane")
    periods = pd.DataFrame({"start": [0.5, 2.0, 3.0], "stop": [1.0, 2.5, 4.0], "name": ["a", "b", "a"]})
    load_stimuli(project, sample.name, periods, "odour", unit="seconds")
    return project.folder


@pytest.fixture
def project(_annotated: Path, tmp_path: Path) -> Project:
    """A copy of its own for each test."""
    return Project.open(shutil.copytree(_annotated, tmp_path / "project"))


@pytest.fixture
def catalogue(project: Project) -> Catalogue:
    """Its catalogue."""
    made = Catalogue(project)
    made.refresh()
    return made


def rows(catalogue: Catalogue, filters: dict[str, str]) -> list[tuple[Any, Any]]:
    return [(row["subject_id"], row["index"]) for row in catalogue.rois(filters)]


def test_rois_are_filtered_by_tags_and_a_sample_that_lacks_them_has_the_replacement(catalogue: Catalogue) -> None:
    assert rows(catalogue, {"quality": "good"}) == [("m1", 0), ("m1", 3)]
    assert rows(catalogue, {"quality": "$STR=:untagged"}) == [("m1", 2), ("m1", 4), ("m2", 0), ("m2", 1), ("m2", 2)]
    assert rows(catalogue, {"grade": "$>:0"}) == [("m1", 2)]
    assert rows(catalogue, {"tag:grade": "-1", "subject_id": "m1", "quality": "bad"}) == [("m1", 1)]
    row = catalogue.rois({"grade": "7"})[0]
    assert (row["quality"], row["grade"], row["tags"]) == ("untagged", 7, {"quality": "untagged", "grade": 7})


def test_samples_and_their_rois_are_filtered_by_custom_columns_and_stimuli(catalogue: Catalogue) -> None:
    listed = [(row["subject_id"], row["dose"], row["blind"], row["stimulus:odour"]) for row in catalogue.samples()]
    assert listed == [("m1", 2.5, True, 3), ("m2", 0.0, False, 0)]
    assert [row["subject_id"] for row in catalogue.samples({"dose": "$>=:2.5", "blind": "yes"})] == ["m1"]
    assert [row["stimuli"] for row in catalogue.samples({"stimuli": "odour"})] == ["odour"]
    assert catalogue.count("rois", {"stimulus:odour": "$>:2"}) == 5
    assert catalogue.count("rois", {"dose": "0"}) == 3


def test_a_page_of_a_sorted_list_has_its_rows_and_the_total(catalogue: Catalogue) -> None:
    page = catalogue.page("rois", {"subject_id": "m1"}, order_by=["quality", ("index", True)], limit=2, offset=1)
    assert page.total == 5
    assert [(row["quality"], row["index"]) for row in page.rows] == [("Good", 3), ("Good", 0)]
    assert [row["index"] for row in catalogue.rois(order_by=[("snr", True)], limit=1)] == [
        int(max(catalogue.rois({"subject_id": "m1"}), key=lambda row: row["snr"])["index"])
    ]
    unknown_last = [row["snr"] for row in catalogue.rois(order_by=[("snr", False)])]
    assert unknown_last[5:] == [None] * 3
    assert unknown_last[:5] == sorted(unknown_last[:5])
    only = catalogue.page("rois", columns=["grade", "dose"], limit=1)
    assert only.rows == [{"grade": -1, "dose": 2.5}]
    assert catalogue.page("samples", limit=5, offset=7).rows == []


def test_values_are_counted_among_the_rows_that_match(catalogue: Catalogue) -> None:
    assert catalogue.values("quality", level="rois") == [("bad", 1), ("Good", 2), ("untagged", 5)]
    assert catalogue.values("quality", {"index": "$<:2"}, level="rois") == [("bad", 1), ("Good", 1), ("untagged", 2)]
    assert catalogue.values("grade", {"dose": "$>:0"}, level="rois") == [(-1, 4), (7, 1)]
    assert catalogue.values("subject_id", {"quality": "untagged"}, level="rois") == [("m1", 2), ("m2", 3)]
    assert catalogue.values("blind") == [(False, 1), (True, 1)]
    assert catalogue.values("snr", {"subject_id": "m2"}, level="rois") == [(None, 3)]


def test_a_frame_has_plain_columns(catalogue: Catalogue) -> None:
    frame = catalogue.frame("rois", {"subject_id": "m1"}, columns=["grade", "quality", "is_accepted", "snr"])
    assert [str(dtype) for dtype in frame.dtypes] == ["int64", "object", "bool", "float64"]
    assert frame["grade"].tolist() == [-1, -1, 7, -1, -1]
    assert len(catalogue.frame("samples")) == 2


def test_a_change_of_configuration_shows_at_once_and_reads_no_file(project: Project, catalogue: Catalogue) -> None:
    token = catalogue.token()
    configure.rename_column(project, "quality", "state")
    configure.change_type(project, "grade", ColumnType.TEXT)
    configure.set_replacement(project, "state", "none")
    configure.hide_column(project, "dose")
    assert rows(catalogue, {"state": "good"}) == [("m1", 0), ("m1", 3)]
    assert rows(catalogue, {"state": "$STR=:none"})[-1] == ("m2", 2)
    assert rows(catalogue, {"grade": "$STR=:7"}) == [("m1", 2)]
    assert "dose" not in catalogue.samples()[0]
    assert len(catalogue.samples({"dose": "2.5"})) == 1
    assert catalogue.token() == token


def test_columns_that_nobody_configured_are_there_too(project: Project, catalogue: Catalogue) -> None:
    text = project.config_path.read_text()
    project.config_path.write_text(text[: text.index("[[columns]]")])
    names = [column.name for column in catalogue.columns("rois")]
    assert {"table:quality", "table:grade", "stimulus:odour"} <= set(names)
    assert rows(catalogue, {"table:grade": "$>:6"}) == [("m1", 2)]
    assert rows(catalogue, {"table:quality": "good"}) == [("m1", 0), ("m1", 3)]
    assert catalogue.values("table:grade", level="rois") == [(-1, 4), (7, 1), (None, 3)]


def test_a_name_means_one_column(project: Project, catalogue: Catalogue) -> None:
    for name in ("snr", "Tags", "stimuli"):
        with pytest.raises(ConfigurationError, match="has a column"):
            configure.add_column(project, ColumnDefinition(name, ColumnKind.ROI_TAG))
    by_hand = Configuration(
        columns=(ColumnDefinition("snr", ColumnKind.ROI_TAG), ColumnDefinition("engine", ColumnKind.CUSTOM))
    )
    columns = catalogue_columns(by_hand)
    assert columns.find("snr", "rois").place == "roi"
    assert columns.find("tag:snr", "rois").place == "table"
    assert columns.find("custom:engine", "samples").place == "custom"
    with pytest.raises(FilterError, match="is a column of ROIs"):
        catalogue.samples({"quality": "good"})
    with pytest.raises(FilterError, match="Did you mean quality"):
        catalogue.rois({"qualty": "good"})


def test_a_value_that_does_not_fit_its_column_is_unknown(project: Project, catalogue: Catalogue) -> None:
    text = project.config_path.read_text()
    project.config_path.write_text(
        text.replace('name = "quality"', 'name = "quality"\n# by hand')
        .replace('type = "text"', 'type = "integer"', 1)
        .replace('replacement = "untagged"', "replacement = 0", 1)
    )
    assert catalogue.values("quality", {"subject_id": "m1"}, level="rois") == [(None, 5)]
