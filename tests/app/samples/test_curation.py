from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.components.curation_view import curation_config
from app.components.edit_history import describe_cell, edit_list
from app.samples.curation import editable, look, make_edits, tag_columns, thresholds, version_in_file
from app.samples.roi_rows import roi_rows
from app.servers.dashboard import create_app
from app.workspace import Workspace
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.configure import add_column, change_type, hide_column
from nwb_schema.edits import Accept, Reject, commit, edits_of
from nwb_schema.project import Project
from nwb_schema.reader import read_rois
from pipeline.simulate import Simulation
from tests.app.small_project import MadeSample, add_sample, simulate


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.create(tmp_path / "project", "Curated")
    add_column(project, ColumnDefinition("cell type", ColumnKind.ROI_TAG, vocabulary=("neuron", "astrocyte")))
    add_column(project, ColumnDefinition("layer", ColumnKind.ROI_TAG, ColumnType.INTEGER))
    return project


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate()


@pytest.fixture
def sample(project: Project, simulation: Simulation) -> MadeSample:
    return add_sample(project, simulation, with_movie=False)


@pytest.fixture
def workspace(project: Project) -> Workspace:
    return Workspace.of(project)


@pytest.fixture
def keys(sample: MadeSample) -> list[str]:
    return [str(key) for key in read_rois(sample.path)["roi_uuid"]]


def edit(
    workspace: Workspace, sample: MadeSample, *requests: Any, based_on: str | None = "", actor: str = "Ada"
) -> Any:
    data = workspace.samples.get(sample.identifier)
    return make_edits(workspace, data, list(requests), actor="Ada", based_on=based_on)


def test_requests_are_one_edit_each_and_only_changed_rows_come_back(
    workspace: Workspace, sample: MadeSample, keys: list[str]
) -> None:
    answer = edit(
        workspace,
        sample,
        {"action": "reject", "rois": [keys[1]]},
        {"action": "tag", "rois": keys[1:3], "column": "cell type", "value": "neuron"},
    )

    assert (answer["error"], answer["conflict"], answer["all"]) == (None, None, False)
    assert {row["key"]: (row["is_accepted"], row["curated"], row["tag:cell type"]) for row in answer["rows"]} == {
        keys[1]: (False, True, "neuron"),
        keys[2]: (True, False, "neuron"),
    }
    edits = edits_of(workspace.project, sample.path)
    assert [(one.actor, one.kind.value) for one in edits] == [("Ada", "reject"), ("Ada", "tag")]
    assert answer["version"] == edits[-1].id
    stored = read_rois(sample.path)
    assert list(stored["is_accepted"][:3]) == [True, False, True]
    assert list(stored["cell type"][:4]) == ["untagged", "neuron", "neuron", "untagged"]


def test_undo_and_redo_say_what_they_did(workspace: Workspace, sample: MadeSample, keys: list[str]) -> None:
    first = edit(workspace, sample, {"action": "delete", "rois": [keys[0]]})

    undone = edit(workspace, sample, {"action": "undo"}, based_on=first["version"])
    again = edit(workspace, sample, {"action": "redo"}, based_on=undone["version"])

    assert undone["said"] == "Undid: deleted cell 0."
    assert again["said"] == "Did again: deleted cell 0."
    assert edits_of(workspace.project, sample.path)[-1].what == f"did again: deleted ROI {keys[0][:8]}"
    assert [row["deleted"] for row in undone["rows"]] == [False]
    assert [row["deleted"] for row in again["rows"]] == [True]


def test_others_edits_of_other_cells_are_merged_and_named(
    workspace: Workspace, sample: MadeSample, keys: list[str]
) -> None:
    commit(workspace.project, sample.path, Reject([keys[0]]), actor="Grace")

    answer = edit(workspace, sample, {"action": "reject", "rois": [keys[1]]}, based_on="")

    assert answer["error"] is None
    assert answer["conflict"] is None
    assert "Grace rejected cell" in answer["said"]
    # The page has not seen Grace's edit, so it gets all rows.
    assert answer["all"]
    assert [row["is_accepted"] for row in answer["rows"]][:3] == [False, False, True]


