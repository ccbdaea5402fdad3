"""Stimuli as the page edits, copies and shows them, without a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.servers.dashboard import create_app
from app.stimuli.edits import add_stimulus_type, copy_stimuli, edit_stimuli, look_at_stimuli
from app.stimuli.rows import stimulus_state, stimulus_tables
from app.workspace import Workspace
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.configure import add_column
from nwb_schema.edits import edits_of
from nwb_schema.errors import ConfigurationError, EditError
from nwb_schema.project import Project
from nwb_schema.stimuli import change_periods, read_events, read_stimuli
from pipeline.simulate import Simulation
from tests.app.small_project import MadeSample, add_sample, simulate


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.create(tmp_path / "project", "Stimuli")
    add_column(project, ColumnDefinition("visual/grating", ColumnKind.STIMULUS, vocabulary=("left", "right")))
    add_column(project, ColumnDefinition("lick", ColumnKind.STIMULUS))
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


KEY = "visual_grating"


def period(start_s: float, stop_s: float, name: str = "left") -> dict[str, Any]:
    return {"start_s": start_s, "stop_s": stop_s, "name": name, "colour": "#0072b2"}


def edit(workspace: Workspace, sample: MadeSample, based_on: str | None = None, **request: Any) -> Any:
    sent = {"action": "change", "key": KEY, **request}
    return edit_stimuli(workspace, workspace.samples.get(sample.identifier), sent, actor="Ada", based_on=based_on)


def test_periods_are_added_changed_and_removed_and_the_page_learns_their_numbers(
    workspace: Workspace, sample: MadeSample
) -> None:
    first = edit(workspace, sample, added=[period(4, 5), period(1, 2, "right")])
    second = edit(
        workspace,
        sample,
        first["version"],
        changed={str(first["added"][0]): {"stop_s": 6}},
        removed=[first["added"][1]],
    )

    assert first["added"] == [0, 1]
    assert [row["id"] for row in first["tables"][0]["rows"]] == [1, 0]  # by start
    assert (second["error"], second["conflict"]) == (None, None)
    assert [(table["id"], len(table["rows"])) for table in second["tables"]] == [(f"periods:{KEY}", 1)]
    stored = read_stimuli(sample.path)[KEY]
    assert stored[["start_s", "stop_s"]].to_numpy().tolist() == [[4, 6]]
    assert [record.actor for record in edits_of(workspace.project, sample.path)] == ["Ada", "Ada"]


def test_undo_brings_back_what_was_there(workspace: Workspace, sample: MadeSample) -> None:
    edit(workspace, sample, added=[period(1, 2)])
    edit(workspace, sample, removed=[0])

    undone = edit(workspace, sample, action="undo")
    assert "Undid" in undone["said"]
    assert len(read_stimuli(sample.path)[KEY]) == 1

    edit(workspace, sample, action="undo")
    assert KEY not in read_stimuli(sample.path)
    redone = edit(workspace, sample, action="redo")
    assert next(table for table in redone["tables"] if table["rows"])["rows"][0]["name"] == "left"


def test_others_edits_are_merged_or_asked_about(workspace: Workspace, sample: MadeSample) -> None:
    seen = edit(workspace, sample, added=[period(1, 2), period(3, 4)])["version"]
    change_periods(workspace.project, sample.path, "visual/grating", changed={0: {"stop_s": 2.5}}, actor="Grace")

    merged = edit(workspace, sample, seen, changed={1: {"name": "right"}})
    assert "Grace" in merged["said"]
    assert read_stimuli(sample.path)[KEY]["stop_s"].tolist() == [2.5, 4]

    before = sample.path.read_bytes()
    asked = edit(workspace, sample, seen, changed={0: {"stop_s": 9}})
    assert "Grace" in asked["conflict"]["text"]
    assert sample.path.read_bytes() == before
    edit(workspace, sample, asked["conflict"]["version"], changed={0: {"stop_s": 9}})
    assert read_stimuli(sample.path)[KEY]["stop_s"].tolist() == [9, 4]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"action": "explode"}, "no edit"),
        ("undo", "no edit"),
        ({"action": "change", "key": KEY, "changed": {"x": {}}}, "no edit"),
        ({"action": "change", "key": KEY, "added": [{"name": ["a"]}]}, "no edit"),
        ({"action": "change", "key": "unknown", "added": [period(1, 2)]}, "no stimulus type"),
        ({"action": "change", "key": KEY, "added": [period(2, 1)]}, "before it starts"),
        ({"action": "change", "key": KEY, "added": [period(1, 2, "up")]}, "not in the vocabulary"),
        ({"action": "undo"}, "nothing to undo"),
    ],
)
def test_what_cannot_be_done_changes_nothing_and_says_why(
    workspace: Workspace, sample: MadeSample, sent: Any, said: str
) -> None:
    before = sample.path.read_bytes()

    answer = edit_stimuli(workspace, workspace.samples.get(sample.identifier), sent, actor="Ada", based_on=None)

    assert said in answer["error"]
    assert sample.path.read_bytes() == before


def test_state_says_what_is_odd_as_loading_a_table_does(workspace: Workspace, sample: MadeSample) -> None:
    edit(workspace, sample, added=[period(1, 3), period(2, 4), period(9, 12)])

    state = stimulus_state(workspace, workspace.samples.get(sample.identifier))

    assert (state["duration_s"], state["rate_hz"]) == (10.0, 15.0)
    tables = {table["id"]: table for table in state["tables"]}
    assert list(tables) == [f"periods:{KEY}", f"moments:{KEY}", "periods:lick", "moments:lick"]
    overlap, beyond = tables[f"periods:{KEY}"]["problems"]
    assert "Row 2 starts at 2 s, before row 1 stops at 3 s" in overlap
    assert "Row 3 (9 to 12 s) lies partly outside the recording" in beyond


def test_table_of_another_program_is_shown_and_its_colours_are_harmless(
    workspace: Workspace, sample: MadeSample
) -> None:
    edit(workspace, sample, added=[period(1, 2) | {"colour": "url(javascript:alert(1))"}])
    data = workspace.samples.get(sample.identifier)
    data.periods["trials"] = data.periods[KEY].rename(columns={"name": "name"}).assign(name="go", colour="tomato")

    own, foreign = (
        next(table for table in stimulus_tables(workspace, data) if table["key"] == key) for key in (KEY, "trials")
    )

    assert own["rows"][0]["colour"].startswith("#")
    assert (foreign["editable"], foreign["rows"][0]["colour"]) == (False, "tomato")


def test_moments_have_a_time_alone(workspace: Workspace, sample: MadeSample) -> None:
    answer = edit(workspace, sample, key="lick", moments=True, added=[{"time_s": 2.5, "name": "lick", "colour": "red"}])

    assert answer["tables"][0]["rows"][0]["time_s"] == 2.5
    assert read_events(sample.path)["lick"]["time_s"].tolist() == [2.5]


def test_copies_arrive_in_other_samples_or_say_why_not(
    workspace: Workspace, sample: MadeSample, simulation: Simulation
) -> None:
    others = [add_sample(workspace.project, simulation, session=name, with_movie=False) for name in ("b", "c")]
    edit(workspace, sample, added=[period(1, 3), period(9, 12, "right"), period(11, 12)])
    edit(workspace, others[1], added=[period(5, 6)])
    data = workspace.samples.get(sample.identifier)

    copied = copy_stimuli(workspace, data, KEY, [other.identifier for other in others], beyond="cut", actor="Ada")

    assert [one.done for one in copied] == [True, False]
    assert copied[0].said == "2 rows, 1 row left out"
    assert "already" in copied[1].said
    stored = read_stimuli(others[0].path)[KEY]
    assert stored[["start_s", "stop_s"]].to_numpy().tolist() == [[1, 3], [9, 10]]
    assert list(stored["colour"]) == ["#0072b2", "#0072b2"]
    with pytest.raises(EditError, match="none to copy"):
        copy_stimuli(workspace, data, "lick", [others[0].identifier], actor="Ada")


def test_new_type_is_what_the_dialogue_says(workspace: Workspace) -> None:
    column = add_stimulus_type(workspace, "  odour ", "rose, rose,, mint")

    assert (column.name, column.vocabulary) == ("odour", ("rose", "mint"))
    with pytest.raises(ConfigurationError, match="no name"):
        add_stimulus_type(workspace, " ", None)


def test_route_commits_under_a_name_and_tells_others(project: Project, sample: MadeSample) -> None:
    url = f"/edits/{sample.identifier}/stimuli"
    with create_app(project.folder).server.test_client() as client:
        request = {"action": "change", "key": KEY, "added": [period(1, 2)]}
        answer = client.post(url, json={"requests": [request], "based_on": "", "actor": " Ada "})

        known = answer.get_json()["version"]
        assert client.get(f"{url}?known={known}").status_code == 204
        assert client.get(f"{url}?known=").get_json()["version"] == known
        assert client.get("/edits/unknown/stimuli").status_code == 404
        assert client.post(url, json={}, headers={"Origin": "http://evil.example"}).status_code == 403
    assert edits_of(project, sample.path)[-1].actor == "Ada"


def test_look_is_silent_until_something_changes(workspace: Workspace, sample: MadeSample) -> None:
    data = workspace.samples.get(sample.identifier)
    assert look_at_stimuli(workspace, data, known="") is None

    edit(workspace, sample, added=[period(1, 2)])

    assert look_at_stimuli(workspace, workspace.samples.get(sample.identifier), known="") is not None
