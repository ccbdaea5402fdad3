"""Background work by Redis and a worker, as on a shared server, seen from the page: progress, cancel, and deaths."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
import tifffile
from selenium.webdriver.common.keys import Keys

from app.background.own_results import LOST
from app.background.redis_workers import NO_WORKER, queue_name, task_key, worker_key
from nwb_schema.project import Project
from pipeline.simulate import simulate_movie
from tests.app.background.redis_server import running_redis, running_worker
from tests.app.small_project import MadeSample, add_sample
from tests.browser.conftest import serving
from tests.browser.page import Page


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory, sample: MadeSample) -> tuple[Project, MadeSample]:
    project = Project.create(tmp_path_factory.mktemp("worked") / "project", "Worked")
    return project, add_sample(project, sample.simulation)


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("movies") / "raw.tif"
    frames = simulate_movie("2p", n_frames=300, height=60, width=84, n_cells=6, seed=2).frames
    tifffile.imwrite(path, frames, photometric="minisblack", metadata={"axes": "TYX"})
    return path


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


def look_at(page: Page, n_frames: int) -> None:
    """Ask for the images of so many frames: what was asked for before would be answered from the disk."""
    page.write("#tune-n-frames", Keys.CONTROL + "a" + Keys.NULL, str(n_frames), Keys.TAB)
    page.click("#tune-open")
    page.until(lambda: page.find("#tune-cancel").is_displayed(), "nobody works on it")


def done(page: Page, n_frames: int) -> None:
    page.until(lambda: f"looked at {n_frames} of" in page.text("#tune-said"), "there are no images")
    page.until(lambda: not page.find("#tune-cancel").is_displayed())


def begun(client: redis.Redis) -> bool:
    """Whether a worker is in the middle of something."""
    states = [client.get(key) or b"" for key in client.keys("celery-task-meta-*")]
    return any(b'"STARTED"' in state or b'"PROGRESS"' in state for state in states)


def said(page: Page) -> str:
    return page.text("#background-problem")


def test_work_is_shown_cancelled_and_reported_when_its_worker_is_killed(
    worked: tuple[Project, MadeSample], movie: Path, redis_url: str, open_page: Callable[[str], Page]
) -> None:
    project, sample = worked
    client = redis.Redis.from_url(redis_url)
    with ExitStack() as stack:
        url = stack.enter_context(serving(project.folder, environment={"FLUORITE_REDIS_URL": redis_url}))
        first = stack.enter_context(running_worker(project, redis_url, command=True))
        page = open_page(f"{url}/sample/{sample.identifier}?roi=none")
        page.wait_for_player()
        page.click("#heatmap-draw")
        page.until(lambda: "8 cells" in page.text("#heatmap-said"), "the heat map was not drawn")

        page = open_page(f"{url}/tune?start=preset:2p")
        page.write("#tune-movie", str(movie))
        look_at(page, 300)
        done(page, 300)

        # Whoever does not want to wait for a worker that is busy elsewhere takes the work back.
        os.killpg(first.pid, signal.SIGSTOP)
        look_at(page, 290)
        page.click("#tune-cancel")
        page.until(lambda: not page.find("#tune-cancel").is_displayed(), "it was not cancelled")
        assert said(page) == ""
        os.killpg(first.pid, signal.SIGCONT)

        look_at(page, 280)
        page.until(lambda: begun(client), "nobody began to work")
        os.killpg(first.pid, signal.SIGKILL)
        # Which else expires by itself, a quarter of a minute later.
        client.delete(*client.keys(task_key("*")))
        page.until(lambda: said(page) == LOST, "the page does not say that the worker was killed")
        page.until(lambda: not page.find("#tune-cancel").is_displayed())

        client.delete(worker_key(queue_name(project.folder)))
        look_at(page, 270)
        page.until(lambda: said(page) == NO_WORKER, "the page does not say that there is no worker")

        stack.enter_context(running_worker(project, redis_url, command=True))
        look_at(page, 260)
        page.until(lambda: said(page) == "", "what went wrong before is still said")
        done(page, 260)
        open_page("about:blank")  # a page whose server is gone complains in the console