def test_others_edits_of_the_same_cell_are_a_conflict_until_asked_again(
    workspace: Workspace, sample: MadeSample, keys: list[str]
) -> None:
    commit(workspace.project, sample.path, Reject([keys[0]]), actor="Grace")
    mine = {"action": "accept", "rois": [keys[0]]}
    commit(workspace.project, sample.path, Accept([keys[0]]), actor="Grace")
    commit(workspace.project, sample.path, Reject([keys[0]]), actor="Grace")

    answer = edit(workspace, sample, mine, based_on="")

    assert "Grace rejected cell" in answer["conflict"]["text"]
    assert not read_rois(sample.path)["is_accepted"][0]
    # On top of theirs, as the person chose.
    answer = edit(workspace, sample, mine, based_on=answer["conflict"]["version"])
    assert answer["conflict"] is None
    assert read_rois(sample.path)["is_accepted"][0]


def test_undo_does_not_take_back_what_the_person_has_not_seen(
    workspace: Workspace, sample: MadeSample, keys: list[str]
) -> None:
    mine = edit(workspace, sample, {"action": "reject", "rois": [keys[0]]})
    commit(workspace.project, sample.path, Reject([keys[1]]), actor="Grace")

    answer = edit(workspace, sample, {"action": "undo"}, based_on=mine["version"])

    assert "Grace rejected cell" in answer["said"]
    assert "Nothing was taken back" in answer["said"]
    assert list(read_rois(sample.path)["is_accepted"][:2]) == [False, False]
    assert answer["version"] == edits_of(workspace.project, sample.path)[-1].id


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"action": "tag", "rois": ["KEY"], "column": "cell type", "value": "neutrino"}, "the vocabulary is"),
        ({"action": "tag", "rois": ["KEY"], "column": "layer", "value": "deep"}, "write a whole number"),
        ({"action": "tag", "rois": ["KEY"], "column": "gone", "value": "x"}, "no such tag column"),
        ({"action": "accept", "rois": ["../../etc"]}, "no such ROI"),
        ({"action": "explode", "rois": ["KEY"]}, "no edit"),
        ({"action": "accept", "rois": [3]}, "no ROIs"),
        ({"action": "tag", "rois": ["KEY"], "column": "cell type", "value": {"a": 1}}, "no ROIs"),
        (17, "no edit"),
        ({"action": "undo"}, "together with others"),
        ({"action": "evaluate", "thresholds": {"min_SNR": "high"}}, "no numbers"),
    ],
)
def test_what_cannot_be_done_changes_nothing_and_says_why(
    workspace: Workspace, sample: MadeSample, keys: list[str], sent: Any, said: str
) -> None:
    before = sample.path.read_bytes()
    if isinstance(sent, dict) and sent.get("rois") == ["KEY"]:
        sent = {**sent, "rois": [keys[0]]}

    answer = edit(workspace, sample, {"action": "accept", "rois": [keys[0]]}, sent)

    assert said in answer["error"]
    assert len(answer["rows"]) == len(keys)
    assert sample.path.read_bytes() == before


def test_other_thresholds_spare_what_people_decided(workspace: Workspace, sample: MadeSample, keys: list[str]) -> None:
    data = workspace.samples.get(sample.identifier)
    assert thresholds(data) == {"min_SNR": 2.5, "SNR_lowest": 0.5, "rval_thr": 0.8, "rval_lowest": -1.0}
    decided = edit(workspace, sample, {"action": "accept", "rois": [keys[0]]})

    # SNR runs from 2 to 9 over the cells, r from 0.3 to 0.95.
    rule = {"min_SNR": 6.0, "SNR_lowest": 0.5, "rval_thr": 1.0, "rval_lowest": -1.0}
    answer = edit(workspace, sample, {"action": "evaluate", "thresholds": rule}, based_on=decided["version"])

    assert answer["said"].startswith("Evaluated: min_SNR 6")
    assert list(read_rois(sample.path)["is_accepted"]) == [True, False, False, False, False, True, True, True, True]
    again = edit(workspace, sample, {"action": "evaluate", "thresholds": rule}, based_on=answer["version"])
    assert again["said"] == "Nothing changed."
    refused = edit(workspace, sample, {"action": "evaluate", "thresholds": {"rval_thr": 7}}, based_on=None)
    assert "rval_thr" in refused["error"]


def test_look_is_silent_until_somebody_edits(workspace: Workspace, sample: MadeSample, keys: list[str]) -> None:
    data = workspace.samples.get(sample.identifier)
    assert look(workspace, data, known=version_in_file(data)) is None

    commit(workspace.project, sample.path, Reject([keys[2]]), actor="Grace")

    answer = look(workspace, workspace.samples.get(sample.identifier), known="")
    assert answer is not None
    assert [row["is_accepted"] for row in answer["rows"]][:3] == [True, True, False]
    assert answer["version"] == edits_of(workspace.project, sample.path)[-1].id


