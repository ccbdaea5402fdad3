from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.browsing.actions import next_state
from app.browsing.browse import (
    BrowseState,
    View,
    address,
    as_csv,
    check_filter,
    describe_filter,
    from_address,
    grid_page,
    parse_state,
    value_list,
)
from app.browsing.edits import edit_cell, editable_columns, set_value
from app.components.browse_view import head, history, switches, value_lists
from app.workspace import Workspace
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.configure import add_column
from nwb_schema.edits import Delete, Tag, commit, edits_of
from nwb_schema.errors import EditError, FilterError
from nwb_schema.project import Project
from nwb_schema.reader import read_identifier, read_rois
from nwb_schema.saved_filters import SavedFilter, save_filter, saved_filters
from pipeline.simulate import Simulation
from tests.app.small_project import MadeSample, add_sample, simulate

TAG = ColumnDefinition("quality", ColumnKind.ROI_TAG)


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, simulation: Simulation) -> Path:
    """A project to copy: making its samples takes longer than any test."""
    project = Project.create(tmp_path_factory.mktemp("browsed") / "project", "Browsed")
    add_column(project, TAG)
    add_column(project, ColumnDefinition("drug", ColumnKind.CUSTOM, vocabulary=("saline", "ketamine")))
    add_column(project, ColumnDefinition("weight_g", ColumnKind.CUSTOM, ColumnType.DECIMAL))
    samples = [add_sample(project, simulation, subject=f"m{n}", session="a", with_movie=False) for n in (1, 2, 3)]
    keys = list(read_rois(samples[0].path)["roi_uuid"])
    commit(project, samples[0].path, Tag(tuple(keys[:3]), TAG, "=good"), actor="Ada")
    commit(project, samples[0].path, Tag(tuple(keys[3:5]), TAG, "bad"), actor="Ada")
    return project.folder


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Project:
    return Project.open(shutil.copytree(made, tmp_path / "project"))


@pytest.fixture
def samples(project: Project, simulation: Simulation) -> list[MadeSample]:
    return [MadeSample(path, read_identifier(path), simulation) for path in project.sample_paths()]


@pytest.fixture
def workspace(project: Project, samples: list[MadeSample]) -> Workspace:
    workspace = Workspace.of(project)
    workspace.catalogue.refresh()
    return workspace


def view(workspace: Workspace, level: str = "rois", *filters: tuple[str, str]) -> View:
    return View.of(workspace.catalogue, parse_state({"level": level, "filters": list(filters)}))


def test_address_brings_back_what_was_seen() -> None:
    state = BrowseState(
        "rois", (("cell type", "$STR=:a|b"), ("snr", "$>:3")), ("quality",), ("name", "snr"), "My tab & co"
    )

    query = dict(parse_qsl(urlsplit(address(state)).query))

    assert from_address(query) == state
    assert address(BrowseState()) == "/browse"


@pytest.mark.parametrize(
    "sent", [None, 17, "{", "[]", {"level": "mice", "filters": [["a"], ["a", 3], "x", {"b": 1}], "lists": 3, "tab": []}]
)
def test_whatever_is_no_state_is_left_out(sent: object) -> None:
    assert parse_state(sent) == BrowseState()
    assert from_address({"filters": "[[", "lists": "x" * 30_000}) == BrowseState()


def test_values_are_counted_among_what_other_filters_leave(workspace: Workspace) -> None:
    shown = value_list(
        workspace.catalogue, view(workspace, "rois", ("subject_id", "$STR=:m1"), ("quality", "$STR=:bad")), "quality"
    )

    # A value that is chosen in this list does not hide the others, so that a second one can be chosen.
    assert shown.values == (("=good", "=good", 3, False), ("bad", "bad", 2, True), ("untagged", "untagged", 4, False))
    subjects = value_list(workspace.catalogue, view(workspace, "rois", ("quality", "$STR=:bad")), "subject_id")
    assert subjects.values == (("m1", "m1", 2, False),)


def test_clicking_values_makes_one_filter_and_clicking_again_takes_them_away() -> None:
    state = BrowseState("rois", (("snr", "$>:1"),))

    once = state.with_value("quality", "good", kind="text")
    twice = once.with_value("quality", "bad", kind="text").with_value("is_accepted", "yes", kind="flag")
    back = twice.with_value("quality", "good", kind="text").with_value("quality", "bad", kind="text")

    assert once.filters == (("snr", "$>:1"), ("quality", "$STR=:good"))
    assert twice.filters == (("snr", "$>:1"), ("quality", "$STR=:good|bad"), ("is_accepted", "yes"))
    assert twice.chosen_values("quality", kind="text") == ("good", "bad")
    assert back.filters == (("snr", "$>:1"), ("is_accepted", "yes"))
    # A bound that was typed is no choice of values, and stays.
    assert state.with_value("snr", "3", kind="number").filters == (("snr", "$>:1"), ("snr", "3"))


