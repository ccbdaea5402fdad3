"""The home page: which projects it lists, what it says of them, and the servers that it starts."""

from __future__ import annotations

import json
import os
import socket
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.components.home_view import listed, project_cards
from app.home import project_servers
from app.home.facts import project_facts
from app.home.project_servers import ProjectServers
from app.home.recent_projects import configuration_folder, forget, recent_projects, remember
from app.servers.home import create_home_app, serve_home
from app.servers.project_server import usual_port
from app.servers.serve import ServeError
from nwb_schema.catalogue import Catalogue
from nwb_schema.errors import ProjectError
from nwb_schema.project import Project
from tests.app.small_project import add_sample, simulate


@pytest.fixture(autouse=True)
def own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_last_opened_comes_first_once_and_can_be_forgotten(tmp_path: Path) -> None:
    for moment, name in enumerate(["a", "b", "a"]):
        remember(tmp_path / name, name.upper(), clock=lambda moment=moment: 100.0 + moment)

    assert [(one.name, one.opened_at) for one in recent_projects()] == [("A", 102.0), ("B", 101.0)]
    forget(str(tmp_path / "a"))
    assert [one.name for one in recent_projects()] == ["B"]


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps who may read in another way")
def test_list_is_private(tmp_path: Path) -> None:
    remember(tmp_path / "a", "A")

    assert configuration_folder().stat().st_mode & 0o777 == 0o700
    assert (configuration_folder() / "recent-projects.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"folder": 1}]', '{"folder": "x"}'])
def test_damaged_list_is_empty_and_is_written_anew(tmp_path: Path, text: str) -> None:
    configuration_folder().mkdir(parents=True)
    (configuration_folder() / "recent-projects.json").write_text(text)

    assert recent_projects() == []
    remember(tmp_path / "a", "A")
    assert [one.name for one in recent_projects()] == ["A"]


def test_named_projects_stand_first(tmp_path: Path) -> None:
    remember(tmp_path / "old", "Old")

    assert [one.name for one in listed([tmp_path / "new"])] == ["new", "Old"]
    assert [one.name for one in listed([tmp_path / "old"])] == ["Old"]


def test_card_says_what_waits_and_what_is_away(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project", "Here")
    add_sample(project, simulate(), with_movie=False)
    before = project_facts(project.folder)
    Catalogue(project).refresh()
    facts = project_facts(project.folder)
    remember(project.folder, "Here")
    remember(tmp_path / "gone", "Gone")

    text = str(project_cards(recent_projects(), {str(project.folder): facts}))

    assert (before.facts, before.waiting) == ("1 sample", ())
    assert [one.text for one in facts.waiting][-1] == "1 sample that cannot be published yet: see why"
    assert "1 sample that cannot be published yet" in text
    assert "its disk is away" in text
    assert "No project yet" in str(project_cards([]))
    (project.config_path).write_text("not TOML [")
    assert "project.toml" in project_facts(project.folder).problem


def test_project_is_served_on_a_port_of_its_own_and_ends_with_the_home_page(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project", "Served")
    servers = ProjectServers()
    servers.home_url = "http://127.0.0.1:1/"
    try:
        url = servers.open(project.folder)
        assert servers.open(project.folder) == url
        with urllib.request.urlopen(f"{url}_dash-layout", timeout=60) as answer:
            layout = json.dumps(json.load(answer))
        assert "Served" in layout
        assert "http://127.0.0.1:1/" in layout
        assert [one.folder for one in recent_projects()] == [str(project.folder)]
        running = servers._running[project.folder].process
        assert running.stdin is not None
        running.stdin.close()  # as the end of the home page's process does
        assert running.wait(timeout=60) is not None
        assert not servers.is_running(project.folder)
    finally:
        servers.close()


def test_project_has_the_same_port_each_time_unless_it_is_taken(tmp_path: Path) -> None:
    folder = Project.create(tmp_path / "project").folder
    port = usual_port(folder)
    assert port == usual_port(tmp_path / "." / "project")
    with socket.socket() as other:
        try:
            other.bind(("127.0.0.1", port))
        except OSError:
            pytest.fail(f"port {port} is in use on this computer")
        other.listen()
        servers = ProjectServers((folder,))
        try:
            elsewhere = urlsplit(servers.open(folder)).port
        finally:
            servers.close()
    assert elsewhere != port

    servers = ProjectServers((folder,))
    try:
        assert urlsplit(servers.open(folder)).port == port
    finally:
        servers.close()


def test_server_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project.create(tmp_path / "project")
    monkeypatch.setattr(project_servers, "_COMMAND", ("-c", 'print(\'{"error": "out of luck"}\')'))

    with pytest.raises(ProjectError, match="out of luck"):
        ProjectServers().open(project.folder)
    with pytest.raises(ProjectError, match="no such folder"):
        ProjectServers().open(tmp_path / "gone")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no numbers of users")
def test_folder_of_another_user_is_opened_only_when_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.create(tmp_path / "project")
    owner = project.folder.stat().st_uid
    monkeypatch.setattr(project_servers.os, "geteuid", lambda: owner + 1)
    monkeypatch.setattr(project_servers, "_COMMAND", ("-c", 'print(\'{"url": "http://127.0.0.1:9/"}\')'))

    with pytest.raises(ProjectError, match="belongs to another user"):
        ProjectServers().open(project.folder)
    named = ProjectServers((project.folder,))
    assert named.open(project.folder) == "http://127.0.0.1:9/"
    named.close()


def test_home_page_is_served_to_this_computer_alone() -> None:
    with pytest.raises(ServeError, match="no login"):
        serve_home(host="0.0.0.0", port=0)
    app = create_home_app(ProjectServers())
    with app.server.test_client() as client:
        assert client.get("/", headers={"Host": "evil.example"}).status_code == 403
        assert client.get("/", headers={"Origin": "http://evil.example"}).status_code == 403
        answer = client.get("/")
    assert answer.status_code == 200
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
