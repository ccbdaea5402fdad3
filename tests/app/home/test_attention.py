"""What of a project waits for somebody."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from app import checks
from app.browsing.browse import from_address
from app.components.home_view import page_of
from app.home.attention import matters
from nwb_schema.catalogue import Catalogue
from nwb_schema.edits import Accept, SetField, commit
from nwb_schema.project import Project
from nwb_schema.reader import read_rois
from tests.app.small_project import MadeSample, add_sample, simulate


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[MadeSample]]:
    project = Project.create(tmp_path_factory.mktemp("attention") / "project")
    simulation = simulate()
    return project, [add_sample(project, simulation, subject=f"m{n}", with_movie=False) for n in (1, 2)]


@pytest.fixture(autouse=True)
def time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the computer is that tests."""
    monkeypatch.setattr(checks, "BUDGET_S", 1000.0)


def texts(project: Project, jobs: list[dict[str, str]]) -> list[str]:
    catalogue = Catalogue(project)
    catalogue.refresh()
    return [one.text for one in matters(catalogue, jobs)]


def test_empty_project_waits_for_nothing(tmp_path: Path) -> None:
    assert texts(Project.create(tmp_path / "empty"), []) == []


def test_what_waits_is_counted_and_leads_to_where_it_is(made: tuple[Project, list[MadeSample]]) -> None:
    project, samples = made
    broken = project.samples_dir / "sub-x_ses-1_ophys.nwb"
    broken.write_bytes(b"broken")
    jobs = [{"state": "failed"}, {"state": "ok"}, {"state": "lost"}]

    assert texts(project, jobs) == [
        "2 jobs failed or lost: see the list of jobs",
        "1 file with a problem",
        "2 samples in which nobody decided a cell yet",
        "2 samples that cannot be published yet: see why",
    ]
    catalogue = Catalogue(project)
    for one in matters(catalogue, [])[:-1]:
        state = from_address(dict(parse_qsl(urlsplit(one.href).query)))
        assert catalogue.count("samples", state.filters) == int(one.text.split()[0]), one.href

    keys = list(read_rois(samples[0].path)["roi_uuid"])
    commit(project, samples[0].path, [Accept(keys[:1]), SetField("imaging.indicator", "GCaMP8m")], actor="Ada")
    broken.unlink()
    assert texts(project, []) == [
        "1 sample in which nobody decided a cell yet",
        "2 samples that cannot be published yet: see why",
    ]


def test_one_blocked_sample_is_led_to_and_a_matter_on_the_home_page_opens_its_page(
    made: tuple[Project, list[MadeSample]], tmp_path: Path
) -> None:
    _, (sample, _) = made
    project = Project.create(tmp_path / "one")
    path = project.samples_dir / sample.path.name
    path.write_bytes(sample.path.read_bytes())
    catalogue = Catalogue(project)
    catalogue.refresh()

    blocked = matters(catalogue, [])[-1]

    assert (blocked.text, blocked.href) == (
        "1 sample that cannot be published yet: see why",
        f"/export?name={path.name}",
    )
    at = "http://127.0.0.1:8050/"
    assert page_of(at, {"href": blocked.href}) == f"http://127.0.0.1:8050/export?name={path.name}"
    assert page_of(at, {"href": "#jobs-panel"}) == "http://127.0.0.1:8050/#jobs-panel"
    assert page_of(at, "home-open") == page_of(at, {"href": "@elsewhere"}) == at
    assert page_of(at, {"href": "//elsewhere/x"}) == "http://127.0.0.1:8050/elsewhere/x"