def test_every_value_of_every_list_finds_as_many_rows_as_it_says(workspace: Workspace) -> None:
    for level in ("samples", "rois"):
        shown = view(workspace, level)
        for name in shown.columns:
            for text, _, number, _ in value_list(workspace.catalogue, shown, name).values:
                if text is not None:
                    filtered = shown.state.with_value(name, text, kind=shown.kind(name))
                    assert workspace.catalogue.count(filtered.level, filtered.filters) == number, (name, text)


def test_filters_read_in_words(workspace: Workspace) -> None:
    shown = view(workspace)

    assert describe_filter(shown, "snr", "$>=:3.5") == "SNR at least 3.5"
    assert describe_filter(shown, "snr", "3|4") == "SNR equals 3 or 4"
    assert describe_filter(shown, "quality", "$STR!=:bad|dim") == "quality is not exactly bad or dim"
    assert describe_filter(shown, "quality", "go") == "quality contains go"
    assert describe_filter(shown, "is_accepted", "$NOT:yes") == "Accepted is not yes"


def test_table_gets_the_rows_it_asks_for_sorted(workspace: Workspace, samples: list[MadeSample]) -> None:
    n_cells = len(samples[0].simulation.footprints)
    shown = view(workspace, "rois", ("subject_id", "m1|m2"))

    page = grid_page(
        workspace.catalogue,
        shown,
        {"startRow": 2, "endRow": 5, "sortModel": [{"colId": "snr", "sort": "desc"}, {"colId": "gone", "sort": "asc"}]},
    )

    assert page["rowCount"] == 2 * n_cells
    assert [row["snr"] for row in page["rowData"]] == pytest.approx([8.125, 8.125, 7.25])
    assert {"name", "identifier", "roi_uuid", "quality"} <= set(page["rowData"][0])


def test_csv_has_all_matching_rows_and_no_formula(workspace: Workspace) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(workspace.catalogue, view(workspace, "rois", ("quality", "good"))))))

    assert len(rows) == 3
    assert [row["quality"] for row in rows] == ["'=good"] * 3
    assert {row["is_accepted"] for row in rows} == {"yes"}
    assert all(row["roi_uuid"] and row["identifier"] for row in rows)


def test_csv_is_sorted_as_the_table_is(workspace: Workspace) -> None:
    shown = view(workspace, "rois")
    request = {"sortModel": [{"colId": "snr", "sort": "desc"}]}

    rows = csv.DictReader(io.StringIO(as_csv(workspace.catalogue, shown, request)))

    snr = [float(row["snr"]) for row in rows if row["snr"]]
    assert snr == sorted(snr, reverse=True)
    assert len(set(snr)) > 1


def test_filter_that_cannot_be_is_refused_before_it_is_added(workspace: Workspace) -> None:
    for column, expression in (("snr", "$>:dim"), ("snr", " "), ("snr", "$BIG:3"), ("gone", "x")):
        with pytest.raises(FilterError):
            check_filter(workspace.catalogue, view(workspace), column, expression)
    check_filter(workspace.catalogue, view(workspace), "snr", "$>:3")


def test_broken_filter_of_an_address_is_said_and_breaks_nothing(workspace: Workspace) -> None:
    shown = view(workspace, "rois", ("snr", "$>:dim"))

    assert "is not a number" in str(head(workspace, shown))
    assert "Take the filter away" in value_lists(workspace, shown)["problem"]
    assert history(workspace, shown) is None


def test_actions_lead_from_state_to_state(workspace: Workspace) -> None:
    def act(state: BrowseState, **action: str) -> BrowseState:
        return next_state(workspace, state, action)

    state = act(BrowseState(), action="level", value="rois")
    state = act(state, action="value", column="quality", value="bad")
    state = act(state, action="value", column="subject_id", value="m1")
    assert workspace.catalogue.count(state.level, state.filters) == 2
    # Samples know nothing of tags; what they know stays filtered.
    assert act(state, action="level", value="samples").filters == (("subject_id", "$STR=:m1"),)
    assert act(state, action="remove", value="0").filters == (("subject_id", "$STR=:m1"),)
    assert act(state, action="remove", value="9").filters == state.filters
    cleared = act(replace(state, tab="Bad ones"), action="clear")
    assert (cleared.filters, cleared.tab) == ((), "")

    shown = act(state, action="column", value="area_px")
    assert "area_px" not in shown.columns
    assert "area_px" in act(shown, action="column", value="area_px").columns
    assert "engine" in act(state, action="list", value="engine").lists

    save_filter(workspace.project, SavedFilter("Bad ones", "rois", state.filters))
    tab = act(BrowseState(), action="tab", value="Bad ones")
    assert (tab.level, tab.filters, tab.tab) == ("rois", state.filters, "Bad ones")
    assert act(tab, action="forget", value="Bad ones").filters == state.filters
    assert saved_filters(workspace.project) == []
    assert act(state, action="explode") == state
    with pytest.raises(FilterError):
        act(state, action="tab", value="gone")


