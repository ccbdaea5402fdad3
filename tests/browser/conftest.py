"""A real server in a process of its own, and a real browser that looks at it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.configure import add_column
from nwb_schema.project import Project
from tests.app.small_project import MadeSample, add_sample, simulate
from tests.browser.page import Page

REPOSITORY = Path(__file__).resolve().parents[2]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Generous: a machine that also runs other tests may be ten times slower than an idle one.
_START_S = 90


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives the browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser: ``FLUORITE_CHROMIUM``, or the one on the PATH; without any, the tests fail and say so."""
    found = os.environ.get("FLUORITE_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.fail("needs Chromium: install Debian's packages chromium and chromium-driver, or set FLUORITE_CHROMIUM")
    return found


@contextmanager
def _browser(chromium: str, profile: Path) -> Iterator[WebDriver]:
    """A headless browser with a profile of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    arguments = [
        "--headless=new",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--window-size=1440,1100",
        f"--user-data-dir={profile}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium's sandbox refuses to run as root, as in most containers
    for argument in arguments:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chromedriver = shutil.which("chromedriver")
    browser = webdriver.Chrome(options=options, service=Service(chromedriver) if chromedriver else Service())
    browser.set_script_timeout(30)
    try:
        yield browser
    finally:
        browser.quit()


@pytest.fixture(scope="session")
def driver(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """One headless browser for all tests."""
    with _browser(chromium, tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def second_driver(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """The browser of another person, who works at the same time."""
    with _browser(chromium, tmp_path_factory.mktemp("second-browser")) as browser:
        yield browser


def runtime_folder(project_folder: Path) -> Path:
    """Where the server of a project keeps what lives as long as it does."""
    return project_folder.with_name(f"{project_folder.name}-runtime")


def free_port() -> int:
    """A port of this computer that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    folder: Path, port: int | None = None, *, end: int = signal.SIGTERM, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The address of a server of the project in `folder`, started as a user starts it; `end` is how it is ended."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    runtime_folder(folder).mkdir(mode=0o700, exist_ok=True)
    server = subprocess.Popen(
        [sys.executable, "-m", "fluorite", "serve", str(folder), "--port", str(port), "--no-browser"],
        cwd=REPOSITORY,
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime_folder(folder)), **(environment or {})},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        # The server says on stderr where it is, once it answers.
        assert server.stderr is not None
        for line in server.stderr:
            if url in line:
                break
        else:
            raise AssertionError(f"the server ended with exit code {server.wait()}")
        with urllib.request.urlopen(f"{url}/healthz", timeout=_START_S) as answer:
            assert answer.status == 200
        yield url
    finally:
        server.send_signal(end)
        server.communicate(timeout=30)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that no test changes: a sample, one without a movie, one without cells, and a damaged file."""
    project = Project.create(tmp_path_factory.mktemp("browser-project") / "project", "Browser tests")
    (project.samples_dir / "sub-broken_ses-1_ophys.nwb").write_bytes(b"this is not HDF5")
    return project


@pytest.fixture(scope="session")
def sample(project: Project) -> MadeSample:
    return add_sample(project, simulate())


@pytest.fixture(scope="session")
def sample_without_movie(project: Project, sample: MadeSample) -> MadeSample:
    return add_sample(project, sample.simulation, session="nomovie", with_movie=False)


@pytest.fixture(scope="session")
def sample_without_cells(project: Project, sample: MadeSample) -> MadeSample:
    truth = sample.simulation
    empty = replace(truth, footprints=truth.footprints[:0], traces=truth.traces[:0], spikes=truth.spikes[:0])
    return add_sample(project, empty, session="nocells")


@pytest.fixture(scope="session")
def server(
    project: Project, sample: MadeSample, sample_without_movie: MadeSample, sample_without_cells: MadeSample
) -> Iterator[str]:
    with serving(project.folder) as url:
        yield url


@pytest.fixture(scope="module")
def curated(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose samples the tests of one module edit."""
    project = Project.create(tmp_path_factory.mktemp("curated") / "project", "Curated")
    add_column(project, ColumnDefinition("cell type", ColumnKind.ROI_TAG, vocabulary=("neuron", "astrocyte")))
    return project


@pytest.fixture(scope="module")
def curated_url(curated: Project) -> Iterator[str]:
    with serving(curated.folder) as url:
        yield url


@pytest.fixture
def mine(curated: Project, request: pytest.FixtureRequest) -> Iterator[MadeSample]:
    """A new sample for every test."""
    session = "".join(letter for letter in request.node.name if letter.isalnum())[:40]
    made = add_sample(curated, simulate(), subject="m2", session=session)
    yield made
    made.path.unlink()


@pytest.fixture
def open_page(driver: WebDriver, server: str) -> Iterator[Callable[[str], Page]]:
    """Open an address; at the end, the console has to be empty and nothing may have been loaded from elsewhere.

    It asks for the server so that the server outlives it: a page whose server is gone complains in the console.
    """
    with _visiting(driver) as open_address:
        yield open_address


@pytest.fixture
def open_second(second_driver: WebDriver, server: str) -> Iterator[Callable[[str], Page]]:
    """The same in the browser of another person."""
    with _visiting(second_driver) as open_address:
        yield open_address


@contextmanager
def _visiting(driver: WebDriver) -> Iterator[Callable[[str], Page]]:
    driver.get("about:blank")
    _console(driver)
    _requested(driver)

    def open_address(url: str) -> Page:
        driver.get(url)
        return Page(driver, WebDriverWait(driver, 60, poll_frequency=0.05))

    yield open_address
    # Before looking at the logs: what a page does while it is left is not what is tested.
    console, requested = _console(driver), _requested(driver)
    driver.get("about:blank")
    assert console == []
    elsewhere = [url for url in requested if not url.startswith(("http://127.0.0.1:", "data:", "blob:", "about:"))]
    assert elsewhere == []
    assert requested


@pytest.fixture
def page(open_page: Callable[[str], Page], server: str) -> Page:
    """The project page of the project that no test changes."""
    return open_page(server)


@pytest.fixture
def sample_page(open_page: Callable[[str], Page], server: str, sample: MadeSample) -> Page:
    """The page of its sample without a selected cell, with the first frame and the outlines drawn."""
    page = open_page(f"{server}/sample/{sample.identifier}?roi=none")
    page.wait_for_player()
    return page


def _console(driver: WebDriver) -> list[str]:
    return [f"{entry['level']}: {entry['message']}" for entry in driver.get_log("browser")]


def _requested(driver: WebDriver) -> list[str]:
    messages = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent" and "request" in message["params"]
    ]
