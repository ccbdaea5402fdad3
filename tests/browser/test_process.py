from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from nwb_schema.project import Project
from nwb_schema.reader import read_summary
from pipeline.jobs import JobState, Ledger
from pipeline.simulate import simulate_movie, write_simulation
from tests.browser.conftest import runtime_folder, serving
from tests.browser.page import Page


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project", "Processing")


@pytest.fixture
def server(project: Project) -> Iterator[str]:
    with serving(project.folder) as url:
        yield url


def movie(folder: Path, n_frames: int, name: str = "recording.tif") -> Path:
    simulation = simulate_movie("2p", n_frames=n_frames, height=96, width=128, n_cells=10, seed=2)
    return write_simulation(simulation, folder / name)


def start(page: Page, path: Path) -> None:
    page.write("#process-movies", str(path))
    page.write("#process-subject", "mouse 7")
    page.write("#process-session", "day1")
    page.click("#process-start")


def test_movie_becomes_a_sample_though_the_page_is_reloaded_meanwhile(
    page: Page, project: Project, tmp_path: Path
) -> None:
    assert "No samples yet" in page.find("#samples-empty").text
    start(page, movie(tmp_path, 400))
    page.until(lambda: page.job_state() == "running" and page.all(".job-stage"), "the job does not start")

    page.driver.refresh()

    page.until(lambda: page.job_state() in ("running", "ok"), "the page lost its job")
    page.until(lambda: page.job_state() == "ok", "the job does not end")
    page.until(lambda: page.all("#samples .sample-link"), "the sample is not listed")
    [path] = project.sample_paths()
    summary = read_summary(path)
    assert summary.n_rois > 0
    assert summary.subject_id == "mouse 7"
    page.click('#jobs-panel a[href^="/sample/"]')
    page.wait_for_player()
    assert page.frame() == 0


def test_job_can_be_cancelled_and_leaves_no_sample(page: Page, project: Project, tmp_path: Path) -> None:
    start(page, movie(tmp_path, 6_000))
    page.until(lambda: page.job_state() == "running" and page.all(".job-stage"), "the job does not start")

    # What the job says of its progress does not take the buttons from under the pointer.
    before = page.text(".job-stage")
    button = next(one for one in page.all("#jobs-panel button") if one.text == "Cancel")
    page.until(lambda: page.text(".job-stage") != before, "its progress is not shown")
    button.click()

    page.until(lambda: page.job_state() == "cancelled", "the job does not stop")
    [job] = Ledger(project).jobs()
    assert job.state is JobState.CANCELLED
    assert project.sample_paths() == []
    assert list(project.movies_dir.iterdir()) == []


def test_damaged_movie_is_refused_in_words(page: Page, project: Project, tmp_path: Path) -> None:
    path = movie(tmp_path, 400)
    path.write_bytes(path.read_bytes()[:-20_000])
    start(page, path)

    page.until(
        lambda: "recording.tif" in page.text("#process-message.is-error") or page.job_state() == "failed",
        "nothing is said about the damage",
    )
    assert project.sample_paths() == []


def test_log_opens_and_closes_and_markup_in_a_name_is_text(page: Page, project: Project, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>.tif"
    start(page, movie(tmp_path, 300, name))
    page.until(lambda: name in page.text("#jobs-panel .job-title"))

    page.click_button("#jobs-panel button", "Log")
    page.until(lambda: "motion correction" in page.text("#jobs-log-view .job-log"), "the log stays empty")
    page.click_button("#jobs-panel button", "Log")
    page.until(lambda: not page.all("#jobs-log-view .job-log"))
    page.until(lambda: page.job_state() == "ok", "the job does not end")


def test_killed_job_is_shown_as_lost(page: Page, project: Project, tmp_path: Path) -> None:
    start(page, movie(tmp_path, 3_000))
    page.until(lambda: page.job_state() == "running", "the job does not start")
    [job] = Ledger(project).jobs()
    assert job.pid is not None

    psutil.Process(job.pid).kill()

    page.until(lambda: page.job_state() == "lost", "nobody notices that the job is gone")
    assert "killed" in page.text("#jobs-panel .job-error")


def test_killed_watcher_is_replaced(
    page: Page, project: Project, tmp_path: Path, open_page: Callable[[str], Page]
) -> None:
    start(page, movie(tmp_path, 3_000))
    page.until(lambda: page.job_state() == "running", "the job does not start")
    watchers = page.until(lambda: _watchers(project), "no background callback watches the job")

    for watcher in watchers:
        psutil.Process(watcher).kill()

    page.until(lambda: set(_watchers(project)) - set(watchers), "nobody watches the job any more")
    page.click_button("#jobs-panel button", "Cancel")
    page.until(lambda: page.job_state() == "cancelled")


def _watchers(project: Project) -> list[int]:
    """Processes that hold the folder of background callbacks of this project's server open."""
    found = []
    for process in psutil.process_iter():
        try:
            files = process.open_files()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        inside = any(str(runtime_folder(project.folder)) in file.path for file in files)
        if inside and "forkserver" in " ".join(process.cmdline()):
            found.append(process.pid)
    return found