def test_lists_and_menus_are_sent_as_the_browser_draws_them(workspace: Workspace) -> None:
    shown = view(workspace, "rois", ("quality", "$STR=:bad"))

    lists = {one["column"]: one for one in value_lists(workspace, shown)["lists"]}
    assert ("bad", "bad", 2, True) in lists["quality"]["values"]
    assert json.loads(json.dumps(lists)).keys() == lists.keys()
    offered = switches(shown)
    assert offered["list"] == list(shown.state.lists)
    assert ["snr", "SNR"] in [entry[:2] for entry in offered["columns"]]
    # A filter changes no columns, so the table is left alone.
    assert offered == switches(view(workspace, "rois"))


def test_history_and_code_are_shown(workspace: Workspace) -> None:
    text = str(history(workspace, view(workspace, "rois", ("quality", "bad"))))

    assert "quality: bad -> 2" in text
    assert "fluorite.open_project" in text


def test_cell_of_the_table_is_edited_through_the_journal(workspace: Workspace, samples: list[MadeSample]) -> None:
    project, name = workspace.project, samples[1].path.name
    shown = view(workspace, "samples")
    assert editable_columns(workspace, shown) == ("indicator", "location", "drug", "weight_g")

    said = edit_cell(workspace, shown, {"colId": "drug", "value": "ketamine", "data": {"name": name}}, actor="Ada")

    assert said == f"Saved: drug of {name}."
    assert edits_of(project, samples[1].path)[-1].what == "set drug = ketamine"
    assert [row["drug"] for row in workspace.catalogue.samples([("name", name)])] == ["ketamine"]
    with pytest.raises(EditError, match="vocabulary"):
        edit_cell(workspace, shown, {"colId": "drug", "value": "caffeine", "data": {"name": name}}, actor="Ada")
    with pytest.raises(EditError, match="cannot be changed here"):
        edit_cell(workspace, shown, {"colId": "rate_hz", "value": 3, "data": {"name": name}}, actor="Ada")
    with pytest.raises(EditError, match="no edit"):
        edit_cell(workspace, shown, {"colId": "gone"}, actor="Ada")


def test_many_rows_are_one_commit_a_sample_with_progress(workspace: Workspace, samples: list[MadeSample]) -> None:
    project, shown = workspace.project, view(workspace)
    rows = workspace.catalogue.page(
        "rois", [("subject_id", "m2|m3"), ("index", "$<:2")], columns=("name", "roi_uuid")
    ).rows
    seen: list[tuple[int, int]] = []

    said = set_value(
        project, workspace.catalogue, shown, rows, "quality", "dim", actor="Ada", progress=lambda *at: seen.append(at)
    )

    assert said == "Set quality of 4 cells."
    assert seen == [(0, 2), (1, 2), (2, 2)]
    assert workspace.catalogue.count("rois", [("quality", "dim")]) == 4
    assert [len(edits_of(project, sample.path)) for sample in samples] == [2, 1, 1]


def test_samples_that_cannot_be_edited_are_named_and_the_others_are_edited(
    workspace: Workspace, samples: list[MadeSample]
) -> None:
    rows = workspace.catalogue.page("rois", [("index", "0")], columns=("name", "roi_uuid")).rows
    samples[0].path.write_bytes(b"broken")

    with pytest.raises(EditError, match="2 rows changed") as refused:
        set_value(workspace.project, workspace.catalogue, view(workspace), rows, "quality", "dim", actor="Ada")

    assert samples[0].path.name in str(refused.value)
    workspace.catalogue.refresh()
    assert workspace.catalogue.count("rois", [("quality", "dim")]) == 2


def test_nothing_is_editable_where_nothing_can_be_written(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Project, "writable", property(lambda _: False))

    assert editable_columns(workspace, view(workspace, "samples")) == ()


def test_deleted_cells_can_be_told_from_others(workspace: Workspace, samples: list[MadeSample]) -> None:
    keys = list(read_rois(samples[2].path)["roi_uuid"])
    commit(workspace.project, samples[2].path, Delete((keys[0],)), actor="Ada")

    shown = value_list(workspace.catalogue, view(workspace, "rois", ("subject_id", "m3")), "deleted")

    assert [(words, number) for _, words, number, _ in shown.values] == [("no", 8), ("yes", 1)]