def test_rows_hold_tags_of_the_columns_that_are_shown(
    workspace: Workspace, sample: MadeSample, keys: list[str]
) -> None:
    edit(workspace, sample, {"action": "tag", "rois": [keys[0]], "column": "layer", "value": "120"})
    project = workspace.project
    rois = workspace.samples.get(sample.identifier).rois

    assert [row["tag:layer"] for row in roi_rows(rois, tag_columns(workspace))][:2] == [120, 0]
    change_type(project, "layer", ColumnType.TEXT)
    assert roi_rows(rois, tag_columns(workspace))[0]["tag:layer"] == "120"
    hide_column(project, "layer")
    assert "tag:layer" not in roi_rows(rois, tag_columns(workspace))[0]


def test_page_of_a_read_only_project_says_why_nothing_can_be_edited(
    workspace: Workspace, sample: MadeSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = workspace.samples.get(sample.identifier)
    assert editable(workspace, data) is None
    monkeypatch.setattr(Project, "writable", property(lambda _: False))

    assert "only be read" in str(editable(workspace, data))
    assert "only be read" in curation_config(workspace, data)["refused"]


def test_cell_is_described_with_what_was_done_to_it(workspace: Workspace, sample: MadeSample, keys: list[str]) -> None:
    edit(workspace, sample, {"action": "tag", "rois": [keys[0]], "column": "cell type", "value": "neuron"})
    edit(workspace, sample, {"action": "reject", "rois": [keys[1]]}, based_on=None)
    data = workspace.samples.get(sample.identifier)

    text = str(describe_cell(data, keys[0], tag_columns(workspace)))

    assert "tagged cell 0" in text
    assert "neuron" in text
    assert "by the evaluation" in text
    assert "rejected" not in text
    assert "decided by a person" in str(describe_cell(data, keys[1], tag_columns(workspace)))
    assert describe_cell(data, "unknown", ()) == []


def test_history_strikes_out_what_is_undone(workspace: Workspace, sample: MadeSample, keys: list[str]) -> None:
    for action in ("reject", "undo", "reject", "undo", "redo", "undo", "accept", "undo", "redo"):
        edit(workspace, sample, {"action": action, "rois": [keys[1]]}, based_on=None)

    rows = [
        part
        for part in edit_list(workspace.samples.get(sample.identifier))._traverse()
        if type(part).__name__ == "Tr" and hasattr(part, "className")
    ]

    # Also the first reject, which cannot be done again any more; what was done again stands.
    assert [str(row.children[2].children[0]) for row in rows if row.className == "is-undone"] == ["rejected cell 1"] * 2
    assert len(rows) == 9


@pytest.fixture
def client(project: Project) -> Iterator[FlaskClient]:
    with create_app(project.folder).server.test_client() as client:
        yield client


def test_route_commits_under_the_name_that_the_browser_gave(
    client: FlaskClient, project: Project, sample: MadeSample, keys: list[str]
) -> None:
    sent = {"requests": [{"action": "reject", "rois": [keys[3]]}], "based_on": "", "actor": "  Ada\nLovelace "}

    answer = client.post(f"/edits/{sample.identifier}", json=sent)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert edits_of(project, sample.path)[-1].actor == "Ada Lovelace"
    known = answer.get_json()["version"]
    assert client.get(f"/edits/{sample.identifier}?known={known}").status_code == 204
    assert client.get(f"/edits/{sample.identifier}?known=").get_json()["version"] == known


def test_route_refuses_a_form_of_another_site(client: FlaskClient, sample: MadeSample, keys: list[str]) -> None:
    before = sample.path.read_bytes()
    sent = {"requests": [{"action": "reject", "rois": [keys[3]]}]}

    foreign = client.post(f"/edits/{sample.identifier}", json=sent, headers={"Origin": "http://evil.example"})
    form = client.post(f"/edits/{sample.identifier}", data={"requests": "x"})

    assert (foreign.status_code, form.status_code) == (403, 415)
    assert sample.path.read_bytes() == before
    assert client.get("/edits/unknown").status_code == 404


def test_sample_that_was_deleted_under_the_page_is_said(
    client: FlaskClient, project: Project, sample: MadeSample, keys: list[str]
) -> None:
    assert client.get(f"/edits/{sample.identifier}?known=").status_code == 204
    sample.path.unlink()

    answer = client.post(f"/edits/{sample.identifier}", json={"requests": [{"action": "reject", "rois": keys[:1]}]})

    assert answer.status_code == 404
    assert sample.identifier in answer.get_data(as_text=True)
    assert list(project.samples_dir.glob("*.nwb")) == []
