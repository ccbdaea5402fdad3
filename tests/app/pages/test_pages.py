from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from dash import Dash

from app.components.player_view import player_config
from app.components.provenance_view import provenance_card
from app.components.samples_table import empty_hint, sample_rows
from app.pages import project_page, sample_page
from app.samples.roi_rows import roi_rows
from app.servers.dashboard import create_app
from app.workspace import Workspace
from nwb_schema.project import Project
from nwb_schema.reader import read_provenance
from tests.app.small_project import HEIGHT, N_FRAMES, RATE_HZ, WIDTH, MadeSample, add_sample, simulate


@pytest.fixture
def workspace(project: Project) -> Workspace:
    return Workspace.of(project)


def test_samples_are_listed_with_their_counts(workspace: Workspace, sample: MadeSample) -> None:
    row = next(row for row in sample_rows(workspace) if row["path"] == str(sample.path))

    n_cells = len(sample.simulation.footprints)
    assert (row["subject"], row["session"], row["engine"], row["movie"]) == ("m1", "s1", "builtin", "yes")
    assert (row["accepted"], row["rois"]) == (n_cells - 1, n_cells)
    assert row["duration_s"] == pytest.approx(N_FRAMES / RATE_HZ)
    assert row["href"] == f"/sample/{sample.identifier}"
    assert row["status"] == "ok"


def test_damaged_file_is_listed_with_its_reason(
    workspace: Workspace, sample: MadeSample, damaged_nwb: Path, app: Dash
) -> None:
    rows = sample_rows(workspace)

    bad = next(row for row in rows if row["path"] == str(damaged_nwb))
    assert bad["href"] is None
    assert bad["reason"]
    assert any(row["path"] == str(sample.path) and row["status"] == "ok" for row in rows)
    with app.server.test_request_context("/"):
        assert "broken" in str(project_page.layout())


def test_unreadable_sample_s_address_says_so(damaged_nwb: Path, app: Dash) -> None:
    with app.server.test_request_context(f"/sample/{damaged_nwb.stem}"):
        page = str(sample_page.layout(damaged_nwb.stem))

    assert "This sample cannot be shown" in page


@pytest.mark.parametrize("identifier", ["gone", "%2e%2e%2fproject.toml", "a%00b", "%F0%9F%90%81"])
def test_unknown_identifier_gets_a_page_that_helps(app: Dash, identifier: str) -> None:
    with app.server.test_request_context("/"):
        page = str(sample_page.layout(identifier))

    assert "This sample cannot be shown" in page
    assert "All samples of this project" in page


def test_empty_project_says_what_to_do_next(tmp_path: Path) -> None:
    rows = sample_rows(Workspace.of(Project.create(tmp_path / "empty")))

    assert rows == []
    assert "Process a movie" in str(empty_hint(rows))


def test_address_selects_known_cells_and_a_frame(app: Dash, workspace: Workspace, sample: MadeSample) -> None:
    keys = [str(key) for key in workspace.samples.get(sample.identifier).rois["key"]]
    with app.server.test_request_context("/"):
        page = sample_page.layout(sample.identifier, roi=f"{keys[2]},unknown", frame="17", utm_source="mail")

    stores = {part.id: part.data for part in page._traverse() if type(part).__name__ == "Store"}
    assert stores["selection"] == [keys[2]]
    assert stores["player-config"]["frame"] == 17
    assert stores["player-config"]["selected"] == [keys[2]]


def page_stores(page: Any) -> dict[str, Any]:
    return {part.id: part.data for part in page._traverse() if type(part).__name__ == "Store"}


def test_address_without_cells_selects_the_three_accepted_ones_of_highest_snr(
    app: Dash, workspace: Workspace, sample: MadeSample
) -> None:
    keys = [str(key) for key in workspace.samples.get(sample.identifier).rois["key"]]
    with app.server.test_request_context("/"):
        page = sample_page.layout(sample.identifier)
        none = sample_page.layout(sample.identifier, roi="none")

    # The last cell has the highest SNR of all, and was rejected.
    assert page_stores(page)["selection"] == [keys[-2], keys[-3], keys[-4]]
    assert page_stores(page)["player-config"]["selected"] == [keys[-2], keys[-3], keys[-4]]
    [table] = [part for part in page._traverse() if getattr(part, "id", None) == "roi-table"]
    assert table.selectedRows == {"ids": [keys[-2], keys[-3], keys[-4]]}
    assert page_stores(none)["selection"] == []


def test_clearest_cells_are_the_same_every_time() -> None:
    nan = float("nan")
    rois = pd.DataFrame({"is_accepted": [True, True, False, True, True], "snr": [nan, 4.0, 9.0, 4.0, 5.0]})

    assert sample_page.clearest_cells(rois, 3) == [4, 1, 3]
    assert sample_page.clearest_cells(rois, 9) == [4, 1, 3, 0]
    assert sample_page.clearest_cells(rois[:0], 3) == []


