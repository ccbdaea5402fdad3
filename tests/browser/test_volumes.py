"""Leafing through the planes of a volume."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from nwb_schema.project import Project
from tests.app.volume_project import HEIGHT, WIDTH, MadeVolumes, add_volumes
from tests.browser.conftest import serving
from tests.browser.page import Page


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.create(tmp_path_factory.mktemp("volumes") / "project", "Volumes")


@pytest.fixture(scope="module")
def volumes(project: Project) -> MadeVolumes:
    return add_volumes(project)


@pytest.fixture(scope="module")
def server(project: Project, volumes: MadeVolumes) -> Iterator[str]:
    with serving(project.folder) as url:
        yield url


def test_the_slider_shows_plane_after_plane(
    open_page: Callable[[str], Page], server: str, volumes: MadeVolumes
) -> None:
    page = open_page(f"{server}/sample/{volumes.identifier}?roi=none")
    page.wait_for_player()
    assert "5 planes" in page.text(".fact-chips")
    assert "all, from above" in page.text(".player-planes")

    def move_to(place: int) -> None:
        page.script(
            """
            const slider = document.getElementById("player-plane");
            slider.value = arguments[0];
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            """,
            place,
        )
        wanted = "" if place == 0 else str(place - 1)
        page.until(lambda: page.player("plane") == wanted and page.player("contoursPlane") == wanted, "no such plane")

    def likeness(plane: int) -> float:
        truth = volumes.frames[0, :, :, plane].astype(float)
        return float(np.corrcoef(page.canvas(HEIGHT, WIDTH).ravel(), truth.ravel())[0, 1])

    for kind in ("accepted", "rejected"):
        page.click(f"#player-show-{kind}")
    for plane in (2, 4):
        move_to(plane + 1)
        assert np.argmax([likeness(other) for other in range(5)]) == plane
        assert f"z={plane}" in page.driver.current_url
    # The maximum over time was kept from above only.
    assert page.find("#player-background-max").get_property("disabled")
    move_to(0)
    assert not page.find("#player-background-max").get_property("disabled")
    assert "z=" not in page.driver.current_url


def test_an_address_leads_to_a_plane(open_page: Callable[[str], Page], server: str, volumes: MadeVolumes) -> None:
    page = open_page(f"{server}/sample/{volumes.identifier}?z=3&roi=none")
    page.wait_for_player()
    assert page.player("plane") == page.player("contoursPlane") == "3"
    assert page.find("#player-plane").get_property("value") == "4"