def test_movie_starts_by_itself_only_when_asked_and_there(
    app: Dash, sample: MadeSample, sample_without_movie: MadeSample
) -> None:
    def plays(identifier: str, **query: str) -> bool:
        with app.server.test_request_context("/"):
            return bool(page_stores(sample_page.layout(identifier, **query))["player-config"]["play"])

    assert plays(sample.identifier, play="1")
    assert not plays(sample.identifier)
    assert not plays(sample.identifier, play="0")
    assert not plays(sample_without_movie.identifier, play="1")


def test_address_of_a_sample() -> None:
    assert sample_page.sample_url("ab-12") == "/sample/ab-12"
    assert sample_page.sample_url("a/b c", play=True) == "/sample/a%2Fb%20c?play=1"


@pytest.mark.parametrize("frame", ["-1", "x", "1e9", "٣", "9" * 40])
def test_nonsense_frame_is_the_first_one(app: Dash, sample: MadeSample, frame: str) -> None:
    with app.server.test_request_context("/"):
        page = sample_page.layout(sample.identifier, frame=frame)

    stores = {part.id: part.data for part in page._traverse() if type(part).__name__ == "Store"}
    assert stores["player-config"]["frame"] == 0


def test_player_learns_height_and_width_apart(workspace: Workspace, sample: MadeSample) -> None:
    config, problem = player_config(workspace, workspace.samples.get(sample.identifier))

    assert problem is None
    assert (config["height"], config["width"]) == (HEIGHT, WIDTH)
    assert [background["name"] for background in config["backgrounds"]] == ["movie", "mean", "max"]
    assert config["n_frames"] == N_FRAMES
    assert {view["name"]: view["problem"] for view in config["views"] if view["problem"]} == {
        "raw": "the raw movie recording.tif is not there any more"
    }
    for contrast in (background["contrast"] for background in config["backgrounds"]):
        assert contrast["range"][0] <= contrast["auto"][0] < contrast["auto"][1] <= contrast["range"][1]


def test_sample_without_movie_shows_what_it_has_and_says_so(
    workspace: Workspace, sample_without_movie: MadeSample
) -> None:
    config, problem = player_config(workspace, workspace.samples.get(sample_without_movie.identifier))

    assert not config["has_movie"]
    assert [background["name"] for background in config["backgrounds"]] == ["footprints"]
    assert problem == "This sample has no movie. Shown: the cells' footprints."


def test_movie_that_vanished_is_said_and_the_rest_is_shown(tmp_path: Path) -> None:
    other = Project.create(tmp_path / "other")
    made = add_sample(other, simulate())
    other.movie_path(made.identifier).unlink()
    workspace = Workspace.of(other)

    config, problem = player_config(workspace, workspace.samples.get(made.identifier))

    assert not config["has_movie"]
    assert [background["name"] for background in config["backgrounds"]] == ["mean", "max"]
    assert problem is not None
    assert problem.startswith("No movie: ")
    assert problem.endswith("Shown: mean image.")


def test_two_files_with_one_identifier_are_both_shown(tmp_path: Path) -> None:
    other = Project.create(tmp_path / "twins")
    made = add_sample(other, simulate())
    copy = Path(shutil.copy(made.path, made.path.with_name("sub-m1_ses-copy_ophys.nwb")))
    app = create_app(other.folder)

    rows = sample_rows(Workspace.of(other))

    assert [row["status"] for row in rows] == ["duplicate", "duplicate"]
    assert [row["href"] for row in rows] == [f"/sample/{path.stem}" for path in (copy, made.path)]
    with app.server.test_request_context("/"):
        config, _ = player_config(Workspace.of(other), Workspace.of(other).samples.get(copy.stem))
    with app.server.test_client() as client:
        for address in [rows[0]["thumbnail"], config["contours_url"], config["backgrounds"][0]["url"].format(n=3)]:
            assert client.get(address).status_code == 200


def test_table_has_plain_values(workspace: Workspace, sample: MadeSample) -> None:
    rows = roi_rows(workspace.samples.get(sample.identifier).rois)

    assert {type(value) for row in rows for value in row.values()} <= {str, int, bool, float, type(None)}
    assert rows[0]["cnn_preds"] is None
    assert rows[0]["snr"] == pytest.approx(2)


def test_provenance_names_engine_parameters_and_input(workspace: Workspace, sample: MadeSample) -> None:
    data = workspace.samples.get(sample.identifier)

    provenance = read_provenance(sample.path)
    card: Any = str(provenance_card(data.summary, provenance))

    digests = (str(provenance["parameters_sha256"]), "cd" * 32)
    for part in ("builtin 0.1.0", *digests, "recording.tif", "simulation's truth", "dxy", "none"):
        assert part in card
